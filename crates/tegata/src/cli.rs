//! The commands and their flags. Help, and later completions and manual pages, come from these definitions.

pub(crate) mod api_tokens;
pub(crate) mod apps;
pub(crate) mod client;
pub(crate) mod declare;
pub(crate) mod key;
pub(crate) mod keys;
pub(crate) mod lint;
pub(crate) mod login;
pub(crate) mod operations;
pub(crate) mod sam;
pub(crate) mod sam_operations;
pub(crate) mod take_back;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::logging::Level;
use api_tokens::ApiTokensCommand;
use apps::AppsCommand;
use client::{
    AgentFlags, CallFlags, ConfigureFlags, CredentialsFlags, DoctorFlags, ExecFlags, ImsCommand, OssCommand, ProfileCommand, RamCommand,
    StsCommand, WhoamiFlags,
};
use key::KeyCommand;
use keys::KeysCommand;
use take_back::{LeakedFlags, ServerAccess, SessionsCommand};

/// The map on the first page of the help. A test holds it against the commands that exist.
const MAP: &str = "\
Run a server
  serve                          for real: http://127.0.0.1:8420, objects :8421
  dev                            for tests: as strict, with sample people
  account create ALIAS           one more account, and its owner's key
  config check|show              its configuration: problems; what is in force
Use one
  login, logout, configure, profile list|show|use|delete|import   servers, keys
  whoami, auth, mfa              who you are; a session by code; second factors
  sts|ram|ims|sam|apps OPERATION   their operations; ram apply FILE; call ANY
  credentials, agent             keys for other programs
  exec -- CMD                    run a program that gets a temporary key
  oss ls|cp|rm|sign              objects: list, copy, remove, sign URLs
Take back, and know why
  sessions list|show|revoke, api-tokens create|list|revoke   what lives; end it
  leaked TEXT|-                  end every credential that a text holds
  keys report|policy, key rotate  who uses a long-term key; new signing keys
  doctor                         what is wrong between here and the server
  audit tail, why REQUEST_ID     who did what; what decided, what would flip it
  completion SHELL, man DIR      names for the Tab key; manual pages";

/// The first page of the help: where to go, and nothing else.
const FIRST_PAGE: &str = "\
{about-with-newline}{usage-heading} {usage}

{before-help}Each has --help. Exit status: 0 done, 1 refused or failed, 2 wrong usage.
";

/// What the environment may say. Secrets come from here or from files, never from flags.
const ENVIRONMENT: &str = "\
Environment:
  TEGATA_CONFIG, TEGATA_DATA, TEGATA_LOG  as the flags of these names, which are stronger
  TEGATA_DATABASE                         sqlite, or postgres://user@host/name
  TEGATA_DATABASE_PASSWORD                the password that the URL leaves out
  TEGATA_MASTER_KEY                       the master key itself, instead of a file";

/// How a shell is told.
const COMPLETION: &str = "\
  bash   source <(tegata completion bash)               in ~/.bashrc
  zsh    source <(tegata completion zsh)                in ~/.zshrc, after compinit
  fish   tegata completion fish | source                in ~/.config/fish/config.fish

Names of users, groups, roles and policies come from the server of the current profile: within 300 ms, or not at all.";

/// Makes long-term keys unnecessary: hold little, take it back at once, know why
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
    #[command(after_help = login::LOGIN_HELP)]
    Login(login::LoginFlags),
    /// End a sign-in, here and on the server
    Logout(login::LogoutFlags),
    /// Sign in with password or key and a one-time code, and print the session (SORACOM)
    Auth(Box<sam::AuthFlags>),
    /// Second factors: enroll an authenticator application, see, verify and remove one
    Mfa {
        /// What to do with it.
        #[command(subcommand)]
        command: sam::MfaCommand,
    },
    /// Keep a server and a key as a profile
    #[command(after_help = client::CONFIGURE_HELP)]
    Configure(Box<ConfigureFlags>),
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
    #[command(subcommand_value_name = "OPERATION", subcommand_help_heading = "Operations")]
    Sts {
        /// What to ask for.
        #[command(subcommand)]
        command: StsCommand,
    },
    /// Users, groups, roles and policies: the operations of the API
    #[command(subcommand_value_name = "OPERATION", subcommand_help_heading = "Operations")]
    Ram {
        /// What to ask for.
        #[command(subcommand)]
        command: RamCommand,
    },
    /// The same directory in the newer spelling, and identity providers: the operations of the API
    #[command(subcommand_value_name = "OPERATION", subcommand_help_heading = "Operations")]
    Ims {
        /// What to ask for.
        #[command(subcommand)]
        command: ImsCommand,
    },
    /// Users, roles, keys and the operator in the SORACOM spelling: the operations of that API
    #[command(subcommand_value_name = "OPERATION", subcommand_help_heading = "Operations")]
    Sam {
        /// What to ask for.
        #[command(subcommand)]
        command: sam_operations::SamOperation,
    },
    /// Any operation by name, also one that this program does not know
    #[command(after_help = client::ENVIRONMENT)]
    Call(CallFlags),
    /// Print a temporary key for another program
    #[command(after_help = client::ENVIRONMENT)]
    Credentials(CredentialsFlags),
    /// Give temporary keys to the programs of this machine, always one that is good for a while
    #[command(after_help = client::ENVIRONMENT)]
    Agent(AgentFlags),
    /// Run a program that gets a temporary key, and nothing else, from its environment
    #[command(after_help = client::ENVIRONMENT)]
    Exec(ExecFlags),
    /// Objects
    Oss {
        /// What to do with them.
        #[command(subcommand)]
        command: OssCommand,
    },
    /// API tokens of users: what their programs get access tokens for their organization with
    #[command(name = "api-tokens")]
    ApiTokens {
        /// What to do.
        #[command(subcommand)]
        command: ApiTokensCommand,
    },
    /// OAuth applications: make, install, assign
    Apps {
        /// What to do.
        #[command(subcommand)]
        command: AppsCommand,
    },
    /// Find out what is wrong between here and the server, and what to do about it
    #[command(after_help = client::ENVIRONMENT)]
    Doctor(DoctorFlags),
    /// Role sessions: who holds a temporary key, and the end of it
    Sessions {
        /// What to do with them.
        #[command(subcommand)]
        command: SessionsCommand,
    },
    /// End every credential of the account that a text holds, and tell what was done with it
    #[command(after_help = client::ENVIRONMENT)]
    Leaked(LeakedFlags),
    /// The server's own keys
    Key {
        /// What to do with them.
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Long-term keys: who still uses one, and what the account demands of them
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// The audit trail
    Audit {
        /// What to do with it.
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Explain the answer to one request
    Why(WhyFlags),
    /// Print what makes a shell complete commands, and names that the server knows
    #[command(after_help = COMPLETION)]
    Completion(CompletionFlags),
    /// Write the manual pages
    Man(ManFlags),
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
    /// E-mail address that the owner of that account signs in with and gets letters at; without one it is root@ALIAS, which gets none
    #[arg(long, value_name = "EMAIL")]
    pub(crate) owner: Option<String>,
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
    /// E-mail address that the owner of the account signs in with and gets letters at; without one it is root@ALIAS, which gets none
    #[arg(long, value_name = "EMAIL")]
    pub(crate) owner: Option<String>,
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

/// Flags of `completion`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CompletionFlags {
    /// Which shell
    pub(crate) shell: Shell,
}

/// Shells that can complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// Bash.
    #[value(help = None)]
    Bash,
    /// Zsh.
    #[value(help = None)]
    Zsh,
    /// Fish.
    #[value(help = None)]
    Fish,
}

impl Shell {
    /// As shells call themselves.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }
}

/// Flags of `man`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ManFlags {
    /// Folder for the pages, made if it is not there
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// How many names are offered for one that is mistyped.
const SUGGESTIONS: usize = 3;

/// The same complaint, with the nearest few names in the spelling that was used, where there would be a dozen in two.
pub(crate) fn few_suggestions(mut error: clap::Error) -> clap::Error {
    use clap::error::{ContextKind, ContextValue};
    let (Some(ContextValue::String(wrong)), Some(ContextValue::Strings(known))) =
        (error.get(ContextKind::InvalidSubcommand), error.get(ContextKind::SuggestedSubcommand))
    else {
        return error;
    };
    let as_api = wrong.starts_with(|c: char| c.is_ascii_uppercase());
    let mut near: Vec<&String> = known.iter().filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()) == as_api).collect();
    if near.is_empty() {
        near = known.iter().collect();
    }
    near.sort_by(|one, other| strsim::jaro_winkler(other, wrong).total_cmp(&strsim::jaro_winkler(one, wrong)));
    let few = near.into_iter().take(SUGGESTIONS).cloned().collect();
    error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(few));
    error
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_map_shows_every_command_and_fits_a_screen() {
        let names = |command: &clap::Command| command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect::<BTreeSet<_>>();
        // `profile list|show` stands for two commands of one, `sts|ram OPERATION` for two of many each.
        let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in MAP.lines().filter_map(|line| line.strip_prefix("  ")) {
            for item in line.split("  ").next().unwrap_or_default().split(", ") {
                let mut words = item.split(' ');
                let commands = words.next().unwrap_or_default().split('|');
                let subs = words.next().filter(|word| word.chars().all(|letter| letter.is_lowercase() || letter == '|'));
                for command in commands {
                    let subs = subs.into_iter().flat_map(|subs| subs.split('|')).map(str::to_owned);
                    shown.entry(command.to_owned()).or_default().extend(subs);
                }
            }
        }
        let generated = ["sts", "ram", "ims", "sam", "apps", "auth", "mfa"];
        let told_elsewhere = ["call"];
        let expected: BTreeMap<String, BTreeSet<String>> = Cli::command()
            .get_subcommands()
            .filter(|command| !told_elsewhere.contains(&command.get_name()))
            .map(|command| {
                let subs = if generated.contains(&command.get_name()) { BTreeSet::new() } else { names(command) };
                (command.get_name().to_owned(), subs)
            })
            .collect();
        assert_eq!(shown, expected);
        assert!(told_elsewhere.iter().all(|command| MAP.contains(command)));
        let help = Cli::command().render_long_help().to_string();
        assert!(help.lines().count() <= 24 && help.lines().all(|line| line.chars().count() <= 80), "{help}");
        assert!(help.contains("why REQUEST_ID"), "{help}");
    }
}
