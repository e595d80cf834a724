//! The flags of `tegata apps`.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::{
    client::{ENVIRONMENT, Printed},
    take_back::ServerAccess,
};

/// Commands on OAuth applications.
#[derive(Debug, Subcommand)]
pub(crate) enum AppsCommand {
    /// The applications of the account, and what is installed in it
    #[command(after_help = ENVIRONMENT)]
    List(AppsListFlags),
    /// What is said of an application, its secrets, its installation, who is assigned
    #[command(after_help = ENVIRONMENT)]
    Show(AppFlags),
    /// Make an application; web and server ones get a secret, shown this once
    #[command(after_help = ENVIRONMENT)]
    Create(AppCreateFlags),
    /// A new secret, shown this once; the old one goes on counting for a while
    #[command(after_help = ENVIRONMENT)]
    Rotate(AppRotateFlags),
    /// Delete an application; everything that was issued to it ends at once
    #[command(after_help = ENVIRONMENT)]
    Delete(AppFlags),
    /// Install an application in the account, `official-cli` among them: the administrator's consent
    #[command(after_help = ENVIRONMENT)]
    Install(AppFlags),
    /// Take an application out of use; everything that was issued through it ends at once
    #[command(after_help = ENVIRONMENT)]
    Uninstall(AppFlags),
    /// Let a user or a role use the official application
    #[command(after_help = ENVIRONMENT)]
    Assign(AppAssignFlags),
    /// Let a user or a role use it no more; everything that it got through it ends at once
    #[command(after_help = ENVIRONMENT)]
    Unassign(AppAssignFlags),
    /// Say who may use the official application: everybody of the account, or those who are assigned
    #[command(after_help = ENVIRONMENT)]
    Mode(AppModeFlags),
}

/// Who may use the official application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AppMode {
    /// Everybody of the account
    All,
    /// Those who are assigned
    Assigned,
}

/// Flags of `apps mode`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppModeFlags {
    /// The official application: `official-cli`, or one of its ids
    pub(crate) app: String,
    /// Who may use it
    pub(crate) mode: AppMode,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Where an application runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AppKind {
    /// On a web server: it keeps a secret
    Web,
    /// On a person's device: it keeps none
    Native,
    /// On a server, for itself
    Server,
}

/// Flags of `apps list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppsListFlags {
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of the commands on one application.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppFlags {
    /// The application: its id, its name, or `official-cli`
    pub(crate) app: String,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `apps create`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppCreateFlags {
    /// Its name: letters, digits and `.`, `_`, `-`
    pub(crate) name: String,
    /// Where it runs
    #[arg(long = "type", value_enum, default_value = "web")]
    pub(crate) kind: AppKind,
    /// Where codes may be sent; may stand several times
    #[arg(long = "redirect", value_name = "URI")]
    pub(crate) redirects: Vec<String>,
    /// What it may ask for, besides `openid`; may stand several times
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `apps rotate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppRotateFlags {
    /// The application: its id or its name
    pub(crate) app: String,
    /// How long the old secret goes on counting, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    pub(crate) overlap: u32,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `apps assign` and `apps unassign`.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("whom").required(true))]
pub(crate) struct AppAssignFlags {
    /// The official application: `official-cli`, or one of its ids
    pub(crate) app: String,
    /// This user
    #[arg(long, value_name = "NAME", group = "whom")]
    pub(crate) user: Option<String>,
    /// This role
    #[arg(long, value_name = "NAME", group = "whom")]
    pub(crate) role: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}
