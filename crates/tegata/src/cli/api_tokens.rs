//! The flags of `tegata api-tokens`.

use clap::{Args, Subcommand};

use super::{
    client::{ENVIRONMENT, Printed},
    take_back::ServerAccess,
};

/// Commands on the API tokens of users.
#[derive(Debug, Subcommand)]
pub(crate) enum ApiTokensCommand {
    /// Make an API token, shown this once: what programs of a user get access tokens for its organization with
    #[command(after_help = ENVIRONMENT)]
    Create(ApiTokenCreateFlags),
    /// The API tokens of a user, those that were taken back among them
    #[command(after_help = ENVIRONMENT)]
    List(ApiTokensListFlags),
    /// Take an API token back, with every access token that came of it
    #[command(after_help = ENVIRONMENT)]
    Revoke(ApiTokenRevokeFlags),
}

/// Flags of `api-tokens create`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ApiTokenCreateFlags {
    /// What it is called
    pub(crate) name: String,
    /// Whose; one's own if nobody is named
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// What it is for at most, as tokens say it: `csp:org_member`; may stand several times, all that the user may if it does not
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// How many days it lives
    #[arg(long, value_name = "DAYS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=1826))]
    pub(crate) days: u64,
    /// After how many days without use it ends
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=1826))]
    pub(crate) idle_days: Option<u64>,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `api-tokens list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ApiTokensListFlags {
    /// Whose; one's own if nobody is named
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `api-tokens revoke`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ApiTokenRevokeFlags {
    /// Which: its id, as `list` shows it
    pub(crate) id: String,
    /// Whose; one's own if nobody is named
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}
