//! What `cargo metadata` says about this workspace, read once.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::sys;

/// The workspace: where it is, where it builds to, and its members.
pub(crate) struct Workspace {
    /// Folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Cargo's target folder (it may lie outside the clone).
    pub(crate) target: PathBuf,
    /// The members, by name.
    pub(crate) members: Vec<Member>,
}

/// One member crate.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) manifest: PathBuf,
    /// It lies outside `crates/`: it is run, and is part of no product.
    pub(crate) tool: bool,
    /// Other members it depends on for its normal build (neither dev nor build dependencies), by name.
    pub(crate) uses: Vec<String>,
    /// Crates from outside that it names for any purpose.
    pub(crate) outside: Vec<String>,
    /// Names of its binary targets.
    pub(crate) binaries: Vec<String>,
}

impl Workspace {
    /// Asks cargo. Nothing is downloaded and no lock file is written.
    pub(crate) fn find() -> Result<Self, String> {
        let output = Command::new(sys::cargo())
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cargo metadata could not be started: {error}"))?;
        if !output.status.success() {
            return Err(format!("cargo metadata failed: {}", output.status));
        }
        let value: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata is not JSON: {error}"))?;
        Self::read(&value).ok_or_else(|| "cargo metadata has another shape than this tool knows".to_owned())
    }

    /// Whether `package` is a member with a binary target `binary`.
    pub(crate) fn has_binary(&self, package: &str, binary: &str) -> bool {
        self.members.iter().any(|member| member.name == package && member.binaries.iter().any(|name| name == binary))
    }

    fn read(value: &Value) -> Option<Self> {
        let packages = value.get("packages")?.as_array()?;
        let names: Vec<&str> = packages.iter().filter_map(|package| package.get("name")?.as_str()).collect();
        let root: PathBuf = value.get("workspace_root")?.as_str()?.into();
        let mut members = packages.iter().map(|package| Member::read(package, &names, &root)).collect::<Option<Vec<_>>>()?;
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Some(Self { root, target: value.get("target_directory")?.as_str()?.into(), members })
    }
}

impl Member {
    fn read(package: &Value, names: &[&str], root: &Path) -> Option<Self> {
        let (mut uses, mut outside) = (Vec::new(), Vec::new());
        for dependency in package.get("dependencies")?.as_array()? {
            let name = dependency.get("name")?.as_str()?;
            // `kind` is null for a normal dependency; only members have a path and no registry.
            if dependency.get("kind")?.is_null() && names.contains(&name) && !uses.iter().any(|used| used == name) {
                uses.push(name.to_owned());
            }
            if !names.contains(&name) {
                outside.push(name.to_owned());
            }
        }
        uses.sort();
        let binaries = package
            .get("targets")?
            .as_array()?
            .iter()
            .filter(|target| target.get("kind").and_then(Value::as_array).is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin")))
            .filter_map(|target| target.get("name")?.as_str().map(str::to_owned))
            .collect();
        let manifest: PathBuf = package.get("manifest_path")?.as_str()?.into();
        Some(Self {
            name: package.get("name")?.as_str()?.to_owned(),
            tool: !manifest.starts_with(root.join("crates")),
            manifest,
            uses,
            outside,
            binaries,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_members_with_their_normal_edges_and_binaries() {
        let value = serde_json::json!({
            "workspace_root": "/w", "target_directory": "/t",
            "packages": [
                { "name": "b", "manifest_path": "/w/b/Cargo.toml", "targets": [{ "kind": ["bin"], "name": "short" }],
                  "dependencies": [
                    { "name": "a", "kind": null }, { "name": "a", "kind": null },
                    { "name": "c", "kind": "dev" }, { "name": "serde", "kind": null } ] },
                { "name": "a", "manifest_path": "/w/crates/a/Cargo.toml", "targets": [{ "kind": ["lib"], "name": "a" }], "dependencies": [] },
                { "name": "c", "manifest_path": "/w/c/Cargo.toml", "targets": [], "dependencies": [] }
            ]
        });
        let workspace = Workspace::read(&value).unwrap();
        assert_eq!(workspace.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(workspace.members[1].uses, ["a"]);
        assert_eq!(workspace.members[1].outside, ["serde"]);
        assert_eq!(workspace.members.iter().map(|member| member.tool).collect::<Vec<_>>(), [false, true, true]);
        assert!(workspace.has_binary("b", "short"));
        assert!(!workspace.has_binary("a", "a"));
    }
}
