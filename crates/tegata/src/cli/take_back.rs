//! The flags of the commands that take back and tell why.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::client::{Access, ENVIRONMENT, Printed};

/// Which server, and with which key; for commands where `--role` means something else.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ServerAccess {
    /// Use this profile, whatever the environment says
    #[arg(short, long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// URL of the server [default: $TEGATA_ENDPOINT, else the profile's]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Trust only the authorities in this file (PEM) for https
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// One-time code, where the profile signs in with one
    #[arg(long, value_name = "CODE")]
    pub(crate) mfa_otpcode: Option<String>,
    /// File of the profiles [default: ~/.aliyun/config.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) config_path: Option<PathBuf>,
}

impl ServerAccess {
    /// The same without a role to take on first.
    pub(crate) fn access(&self) -> Access {
        let Self { profile, endpoint, ca_file, mfa_otpcode, config_path } = self.clone();
        Access { profile, endpoint, ca_file, mfa_otpcode, config_path, ..Access::default() }
    }

    /// True if the command line says which server or which key.
    pub(crate) fn is_named(&self) -> bool {
        self.profile.is_some() || self.endpoint.is_some() || self.config_path.is_some()
    }
}

/// Commands on role sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// Who holds a temporary key, by which role, and until when
    #[command(after_help = ENVIRONMENT)]
    List(SessionsListFlags),
    /// What is known of one session
    #[command(after_help = ENVIRONMENT)]
    Show(SessionShowFlags),
    /// End one session, or all of a user, a role, a key or an application, at once
    #[command(after_help = ENVIRONMENT)]
    Revoke(SessionsRevokeFlags),
}

/// Flags of `sessions list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SessionsListFlags {
    /// Only those that began with a key of this user
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Only those of this role
    #[arg(long, value_name = "NAME")]
    pub(crate) role: Option<String>,
    /// Only those that began with this key, or the one of this temporary key
    #[arg(long, value_name = "ID")]
    pub(crate) key: Option<String>,
    /// Only those that came of tokens of this application
    #[arg(long, value_name = "ID")]
    pub(crate) app: Option<String>,
    /// Those too that work no more
    #[arg(long)]
    pub(crate) all: bool,
    /// At most so many, newest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) lines: u32,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `sessions show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SessionShowFlags {
    /// The session (`session_…`), or its temporary key (`STS.…`)
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `sessions revoke`.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("whose").required(true))]
pub(crate) struct SessionsRevokeFlags {
    /// This one: `session_…`, or its temporary key `STS.…`
    #[arg(long, value_name = "ID", group = "whose")]
    pub(crate) session: Option<String>,
    /// All that began with a key of this user; the keys stay
    #[arg(long, value_name = "NAME", group = "whose")]
    pub(crate) user: Option<String>,
    /// All of this role
    #[arg(long, value_name = "NAME", group = "whose")]
    pub(crate) role: Option<String>,
    /// All that began with this key; the key stays
    #[arg(long, value_name = "ID", group = "whose")]
    pub(crate) key: Option<String>,
    /// Everything issued through this application, tokens too; it stays installed
    #[arg(long, value_name = "ID", group = "whose")]
    pub(crate) app: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `leaked`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LeakedFlags {
    /// A key, a secret, a token, or a text that holds some; - reads standard input, which keeps it out of the shell's history
    pub(crate) text: String,
    /// Only tell what would be ended
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}
