//! The flags of `tegata apps`.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::{
    client::{ENVIRONMENT, Printed, duration},
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
    /// Change an application; what an app of an organization got where it was added stays
    #[command(after_help = ENVIRONMENT)]
    Edit(AppEditFlags),
    /// Add an app to its organization: only then it has access; says what it gets, and why something is missing
    #[command(after_help = ENVIRONMENT)]
    Add(AppAddFlags),
    /// Take an app out of its organization; its access ends at once, and it can be added again
    #[command(after_help = ENVIRONMENT)]
    Remove(AppFlags),
    /// Take an app out of its organization and add it again in one step, as oneself
    #[command(after_help = ENVIRONMENT)]
    Resync(AppFlags),
    /// The apps that were added to the organization, with what they got
    #[command(after_help = ENVIRONMENT)]
    Instances(AppsListFlags),
    /// The credentials of an app for a code that `--wrap` has made: the first time, and never again
    Unwrap(AppUnwrapFlags),
    /// An access token of an app for itself, by its credentials
    Token(AppTokenFlags),
    /// Install an application in the account, `official-cli` among them: the administrator's consent
    #[command(after_help = ENVIRONMENT)]
    Install(AppInstallFlags),
    /// Take an application out of use; everything that was issued through it ends at once
    #[command(after_help = ENVIRONMENT)]
    Uninstall(AppInstallFlags),
    /// Whether the account lets applications of other accounts in; `on` or `off` says so
    #[command(after_help = ENVIRONMENT)]
    Foreign(AppForeignFlags),
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
    /// On a server, for itself, with roles in an organization and at its services
    Organization,
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

/// Flags of `apps install` and `apps uninstall`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppInstallFlags {
    /// The application: its id, its name, or `official-cli`
    pub(crate) app: String,
    /// It belongs to another account: this is its id there
    #[arg(long)]
    pub(crate) foreign: bool,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Whether something is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// It is
    On,
    /// It is not
    Off,
}

/// Flags of `apps foreign`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppForeignFlags {
    /// Whether they are let in; without it, how it stands
    pub(crate) switch: Option<Switch>,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// How ID tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IdTokenAlg {
    /// RSA, which every client can read
    #[value(name = "RS256", alias = "rs256")]
    Rs256,
    /// The curve P-256: shorter
    #[value(name = "ES256", alias = "es256")]
    Es256,
}

impl IdTokenAlg {
    /// As it stands in a token.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// Flags of `apps create`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppCreateFlags {
    /// Its name
    pub(crate) name: String,
    /// Where it runs
    #[arg(long = "kind", alias = "type", value_enum, default_value = "web")]
    pub(crate) kind: AppKind,
    /// Of an organization: a role it shall have there; may stand several times
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,
    /// Of an organization: a role at a service, `vcd/vcd:user`, or all of one, `vcd/*`; may stand several times
    #[arg(long = "service-role", value_name = "SERVICE/ROLE")]
    pub(crate) service_roles: Vec<String>,
    /// Of an organization: how long its access tokens live, in seconds [default: 1800]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) life: Option<u32>,
    /// Of an organization: what it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Of an organization: its id, where it shall not be a random one
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Of an organization: keep the credentials in this file, as JSON and for this user alone, instead of showing them
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,
    /// Of an organization: show a code instead of the secret, which whoever has it opens once, within this time; 1m to 24h
    #[arg(long, value_name = "TIME", value_parser = day, conflicts_with = "credentials")]
    pub(crate) wrap: Option<Duration>,
    /// Where codes may be sent; may stand several times
    #[arg(long = "redirect", value_name = "URI")]
    pub(crate) redirects: Vec<String>,
    /// What it may ask for, besides `openid`; may stand several times
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// How its ID tokens are signed [default: RS256]
    #[arg(long, value_enum, value_name = "ALG")]
    pub(crate) id_token_alg: Option<IdTokenAlg>,
    /// Other accounts may let it in [default: web ones no, others yes]
    #[arg(long, value_name = "BOOL")]
    pub(crate) multi_tenant: Option<bool>,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `apps edit`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppEditFlags {
    /// The app: its id or its name
    pub(crate) app: String,
    /// What it is called from now on
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// A role it shall have in the organization; roles that are said replace those that there are
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,
    /// A role at a service, `vcd/vcd:user`, or all of one, `vcd/*`
    #[arg(long = "service-role", value_name = "SERVICE/ROLE")]
    pub(crate) service_roles: Vec<String>,
    /// How long its access tokens live, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) life: Option<u32>,
    /// Of an application of the account: how its ID tokens are signed
    #[arg(long, value_enum, value_name = "ALG")]
    pub(crate) id_token_alg: Option<IdTokenAlg>,
    /// Of an application of the account: whether other accounts may let it in
    #[arg(long, value_name = "BOOL")]
    pub(crate) multi_tenant: Option<bool>,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `apps add`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppAddFlags {
    /// The app: its id or its name
    pub(crate) app: String,
    /// Only say what it would get
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `apps token`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppTokenFlags {
    /// The file with the credentials, as `apps create --credentials` writes it
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: PathBuf,
    /// Only this of what it has; may stand several times
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// For fewer seconds than usual
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: Option<u32>,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `apps unwrap`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppUnwrapFlags {
    /// The code; `-` reads it from standard input
    pub(crate) code: String,
    /// Keep the credentials in this new file, for this user alone, instead of showing them
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
}

/// How long a code is good.
fn day(text: &str) -> Result<Duration, String> {
    let good = Duration::from_mins(1)..=Duration::from_hours(24);
    duration(text).and_then(|time| if good.contains(&time) { Ok(time) } else { Err("a code is good for 1m to 24h".to_owned()) })
}

/// Flags of `apps rotate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppRotateFlags {
    /// The application: its id or its name
    pub(crate) app: String,
    /// How long the old secret goes on counting, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    pub(crate) overlap: u32,
    /// Of an organization: show a code instead of the secret, which whoever has it opens once, within this time; 1m to 24h
    #[arg(long, value_name = "TIME", value_parser = day)]
    pub(crate) wrap: Option<Duration>,
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
