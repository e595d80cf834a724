//! Every crate takes its lints and its package fields from the workspace, and only the store depends on a database driver.

const FIELDS: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

const DRIVERS: &[&str] = &["rusqlite", "tokio-postgres", "deadpool"];
const STORE: &str = "tegata-store";

/// What the manifest `text` of the crate `name` does not inherit, and what it should not name.
pub(super) fn check(name: &str, text: &str) -> Vec<String> {
    let inherited = inherited(text);
    let has = |section: &str, key: &str| inherited.iter().any(|(in_section, found)| in_section == section && found == key);
    let mut problems = Vec::new();
    if !has("lints", "") {
        problems.push(format!("crate `{name}`: its manifest needs `[lints]` with `workspace = true`"));
    }
    for field in FIELDS.iter().filter(|&&field| !has("package", field)) {
        problems.push(format!("crate `{name}`: its manifest needs `{field}.workspace = true` under `[package]`"));
    }
    if name != STORE {
        let dependencies = text.lines().skip_while(|line| line.trim() != "[dependencies]").skip(1);
        for line in dependencies.take_while(|line| !line.trim_start().starts_with('[')) {
            for driver in DRIVERS.iter().filter(|&&driver| line.trim_start().starts_with(driver)) {
                problems.push(format!("crate `{name}`: depends on the driver `{driver}`; only {STORE} may"));
            }
        }
    }
    problems
}

/// The pairs of section and key that say `workspace = true`; the key is empty where the section itself says it.
fn inherited(text: &str) -> Vec<(String, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(|line| line.split('#').next().unwrap_or("").trim()) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.trim().clone_into(&mut section);
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let (key, value) = (key.trim(), value.replace(' ', ""));
        match key.strip_suffix("workspace").map(|key| key.trim_end_matches('.').trim()) {
            Some(key) if value == "true" => found.push((section.clone(), key.to_owned())),
            _ if value == "{workspace=true}" => found.push((section.clone(), key.to_owned())),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
[package]
name = \"a\"
version.workspace = true
edition = { workspace = true }
rust-version.workspace = true # as everywhere
license.workspace=true
publish.workspace = true

[dependencies]
serde.workspace = true

[lints]
workspace = true
";

    #[test]
    fn a_manifest_that_inherits_everything_is_clean() {
        assert_eq!(check("a", GOOD), Vec::<String>::new());
    }

    #[test]
    fn only_the_store_depends_on_a_driver() {
        for driver in ["rusqlite", "tokio-postgres", "tokio-postgres-rustls", "deadpool-postgres"] {
            let with = GOOD.replace("serde.workspace", &format!("{driver}.workspace"));
            assert_eq!(check("tegata-core", &with).len(), 1, "{driver}");
            assert!(check("tegata-store", &with).is_empty());
            assert!(check("tegata-core", &with.replace("[dependencies]", "[dev-dependencies]")).is_empty());
        }
    }

    #[test]
    fn each_missing_inheritance_is_named() {
        for field in FIELDS {
            let without = GOOD.lines().filter(|line| !line.starts_with(field)).collect::<Vec<_>>().join("\n");
            let problems = check("a", &without);
            assert_eq!(problems.len(), 1, "{field}: {problems:?}");
            assert!(problems[0].contains(&format!("`{field}.workspace = true`")));
        }
        assert!(check("a", &GOOD.replace("[lints]\nworkspace = true", ""))[0].contains("[lints]"));
        assert!(check("a", &GOOD.replace("[lints]\nworkspace = true", "[lints]\nworkspace = false"))[0].contains("[lints]"));
        assert!(
            check("a", &GOOD.replace("version.workspace = true\nedition", "version = \"1\"\nedition"))[0].contains("`version.workspace")
        );
    }
}
