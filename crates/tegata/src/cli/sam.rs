//! The flags of the commands that speak the SORACOM wire: signing in with a code, second factors, profiles of the vendor's program.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCompleter;

use super::client::Form;
use crate::commands::names;

/// How these commands find a session, and which secrets may come from where.
pub(super) const SAM_HELP: &str = "\
The session is found in this order: --api-key and --api-token, --auth-key-id and --auth-key, --profile-command, --profile, the current
profile. That of a profile of mode SORACOM is kept until it ends, so one code pays for many commands; `tegata auth logout` ends it. Where a
profile of another mode or the environment gives a user's temporary key, that key is exchanged for a session, for one command.

A secret is - (typed unseen, or a line of standard input) or @FILE; what stands on the command line, other programs can see.

Environment:
  TEGATA_API_KEY, TEGATA_API_TOKEN, TEGATA_AUTH_KEY, TEGATA_PASSWORD, TEGATA_MFA_OTPCODE   as the flags
  TEGATA_ENDPOINT, TEGATA_CA_FILE           as the flags; a profile goes on belonging to its own server";

/// Which server, and with which session.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SamServer {
    /// Use this profile
    #[arg(short, long, value_name = "NAME", add = ArgValueCompleter::new(names::profiles))]
    pub(crate) profile: Option<String>,
    /// URL of the server [default: the profile's, else $TEGATA_ENDPOINT]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// First half of a session that `tegata auth` printed
    #[arg(long, value_name = "KEY|-|@FILE", requires = "api_token")]
    pub(crate) api_key: Option<String>,
    /// Its second half
    #[arg(long, value_name = "TOKEN|-|@FILE", requires = "api_key")]
    pub(crate) api_token: Option<String>,
    /// Sign in with this auth key, for this command only
    #[arg(id = "sign_in_key_id", long = "auth-key-id", value_name = "ID")]
    pub(crate) auth_key_id: Option<String>,
    /// Its secret [default: asked for]
    #[arg(long = "auth-key", value_name = "SECRET|-|@FILE", requires = "sign_in_key_id")]
    pub(crate) auth_key: Option<String>,
    /// Sign in with what this program prints as one JSON object, for this command only; run without a shell
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["api_key", "sign_in_key_id", "profile"])]
    pub(crate) profile_command: Option<String>,
    /// One-time code of the second factor
    #[arg(long, value_name = "CODE")]
    pub(crate) mfa_otpcode: Option<String>,
    /// Trust only the authorities in this file (PEM) for https
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// File of the profiles [default: ~/.aliyun/config.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) config_path: Option<PathBuf>,
}

/// How to print what programs and people both read.
#[derive(Debug, Clone, Args)]
pub(crate) struct SamPrinted {
    /// table (for people) or json (for programs) [default: table on a terminal, json elsewhere]
    #[arg(long, value_name = "FORM", hide_possible_values = true)]
    pub(crate) output: Option<Form>,
}

impl SamPrinted {
    /// The form that is wanted.
    pub(crate) fn form(&self) -> Form {
        self.output.unwrap_or_else(|| if crate::terminal::is_person() { Form::Table } else { Form::Json })
    }
}

/// How to print what a server answered.
#[derive(Debug, Clone, Args)]
pub(crate) struct SamReply {
    #[command(flatten)]
    pub(crate) printed: SamPrinted,
    /// Print only this part of the answer (JMESPath), such as '[].userName'
    #[arg(long, value_name = "EXPR")]
    pub(crate) query: Option<String>,
}

/// Flags of `auth`.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = SAM_HELP)]
pub(crate) struct AuthFlags {
    /// What else to do.
    #[command(subcommand)]
    pub(crate) command: Option<AuthCommand>,
    /// Sign in as the owner of an account, by mail address
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["operator_id", "user_name", "sign_in_key_id", "profile_command"])]
    pub(crate) email: Option<String>,
    /// Sign in as a user of this account
    #[arg(long, value_name = "ID", requires = "user_name", conflicts_with_all = ["sign_in_key_id", "profile_command"])]
    pub(crate) operator_id: Option<String>,
    /// The user's name
    #[arg(long, value_name = "NAME", requires = "operator_id")]
    pub(crate) user_name: Option<String>,
    /// The password [default: asked for]
    #[arg(long, value_name = "PASSWORD|-|@FILE", conflicts_with = "sign_in_key_id")]
    pub(crate) password: Option<String>,
    /// How long the session lives: 180 to 172800 seconds [default: the profile's, else 86400]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(180..=172_800))]
    pub(crate) token_timeout_seconds: Option<u32>,
    #[command(flatten)]
    pub(crate) server: SamServer,
    #[command(flatten)]
    pub(crate) printed: SamPrinted,
}

/// Commands beside `auth` itself.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum AuthCommand {
    /// Become another user, who trusts this one, and print the session
    #[command(after_help = SAM_HELP)]
    SwitchUser(SwitchUserFlags),
    /// End a session, here and on the server
    #[command(after_help = SAM_HELP)]
    Logout(SamLogoutFlags),
}

/// Flags of `auth switch-user`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SwitchUserFlags {
    /// The account of the user to become
    #[arg(long, value_name = "ID")]
    pub(crate) operator_id: String,
    /// The user to become
    #[arg(long, value_name = "NAME")]
    pub(crate) user_name: String,
    /// How long the session lives: 180 to 3600 seconds [default: 3600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(180..=3600))]
    pub(crate) token_timeout_seconds: Option<u32>,
    #[command(flatten)]
    pub(crate) server: SamServer,
    #[command(flatten)]
    pub(crate) printed: SamPrinted,
}

/// Flags of `auth logout`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SamLogoutFlags {
    #[command(flatten)]
    pub(crate) server: SamServer,
}

/// Flags of `profile import`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImportFlags {
    /// Which [default: all of them]
    pub(crate) names: Vec<String>,
    /// The program whose profiles they are
    #[arg(long, value_name = "PROGRAM", default_value = "soracom", value_parser = ["soracom"])]
    pub(crate) from: String,
    /// Folder of its profiles [default: $SORACOM_PROFILE_DIR, else ~/.soracom]
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// The server of profiles that name none
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Replace profiles of these names that are already here
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Remove the files that were taken over, and with them the secrets in them
    #[arg(long)]
    pub(crate) remove: bool,
    /// File of the profiles [default: ~/.aliyun/config.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) config_path: Option<PathBuf>,
}

/// What `configure --mode SORACOM` is told beside the server.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Mode SORACOM")]
pub(crate) struct SamConfigure {
    /// Mail address of the owner of an account; the password is asked for, or a line of standard input
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    /// Account of a user
    #[arg(long, value_name = "ID")]
    pub(crate) operator_id: Option<String>,
    /// The user's name
    #[arg(long, value_name = "NAME")]
    pub(crate) user_name: Option<String>,
    /// Id of an auth key; its secret is asked for, or a line of standard input
    #[arg(long, value_name = "ID")]
    pub(crate) auth_key_id: Option<String>,
    /// Program that prints the rest as one JSON object, the one-time code among it; run without a shell
    #[arg(long, value_name = "COMMAND")]
    pub(crate) profile_command: Option<String>,
    /// Run that program by /bin/sh
    #[arg(long, requires = "profile_command")]
    pub(crate) shell: bool,
    /// How long it may take [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) profile_command_timeout: Option<u32>,
    /// How long its sessions live [default: 28800, by switching 3600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(180..=172_800))]
    pub(crate) token_timeout_seconds: Option<u32>,
    /// A header of every request; may be repeated
    #[arg(long, value_name = "NAME:VALUE")]
    pub(crate) header: Vec<String>,
}

/// Commands on second factors.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum MfaCommand {
    /// Begin a second factor: a picture for an authenticator application
    #[command(after_help = SAM_HELP)]
    Enroll(MfaEnrollFlags),
    /// Prove that the application has it; from then on it is asked for
    #[command(after_help = SAM_HELP)]
    Verify(MfaVerifyFlags),
    /// Whether there is one
    #[command(after_help = SAM_HELP)]
    Status(MfaFlags),
    /// Take it away
    #[command(after_help = SAM_HELP)]
    Remove(MfaRemoveFlags),
    /// The code of this moment, from a seed that standard input or a program gives; asks no server
    Code(MfaCodeFlags),
}

/// Whose second factor.
#[derive(Debug, Clone, Args)]
pub(crate) struct MfaFlags {
    /// This user's [default: one's own]
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    #[command(flatten)]
    pub(crate) server: SamServer,
    #[command(flatten)]
    pub(crate) printed: SamPrinted,
}

/// Flags of `mfa enroll`.
#[derive(Debug, Clone, Args)]
pub(crate) struct MfaEnrollFlags {
    /// Print the secret too, for applications that have no camera
    #[arg(long)]
    pub(crate) show_secret: bool,
    /// Name of the device, where the API gives it one [default: the user's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    #[command(flatten)]
    pub(crate) mfa: MfaFlags,
}

/// Flags of `mfa verify`.
#[derive(Debug, Clone, Args)]
pub(crate) struct MfaVerifyFlags {
    /// A code of the application; for RAM users two that follow one another [default: asked for]
    #[arg(value_name = "CODE", num_args = 0..=2)]
    pub(crate) codes: Vec<String>,
    /// Name of the device, where the API gives it one [default: the user's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    #[command(flatten)]
    pub(crate) mfa: MfaFlags,
}

/// Flags of `mfa remove`.
#[derive(Debug, Clone, Args)]
pub(crate) struct MfaRemoveFlags {
    /// The owner's password, which taking away the owner's own needs [default: asked for]
    #[arg(long, value_name = "PASSWORD|-|@FILE")]
    pub(crate) password: Option<String>,
    #[command(flatten)]
    pub(crate) mfa: MfaFlags,
}

/// Flags of `mfa code`.
#[derive(Debug, Clone, Args)]
pub(crate) struct MfaCodeFlags {
    /// Program that prints the seed, or an `otpauth://` address; run without a shell [default: standard input]
    #[arg(long, value_name = "COMMAND")]
    pub(crate) seed_command: Option<String>,
    #[command(flatten)]
    pub(crate) printed: SamPrinted,
}
