//! The flags of `tegata keys`.

use clap::{Args, Subcommand};

use super::{
    client::{ENVIRONMENT, Printed},
    take_back::ServerAccess,
};

/// Commands on the long-term keys of an account.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Who still uses a long-term key, and the command that replaces it
    #[command(after_help = ENVIRONMENT)]
    Report(KeysReportFlags),
    /// What the account demands of long-term keys
    Policy {
        /// What to do with it.
        #[command(subcommand)]
        command: KeyPolicyCommand,
    },
}

/// Commands on the key policy.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyPolicyCommand {
    /// Print it
    #[command(after_help = ENVIRONMENT)]
    Show(KeyPolicyShowFlags),
    /// Change it; what is not named stays
    #[command(after_help = ENVIRONMENT)]
    Set(KeyPolicySetFlags),
}

/// Flags of `keys report`.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeysReportFlags {
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `keys policy show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeyPolicyShowFlags {
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `keys policy set`.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeyPolicySetFlags {
    /// How old a key may become, 1 to 3650 days; 0 for any age
    #[arg(long, value_name = "DAYS")]
    pub(crate) max_age_days: Option<u32>,
    /// Keys work from this address or block only; may be repeated, and replaces those there are
    #[arg(long, value_name = "CIDR", conflicts_with = "any_address")]
    pub(crate) network: Option<Vec<String>>,
    /// Keys work from anywhere
    #[arg(long)]
    pub(crate) any_address: bool,
    /// Whether users who sign in may have keys: true or false
    #[arg(long, value_name = "BOOL")]
    pub(crate) people: Option<bool>,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}
