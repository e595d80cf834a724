//! The commands and their flags. Help, and later completions and manual pages, come from these definitions.

pub(crate) mod client;
pub(crate) mod login;
pub(crate) mod take_back;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::logging::Level;
use client::{ConfigureFlags, CredentialsFlags, ExecFlags, OssCommand, ProfileCommand, StsCommand, WhoamiFlags};
use take_back::{LeakedFlags, ServerAccess, SessionsCommand};

/// The map on the first page of the help. A test holds it against the commands that exist.
const MAP: &str = "\
Run a server
  serve                          for real; http://127.0.0.1:8420, objects on :8421
  dev                            for tests: same enforcement, sample people and keys
  account create ALIAS           one more account, and the key of its owner
  config check|show              its configuration: every problem; what is in force
Use one
  login, logout                  sign in at a browser instead of keeping a key; end it
  configure                      keep a server and a key as a profile
  profile list|show|use|delete   the profiles, shared with the `aliyun` command line
  whoami                         who you are, until when, where the secret lies
  sts assume-role|get-caller-identity  the operations of the API
  credentials                    a temporary key for another program
  exec -- CMD                    run a program with a temporary key that ends with it
  oss ls|cp|rm|sign              objects: list, copy up and down, remove, sign URLs
Take back, and know why
  sessions list|show|revoke      who holds a temporary key; end it at once
  leaked TEXT|-                  end every credential that a text holds
  audit tail                     who did what, and who was refused
  why REQUEST_ID                 which policy decided, and what would flip it";

/// The first page of the help: where to go, and nothing else.
const FIRST_PAGE: &str = "\
{about-with-newline}
{usage-heading} {usage}

{before-help}Every command has --help. Exit status: 0 done, 1 refused or failed, 2 wrong usage.
";

/// What the environment may say. Secrets come from here or from files, never from flags.
const ENVIRONMENT: &str = "\
Environment:
  TEGATA_CONFIG, TEGATA_DATA, TEGATA_LOG  as the flags of these names, which are stronger
  TEGATA_DATABASE                         sqlite, or postgres://user@host/name
  TEGATA_DATABASE_PASSWORD                the password that the URL leaves out
  TEGATA_MASTER_KEY                       the master key itself, instead of a file";

/// Makes long-term keys unnecessary: hold what the task needs, take it back at once, know why
#[derive(Debug, Parser)]
#[command(
    name = "tegata",
    version,
    disable_help_subcommand = true,
    propagate_version = false,
    help_template = FIRST_PAGE,
    before_help = MAP,
    before_long_help = MAP
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    #[command(after_help = ENVIRONMENT)]
    Serve(ServeFlags),
    /// Run a server for tests, with a sample directory and well-known secrets, on loopback only
    Dev(DevFlags),
    /// Accounts of the server on this machine
    Account {
        /// What to do with them.
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// The configuration
    Config {
        /// What to do with it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Sign in at a browser, and keep that as a profile
    Login(login::LoginFlags),
    /// End a sign-in, here and on the server
    Logout(login::LogoutFlags),
    /// Keep a server and a key as a profile
    #[command(after_help = client::CONFIGURE_HELP)]
    Configure(ConfigureFlags),
    /// The profiles
    Profile {
        /// What to do with them.
        #[command(subcommand)]
        command: ProfileCommand,
    },
    /// Who you are, until when, and where the secret lies
    #[command(after_help = client::ENVIRONMENT)]
    Whoami(WhoamiFlags),
    /// Sessions: the operations of the API
    Sts {
        /// What to ask for.
        #[command(subcommand)]
        command: StsCommand,
    },
    /// Print a temporary key for another program
    #[command(after_help = client::ENVIRONMENT)]
    Credentials(CredentialsFlags),
    /// Run a program that gets a temporary key, and nothing else, from its environment
    #[command(after_help = client::ENVIRONMENT)]
    Exec(ExecFlags),
    /// Objects
    Oss {
        /// What to do with them.
        #[command(subcommand)]
        command: OssCommand,
    },
    /// Role sessions: who holds a temporary key, and the end of it
    Sessions {
        /// What to do with them.
        #[command(subcommand)]
        command: SessionsCommand,
    },
    /// End every credential of the account that a text holds, and tell what was done with it
    #[command(after_help = client::ENVIRONMENT)]
    Leaked(LeakedFlags),
    /// The audit trail
    Audit {
        /// What to do with it.
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Explain the answer to one request
    Why(WhyFlags),
}

/// Commands on accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account and print the access key of its owner, once
    Create(AccountCreateFlags),
}

/// Commands on the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Tell every problem of the configuration, and where
    #[command(after_help = ENVIRONMENT)]
    Check(ConfigFlags),
    /// Print the configuration in force and where each value came from, without secrets
    #[command(after_help = ENVIRONMENT)]
    Show(ConfigFlags),
}

/// Commands on the audit trail.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Print the newest entries, oldest first: of the data on this machine, else of one's account at a server
    Tail(AuditTailFlags),
}

/// Where the server on this machine keeps its things.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Place {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder [default: $STATE_DIRECTORY, else $XDG_DATA_HOME/tegata, else ~/.local/share/tegata]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// Flags of `serve`, each stronger than the file.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ServeFlags {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Address of the issuer [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// Address of the object gateway [default: 127.0.0.1:8421]
    #[arg(long, value_name = "ADDR")]
    pub(crate) oss: Option<SocketAddr>,
    /// Loopback address of the Prometheus metrics [default: off]
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<SocketAddr>,
    /// Alias of the account that the first start makes
    #[arg(long, visible_alias = "alias", value_name = "ALIAS", default_value = "main")]
    pub(crate) account: String,
    /// How much to log: error, warn, info (one line per request), debug or trace [default: info]
    #[arg(long, value_name = "LEVEL", hide_possible_values = true)]
    pub(crate) log: Option<Level>,
}

/// Flags of `dev`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DevFlags {
    /// Keep the data in this folder instead of a temporary one
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Loopback address of the issuer; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8420")]
    pub(crate) http: SocketAddr,
    /// Loopback address of the object gateway; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8421")]
    pub(crate) oss: SocketAddr,
    /// Serve the issuer over TLS too, with a throwaway CA
    #[arg(long, value_name = "ADDR")]
    pub(crate) https: Option<SocketAddr>,
    /// A further host name for the certificate; may be repeated
    #[arg(long, value_name = "NAME", requires = "https")]
    pub(crate) tls_name: Vec<String>,
    /// Loopback address of the Prometheus metrics [default: off]
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<SocketAddr>,
    /// Write addresses and secrets of the sample directory to this file (0600) once everything answers
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
    /// First walk the journeys, one line per step
    #[arg(long)]
    pub(crate) tour: bool,
    /// End after the tour; status 0 only if every step did what it should
    #[arg(long, requires = "tour")]
    pub(crate) exit: bool,
    /// How much to log: error, warn, info (one line per request), debug or trace [default: info]
    #[arg(long, value_name = "LEVEL", hide_possible_values = true)]
    pub(crate) log: Option<Level>,
}

/// Flags of `account create`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AccountCreateFlags {
    /// The account's alias: 3 to 50 lower-case letters, digits and inner hyphens
    pub(crate) alias: String,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Flags of `config check` and `config show`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConfigFlags {
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Flags of `audit tail`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AuditTailFlags {
    #[command(flatten)]
    pub(crate) place: Place,
    /// How many entries
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) lines: u32,
    /// table (for people) or json (for programs, one object a line)
    #[arg(long, value_name = "FORM", default_value = "table", hide_possible_values = true)]
    pub(crate) output: AuditOutput,
    /// Go on printing what is added
    #[arg(short, long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
}

/// Forms of `audit tail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditOutput {
    /// Columns.
    Table,
    /// One JSON object a line.
    Json,
}

/// Flags of `why`.
#[derive(Debug, Clone, Args)]
pub(crate) struct WhyFlags {
    /// The request id, in any spelling a reply has shown
    #[arg(value_name = "REQUEST_ID")]
    pub(crate) request: String,
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) server: ServerAccess,
    /// text (for people) or json (for programs)
    #[arg(long, value_name = "FORM", default_value = "text", hide_possible_values = true)]
    pub(crate) output: WhyOutput,
}

/// Forms of `why`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhyOutput {
    /// Sentences.
    Text,
    /// One JSON object.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_map_shows_every_command_and_fits_a_screen() {
        fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
            for sub in command.get_subcommands() {
                let path = if path.is_empty() { sub.get_name().to_owned() } else { format!("{path} {}", sub.get_name()) };
                if sub.has_subcommands() { leaves(sub, &path, found) } else { found.push(path) }
            }
        }
        let mut expected = Vec::new();
        leaves(&Cli::command(), "", &mut expected);
        // `config check|show` stands for two commands.
        let shown: Vec<String> = MAP
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .flat_map(|line| {
                let words = line.split("  ").next().unwrap_or_default();
                let words: Vec<&str> = words.split(' ').filter(|word| word.chars().any(char::is_lowercase)).collect();
                let (last, first) = words.split_last().unwrap();
                let path = |last: &str| first.iter().copied().chain([last]).collect::<Vec<_>>().join(" ");
                last.split('|').map(path).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(shown, expected);
        let help = Cli::command().render_long_help().to_string();
        assert!(help.lines().count() <= 24, "{help}");
        assert!(help.contains("why REQUEST_ID"), "{help}");
    }
}
