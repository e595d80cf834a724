//! The flags of what looks for trust policies that are open to strangers.

use std::path::PathBuf;

use clap::Args;

use super::client::{Access, Printed};

/// What is looked for.
pub(super) const LINT_HELP: &str = "\
Warned of: no `oidc:aud`, no `oidc:sub`, a wildcard in `oidc:sub` that strangers or forks meet, and a whole foreign account.

Exit status: 0 nothing to warn of, 1 warnings, 2 wrong usage or a document that cannot be read.";

/// Flags of `ram lint`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LintFlags {
    /// Trust policies; `-` reads one from standard input
    #[arg(value_name = "FILE", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) files: Vec<PathBuf>,
    /// The trust policy of every role of the account, from the server
    #[arg(long)]
    pub(crate) all: bool,
    /// Number of the account that the roles of the files belong to: its own users are no strangers
    #[arg(long, value_name = "NUMBER", conflicts_with = "all")]
    pub(crate) account: Option<String>,
    #[command(flatten)]
    pub(crate) printed: Printed,
    #[command(flatten)]
    pub(crate) access: Access,
}
