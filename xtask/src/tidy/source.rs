//! Source files and migrations.

/// A file longer than this has become two.
const LONGEST: usize = 800;

/// Put together here, so that this file does not accuse itself.
const FORBIDDEN: &[&str] = &[concat!("to", "do!"), concat!("unimple", "mented!"), concat!("#[ig", "nore")];

const DRIVERS: &[&str] = &["rusqlite", "tokio_postgres", "deadpool"];
const STORE: &str = "crates/tegata-store/src/";
const ENGINE: &str = "crates/tegata-store/src/engine";

/// Findings in one Rust file; `path` is relative to the workspace, with `/`.
pub(super) fn check(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let in_crate = path.starts_with("crates/") && path.contains("/src/");
    let lines = text.lines().count();
    if in_crate && lines > LONGEST {
        problems.push(format!("{path}: {lines} lines; split it by ideas before it passes {LONGEST}"));
    }
    for (number, line) in (1..).zip(text.lines()) {
        for word in FORBIDDEN.iter().filter(|&&word| line.contains(word)) {
            problems.push(format!("{path}:{number}: `{word}` must not be committed; finish it or take it out"));
        }
        // Prose may name a driver, code may not. (Other crates have no driver among their dependencies.)
        if path.starts_with(STORE) && !is_engine(path) && !line.trim_start().starts_with("//") {
            for driver in DRIVERS.iter().filter(|&&driver| line.contains(driver)) {
                problems.push(format!("{path}:{number}: names `{driver}`; only the engine of tegata-store knows a driver"));
            }
        }
    }
    problems
}

/// `engine.rs` and what lies in `engine/`.
fn is_engine(path: &str) -> bool {
    path.strip_prefix(ENGINE).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Findings in the names of the migrations of both engines.
pub(super) fn check_migrations(sqlite: &[String], postgres: &[String]) -> Vec<String> {
    let folder = "crates/tegata-store/migrations";
    if sqlite.is_empty() && postgres.is_empty() {
        return vec![format!("{folder}: there are no migrations, so nothing was checked")];
    }
    let mut problems = Vec::new();
    for (mine, mine_of, others, other_of) in [(sqlite, "sqlite", postgres, "postgres"), (postgres, "postgres", sqlite, "sqlite")] {
        for name in mine.iter().filter(|&name| !others.contains(name)) {
            problems.push(format!("{folder}/{mine_of}/{name} has no twin in {other_of}"));
        }
    }
    for (index, name) in sqlite.iter().enumerate() {
        let expected = format!("{:04}_", index + 1);
        let shape = name.strip_prefix(&expected).and_then(|rest| rest.strip_suffix(".sql"));
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !shape.is_some_and(plain) {
            problems.push(format!("{folder}/sqlite/{name} should be called `{expected}<what_it_is_about>.sql`"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_found_only_in_the_crates() {
        let long = "//\n".repeat(LONGEST + 1);
        assert_eq!(check("crates/tegata-core/src/a.rs", &long).len(), 1);
        assert!(check("crates/tegata-core/src/a.rs", &"//\n".repeat(LONGEST)).is_empty());
        assert!(check("crates/tegata-core/tests/a.rs", &long).is_empty());
    }

    #[test]
    fn forbidden_words_are_found_everywhere_with_their_line() {
        for word in FORBIDDEN {
            let problems = check("fuzz/src/a.rs", &format!("fn a() {{\n    {word}(\"x\")\n}}\n"));
            assert_eq!(problems.len(), 1, "{word}");
            assert!(problems[0].starts_with("fuzz/src/a.rs:2: "), "{problems:?}");
        }
    }

    #[test]
    fn only_the_engine_names_a_driver() {
        for driver in DRIVERS {
            let line = format!("use {driver}::Thing;\n");
            assert!(check("crates/tegata-store/src/engine.rs", &line).is_empty());
            assert!(check("crates/tegata-store/src/engine/sqlite.rs", &line).is_empty());
            assert!(check("crates/tegata-store/src/role.rs", &format!("// not {driver}\n/// nor {driver}\n")).is_empty());
            for path in ["crates/tegata-store/src/role.rs", "crates/tegata-store/src/engineer.rs"] {
                assert_eq!(check(path, &line).len(), 1, "{path}");
            }
        }
    }

    #[test]
    fn migrations_come_in_pairs_and_in_order() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let good = names(&["0001_directory.sql", "0002_audit.sql"]);
        assert_eq!(check_migrations(&good, &good), Vec::<String>::new());
        assert_eq!(check_migrations(&good, &good[..1]), ["crates/tegata-store/migrations/sqlite/0002_audit.sql has no twin in postgres"]);
        assert!(check_migrations(&good[..1], &good)[0].contains("no twin in sqlite"));
        assert_eq!(check_migrations(&[], &[]).len(), 1);
        for bad in ["0003_gap.sql", "0002_Audit.sql", "0002_.sql", "0002_audit.txt"] {
            let bad = names(&["0001_directory.sql", bad]);
            assert_eq!(check_migrations(&bad, &bad).len(), 1, "{bad:?}");
        }
    }
}
