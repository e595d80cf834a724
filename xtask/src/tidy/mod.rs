//! `cargo xtask tidy`: what the compiler does not check about the shape of this tree.

mod graph;
mod manifest;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace::{Member, Workspace};

/// Prints every finding; `true` when there is none.
#[expect(clippy::unnecessary_wraps, reason = "a chore answers like every other chore")]
pub(crate) fn run(workspace: &Workspace) -> Result<bool, String> {
    let problems = problems(workspace);
    for problem in &problems {
        println!("{problem}");
    }
    println!("tidy: {}", if problems.is_empty() { "nothing to report".to_owned() } else { format!("{} finding(s)", problems.len()) });
    Ok(problems.is_empty())
}

/// Every finding, as a line that says where, what, and what to do.
pub(crate) fn problems(workspace: &Workspace) -> Vec<String> {
    let mut problems = Vec::new();
    match fs::read_to_string(workspace.root.join("ARCHITECTURE.md")) {
        Ok(text) => problems.extend(graph::check(&text, &workspace.members)),
        Err(error) => problems.push(format!("ARCHITECTURE.md: {error}")),
    }
    match fs::read_to_string(workspace.root.join("docs/dependencies.md")) {
        Ok(text) => problems.extend(check_reasons(&text, &workspace.members)),
        Err(error) => problems.push(format!("docs/dependencies.md: {error}")),
    }
    for member in &workspace.members {
        match fs::read_to_string(&member.manifest) {
            Ok(text) => problems.extend(manifest::check(&member.name, &text)),
            Err(error) => problems.push(format!("{}: {error}", member.manifest.display())),
        }
        let folder = member.manifest.parent().unwrap_or(&workspace.root);
        for file in files_below(folder, "rs") {
            // A crate may lie below another one only by mistake, and build output never lies in a crate.
            match fs::read_to_string(&file) {
                Ok(text) => problems.extend(source::check(&relative(&file, &workspace.root), &text)),
                Err(error) => problems.push(format!("{}: {error}", file.display())),
            }
        }
    }
    let migrations = workspace.root.join("crates/tegata-store/migrations");
    problems.extend(source::check_migrations(&names_in(&migrations.join("sqlite")), &names_in(&migrations.join("postgres"))));
    problems.extend(check_vectors(&workspace.root.join("vectors")));
    problems
}

/// Every crate from outside has its line in the table of reasons: its name, in backticks, in the first column.
fn check_reasons(text: &str, members: &[Member]) -> Vec<String> {
    let columns = text.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let listed: BTreeSet<&str> = columns.flat_map(|column| column.split('`').skip(1).step_by(2)).collect();
    let named: BTreeSet<&str> = members.iter().flat_map(|member| &member.outside).map(String::as_str).collect();
    let missing = named.difference(&listed);
    missing.map(|name| format!("docs/dependencies.md: `{name}` has no line; say why this crate and what it stands in for")).collect()
}

fn check_vectors(folder: &Path) -> Vec<String> {
    let files = files_below(folder, "json");
    if files.is_empty() {
        return vec![format!("{}: there are no vectors, so nothing was checked", folder.display())];
    }
    let check = |file: &PathBuf| {
        let text = fs::read_to_string(file).map_err(|error| error.to_string());
        let valid = text.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).map_err(|error| format!("not JSON: {error}")));
        valid.err().map(|problem| format!("{}: {problem}", file.display()))
    };
    files.iter().filter_map(check).collect()
}

/// All files with this extension in `folder` and below, in order.
fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn relative(file: &Path, root: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_without_a_reason_is_named() {
        let outside = ["rustls", "tokio-rustls", "serde"].map(str::to_owned).to_vec();
        let member =
            Member { name: "a".to_owned(), manifest: "Cargo.toml".into(), tool: false, uses: Vec::new(), outside, binaries: Vec::new() };
        let table = "| crate | why |\n|---|---|\n| `rustls`, `tokio-rustls` | better than `serde` |\n";
        let problems = check_reasons(table, std::slice::from_ref(&member));
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("`serde` has no line"), "{problems:?}");
        assert!(check_reasons(&format!("{table}| `serde` | form of records |\n"), &[member]).is_empty());
    }

    #[test]
    fn broken_and_missing_vectors_are_named() {
        let folder = std::env::temp_dir().join(format!("xtask-vectors-{}", std::process::id()));
        fs::create_dir_all(folder.join("deep")).unwrap();
        assert_eq!(check_vectors(&folder).len(), 1);
        fs::write(folder.join("good.json"), "{}").unwrap();
        assert!(check_vectors(&folder).is_empty());
        fs::write(folder.join("deep/bad.json"), "{").unwrap();
        let problems = check_vectors(&folder);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("bad.json: not JSON"), "{problems:?}");
        fs::remove_dir_all(folder).unwrap();
    }
}
