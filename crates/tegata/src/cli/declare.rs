//! The flags of what keeps a directory in a file.

use std::path::PathBuf;

use clap::Args;

use super::client::{Access, Printed};

/// What to write into a file, in a nutshell.
pub(super) const APPLY_HELP: &str = "\
The file is TOML, or JSON with the same words if its name ends in .json:

  version = 1

  [users.alice]
  policies = [\"system:ReadOnlyAccess\", \"deploy\"]

  [groups.admins]
  members = [\"alice\"]
  policies = [\"system:AdministratorAccess\"]

  [policies.deploy]
  document_file = \"deploy.json\"        # or the document itself, as `tegata ram export` writes it

What the file does not say stays as it is; a list that is there is the whole list. The plan is shown first.

Exit status: 0 applied or nothing to do, 1 refused, 2 wrong usage or a file that cannot be read.";

/// Flags of `ram apply`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct ApplyFlags {
    /// The file; `-` reads it from standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Show the plan and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) plan: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Delete what the file does not have, in the sections that it has
    #[arg(long)]
    pub(crate) prune: bool,
    /// Do it even if no user could administer the account afterwards
    #[arg(long)]
    pub(crate) even_if_nobody_can_administer: bool,
    #[command(flatten)]
    pub(crate) printed: Printed,
    #[command(flatten)]
    pub(crate) access: Access,
}

/// Flags of `ram export`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportFlags {
    /// toml or json
    #[arg(long, value_name = "FORM", default_value = "toml", value_parser = ["toml", "json"], hide_possible_values = true)]
    pub(crate) form: String,
    #[command(flatten)]
    pub(crate) access: Access,
}
