//! The flags of the commands that use a server.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;
use tegata_client::profile::Mode;

use super::{
    declare::{self, ApplyFlags, ExportFlags},
    lint, login,
    operations::{self, Operation},
};
use crate::commands::names;

/// What the environment may say to commands that use a server.
pub(crate) const ENVIRONMENT: &str = "\
The key is found in this order: --profile, the environment, the current profile.

Environment:
  ALIBABA_CLOUD_ACCESS_KEY_ID, …_ACCESS_KEY_SECRET, …_SECURITY_TOKEN   a key
  ALIBABA_CLOUD_OIDC_PROVIDER_ARN, …_OIDC_TOKEN_FILE, …_ROLE_ARN       a role, by the token of an identity provider
  ALIBABA_CLOUD_CREDENTIALS_URI             a URL that answers with a key, such as that of `tegata agent`
  ALIBABA_CLOUD_PROFILE                     the profile to use when there is no such key
  ALIBABA_CLOUD_IGNORE_PROFILE=TRUE         do not look at the profiles
  ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS=1  start no program and call no URL to find a key
  TEGATA_ENDPOINT, TEGATA_OSS_ENDPOINT, TEGATA_CA_FILE                 as the flags";

/// How `configure` is told secrets.
pub(super) const CONFIGURE_HELP: &str = "\
What is not given by flags is asked for on a terminal. Without one, a missing secret is read from standard input, one line
each: that keeps it out of the shell's history and of the list of processes, so prefer it to the flags.

  tegata configure --mode OAuth --issuer https://id.example.com --profile me
  tegata configure --endpoint https://id.example.com --access-key-id LTAI… < secret.txt
  tegata configure --profile upload --mode ChainableRamRoleArn --source-profile default \\
      --ram-role-arn acs:ram::1000000000000001:role/app-uploader --role-session-name me

The profile becomes the current one.";

/// Which server, and with which key.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Access {
    /// Use this profile, whatever the environment says
    #[arg(short, long, value_name = "NAME", add = ArgValueCompleter::new(names::profiles))]
    pub(crate) profile: Option<String>,
    /// URL of the server [default: $TEGATA_ENDPOINT, else the profile's]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Trust only the authorities in this file (PEM) for https
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// First take on this role
    #[arg(long, value_name = "ARN", add = ArgValueCompleter::new(names::roles))]
    pub(crate) role: Option<String>,
    /// What to call the role's session [default: tegata-cli]
    #[arg(long, value_name = "NAME")]
    pub(crate) role_session_name: Option<String>,
    /// How long the role's session lives, such as 900, 30m or 1h
    #[arg(long, value_name = "TIME", requires = "role", value_parser = duration)]
    pub(crate) lifetime: Option<Duration>,
    /// One-time code, where the profile signs in with one
    #[arg(long, value_name = "CODE")]
    pub(crate) mfa_otpcode: Option<String>,
    /// File of the profiles [default: ~/.aliyun/config.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) config_path: Option<PathBuf>,
}

/// In which form to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// How to print a result.
#[derive(Debug, Clone, Args)]
pub(crate) struct Printed {
    /// table (for people) or json (for programs)
    #[arg(long, value_name = "FORM", default_value = "table", hide_possible_values = true)]
    pub(crate) output: Form,
}

/// How to print what a server answered.
#[derive(Debug, Clone, Args)]
pub(crate) struct Reply {
    /// table (for people) or json (the answer as it came)
    #[arg(long, value_name = "FORM", default_value = "table", hide_possible_values = true)]
    pub(crate) output: Form,
    /// Print only this part of the answer (JMESPath), such as 'Users.User[].UserName'
    #[arg(long, value_name = "EXPR")]
    pub(crate) query: Option<String>,
}

/// Commands on users, groups, roles and policies.
#[derive(Debug, Subcommand)]
pub(crate) enum RamCommand {
    /// Make users, groups, roles and policies as a file says, all of it or nothing
    #[command(after_help = declare::APPLY_HELP)]
    Apply(Box<ApplyFlags>),
    /// Write users, groups, roles and policies as a file for `apply`
    Export(ExportFlags),
    /// Look for trust policies that let in more than they seem to
    #[command(after_help = lint::LINT_HELP)]
    Lint(Box<lint::LintFlags>),
    #[command(flatten)]
    Operation(Operation<operations::Ram>),
}

/// Commands on identities in the newer spelling, and on identity providers.
#[derive(Debug, Subcommand)]
pub(crate) enum ImsCommand {
    #[command(flatten)]
    Operation(Operation<operations::Ims>),
}

/// Flags of `call`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CallFlags {
    /// sts, ram, ims or tegata
    pub(crate) product: String,
    /// Its name, as the API has it
    pub(crate) operation: String,
    /// Its parameters, each Name=VALUE, Name=@FILE or Name=- for standard input
    #[arg(value_name = "NAME=VALUE")]
    pub(crate) parameters: Vec<String>,
    #[command(flatten)]
    pub(crate) access: Access,
    #[command(flatten)]
    pub(crate) reply: Reply,
}

/// Flags of `configure`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigureFlags {
    /// Name of the profile
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
    /// AK, StsToken, RamRoleArn, ChainableRamRoleArn, OIDC, CredentialsURI, External, SORACOM, or OAuth (a sign-in at a browser) [default:
    /// what the profile has, else AK]
    #[arg(long, value_name = "MODE", value_parser = str::parse::<Mode>)]
    pub(crate) mode: Option<Mode>,
    #[command(flatten)]
    pub(crate) sign_in: login::SignInFlags,
    /// URL of the server
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// URL of its object gateway
    #[arg(long, value_name = "URL")]
    pub(crate) oss_endpoint: Option<String>,
    /// Region that object signatures name
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// File of the authorities (PEM) that the server's certificate leads to
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Id of the key
    #[arg(long, value_name = "ID")]
    pub(crate) access_key_id: Option<String>,
    /// Secret of the key; visible to other programs while this one runs, prefer standard input
    #[arg(long, value_name = "SECRET")]
    pub(crate) access_key_secret: Option<String>,
    /// Token of a temporary key; prefer standard input
    #[arg(long, value_name = "TOKEN")]
    pub(crate) sts_token: Option<String>,
    /// Role to take on
    #[arg(long, value_name = "ARN", add = ArgValueCompleter::new(names::roles))]
    pub(crate) ram_role_arn: Option<String>,
    /// What to call its sessions
    #[arg(long, value_name = "NAME")]
    pub(crate) role_session_name: Option<String>,
    /// What the role's owner asks of strangers
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// How long its sessions live
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) expired_seconds: Option<u32>,
    /// Profile whose key takes on the role
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(names::profiles))]
    pub(crate) source_profile: Option<String>,
    /// Identity provider whose token takes on the role
    #[arg(long, value_name = "ARN")]
    pub(crate) oidc_provider_arn: Option<String>,
    /// File with that token; read anew each time
    #[arg(long, value_name = "FILE")]
    pub(crate) oidc_token_file: Option<PathBuf>,
    /// URL that answers with a key
    #[arg(long, value_name = "URL")]
    pub(crate) credentials_uri: Option<String>,
    /// Program that prints a key, with its arguments; run without a shell
    #[arg(long, value_name = "COMMAND")]
    pub(crate) process_command: Option<String>,
    /// File of the profiles [default: ~/.aliyun/config.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) config_path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sam: super::sam::SamConfigure,
}

/// Commands on profiles.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// All of them, the current one marked
    List(ProfileListFlags),
    /// One of them, without its secrets
    Show(ProfileShowFlags),
    /// Make one the current one
    Use(ProfileNameFlags),
    /// Take one out of the file; on the server nothing changes
    Delete(ProfileNameFlags),
    /// Take over profiles of the vendor's `soracom` program
    Import(super::sam::ImportFlags),
}

/// Flags of `profile list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProfileListFlags {
    #[command(flatten)]
    pub(crate) printed: Printed,
    /// File of the profiles [default: ~/.aliyun/config.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) config_path: Option<PathBuf>,
}

/// Flags of `profile show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProfileShowFlags {
    /// Which [default: the current one]
    #[arg(add = ArgValueCompleter::new(names::profiles))]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) printed: Printed,
    /// File of the profiles [default: ~/.aliyun/config.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) config_path: Option<PathBuf>,
}

/// Flags of `profile use` and `profile delete`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProfileNameFlags {
    /// Which
    #[arg(add = ArgValueCompleter::new(names::profiles))]
    pub(crate) name: String,
    /// File of the profiles [default: ~/.aliyun/config.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) config_path: Option<PathBuf>,
}

/// Flags of `whoami`.
#[derive(Debug, Clone, Args)]
pub(crate) struct WhoamiFlags {
    #[command(flatten)]
    pub(crate) access: Access,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Commands on sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum StsCommand {
    /// Take on a role and print the temporary key
    #[command(after_help = ENVIRONMENT)]
    AssumeRole(AssumeRoleFlags),
    /// Whose key this is
    #[command(after_help = ENVIRONMENT)]
    GetCallerIdentity(WhoamiFlags),
    #[command(flatten)]
    Operation(Operation<operations::Sts>),
}

/// Flags of `sts assume-role`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AssumeRoleFlags {
    /// The role
    #[arg(long, value_name = "ARN", add = ArgValueCompleter::new(names::roles))]
    pub(crate) role_arn: String,
    /// What to call the session; `--role-session-name`, as the API names it, says the same
    #[arg(long, value_name = "NAME", required_unless_present = "role_session_name")]
    pub(crate) session_name: Option<String>,
    /// How long the session lives, such as 900, 30m or 1h [default: the server decides]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// A policy that narrows the role: JSON, or @FILE
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<String>,
    /// What the role's owner asks of strangers
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    #[command(flatten)]
    pub(crate) access: Access,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `credentials`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CredentialsFlags {
    /// json (what an app's auth server answers), env (shell exports), aliyun (for `process_command`), aws (for
    /// `credential_process`) or uri (what a credentials URI answers)
    #[arg(long, value_name = "FORM", default_value = "json", hide_possible_values = true)]
    pub(crate) format: CredentialForm,
    /// A key for the session of this profile of mode SORACOM
    #[arg(long, value_name = "NAME", hide = true, conflicts_with = "profile")]
    pub(crate) sam: Option<String>,
    #[command(flatten)]
    pub(crate) access: Access,
}

/// Forms of a temporary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CredentialForm {
    /// The answer of an app's auth server.
    Json,
    /// Shell exports.
    Env,
    /// The output of a `process_command`.
    Aliyun,
    /// The output of a `credential_process`.
    Aws,
    /// The answer of a credentials URI.
    Uri,
}

/// Flags of `exec`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExecFlags {
    #[command(flatten)]
    pub(crate) access: Access,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// Flags of `doctor`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DoctorFlags {
    #[command(flatten)]
    pub(crate) access: Access,
    /// URL of the object gateway [default: $TEGATA_OSS_ENDPOINT, else the profile's]
    #[arg(long, value_name = "URL")]
    pub(crate) oss_endpoint: Option<String>,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `agent`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AgentFlags {
    /// Port on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// A socket that answers GET /credentials to this user [default: one in $XDG_RUNTIME_DIR, if there is such a folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) socket: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) access: Access,
    /// A program to run with it, and its arguments; the agent ends when it does
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// Which gateway, and with which key.
#[derive(Debug, Clone, Args)]
pub(crate) struct OssAccess {
    #[command(flatten)]
    pub(crate) access: Access,
    /// URL of the object gateway [default: $TEGATA_OSS_ENDPOINT, else the profile's]
    #[arg(long, value_name = "URL")]
    pub(crate) oss_endpoint: Option<String>,
    /// Region that signatures name [default: the profile's, else cn-hangzhou]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
}

/// Commands on objects.
#[derive(Debug, Subcommand)]
pub(crate) enum OssCommand {
    /// The buckets, or the objects of one
    #[command(after_help = ENVIRONMENT)]
    Ls(OssLsFlags),
    /// Copy a file up, an object down, or whole folders
    #[command(after_help = ENVIRONMENT)]
    Cp(OssCpFlags),
    /// Remove an object, or everything under a prefix
    #[command(after_help = ENVIRONMENT)]
    Rm(OssRmFlags),
    /// A URL that lets whoever has it read or write one object for a while
    #[command(after_help = ENVIRONMENT)]
    Sign(OssSignFlags),
}

/// Flags of `oss ls`.
#[derive(Debug, Clone, Args)]
pub(crate) struct OssLsFlags {
    /// oss://BUCKET or oss://BUCKET/PREFIX [default: list the buckets]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) oss: OssAccess,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Flags of `oss cp`.
#[derive(Debug, Clone, Args)]
pub(crate) struct OssCpFlags {
    /// A file, - for standard input, or oss://BUCKET/KEY
    pub(crate) from: String,
    /// oss://BUCKET/KEY, a file or folder, or - for standard output; a URL that ends with / keeps the file's name
    pub(crate) to: String,
    /// Copy a whole folder: its files under a prefix, or what lies under a prefix into it
    #[arg(short, long)]
    pub(crate) recursive: bool,
    #[command(flatten)]
    pub(crate) oss: OssAccess,
}

/// Flags of `oss rm`.
#[derive(Debug, Clone, Args)]
pub(crate) struct OssRmFlags {
    /// oss://BUCKET/KEY
    pub(crate) url: String,
    /// Remove everything under oss://BUCKET/KEY/ instead
    #[arg(short, long)]
    pub(crate) recursive: bool,
    #[command(flatten)]
    pub(crate) oss: OssAccess,
}

/// Flags of `oss sign`.
#[derive(Debug, Clone, Args)]
pub(crate) struct OssSignFlags {
    /// oss://BUCKET/KEY
    pub(crate) url: String,
    /// GET or PUT
    #[arg(long, value_name = "METHOD", default_value = "GET", value_parser = ["GET", "PUT"], hide_possible_values = true)]
    pub(crate) method: String,
    /// How long it works, such as 900, 30m or 1h; at most 7d
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = week)]
    pub(crate) expires: Duration,
    #[command(flatten)]
    pub(crate) oss: OssAccess,
}

/// Reads `900`, `90s`, `30m`, `12h` or `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match text.strip_prefix(digits).unwrap_or_default() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err("a time is a number of seconds, or a number with s, m, h or d".to_owned()),
    };
    let count: u64 = digits.parse().map_err(|_| "a time is a number of seconds, or a number with s, m, h or d".to_owned())?;
    count.checked_mul(factor).filter(|&seconds| seconds > 0).map(Duration::from_secs).ok_or_else(|| "this time makes no sense".to_owned())
}

/// Likewise, and no longer than a URL may work.
fn week(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|time| if time <= Duration::from_hours(7 * 24) { Ok(time) } else { Err("a URL works at most 7d".to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, seconds) in [("900", 900), ("90s", 90), ("30m", 1800), ("12h", 43200), ("7d", 604_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "m", "0", "-1", "1w", "1m30s", "99999999999999999999", "9999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
