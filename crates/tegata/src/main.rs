//! `tegata`: issues short-lived permits to people, servers and apps, and checks them at every barrier.
//!
//! | module | what |
//! |---|---|
//! | [`cli`] | the commands and their flags |
//! | [`config`] | file, environment and flags, resolved into one typed configuration |
//! | [`data_dir`], [`node`] | the folder of one server; a core on top of it |
//! | [`outbound`] | the one way out to other servers |
//! | [`listen`], [`metrics`], [`logging`] | what faces the network, and what is told about it |
//! | [`serve`], [`dev`] | a running server; the same one with a sample directory |
//! | [`commands`] | everything that is not a server |
//!
//! Nothing here decides who may do what.

mod cli;
mod commands;
mod config;
mod data_dir;
mod dev;
mod failure;
mod listen;
mod logging;
mod mail;
mod metrics;
mod node;
mod outbound;
mod serve;
mod terminal;
mod tour;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::{
        AccountCommand, AuditCommand, Cli, Command, ConfigCommand,
        api_tokens::ApiTokensCommand,
        apps::AppsCommand,
        client::{ImsCommand, OssCommand, ProfileCommand, RamCommand, StsCommand},
        key::KeyCommand,
        keys::{KeyPolicyCommand, KeysCommand},
        take_back::SessionsCommand,
    },
    config::Environment,
    failure::Failure,
};

/// Many short-lived texts per request, freed on other threads than they were made on: what this allocator is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    commands::completion::answer();
    let command = Cli::try_parse().unwrap_or_else(|error| cli::few_suggestions(error).exit()).command;
    // Everything this program makes is for its own user only, whatever the shell that started it thinks; and a crash
    // leaves no image of its memory behind. The programs of `exec` and `agent` keep what their user has set.
    if !matches!(command, Command::Exec(_) | Command::Agent(_)) {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        let no_core = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
        let _ = rustix::process::setrlimit(rustix::process::Resource::Core, no_core);
    }
    let environment = Environment::read();
    if environment.no_colour {
        terminal::without_colours();
    }
    match run(command, &environment) {
        Ok(code) => code,
        Err(failure) => {
            let text = failure.to_string();
            if !text.is_empty() {
                terminal::complain(&text);
            }
            ExitCode::from(failure.status())
        }
    }
}

fn run(command: Command, environment: &Environment) -> Result<ExitCode, Failure> {
    match command {
        // They end as their program ends.
        Command::Exec(flags) => return commands::exec::exec(&flags, environment),
        Command::Agent(flags) => return commands::agent::agent(&flags, environment),
        Command::Serve(flags) => serve::run(flags, environment),
        Command::Dev(flags) => dev::run(&flags, environment),
        Command::Account { command: AccountCommand::Create(flags) } => commands::account::create(&flags, environment),
        Command::Config { command: ConfigCommand::Check(flags) } => commands::config::check(&flags, environment),
        Command::Config { command: ConfigCommand::Show(flags) } => commands::config::show(&flags, environment),
        Command::Configure(flags) => commands::configure::configure(&flags, environment),
        Command::Profile { command: ProfileCommand::List(flags) } => commands::profile::list(&flags, environment),
        Command::Profile { command: ProfileCommand::Show(flags) } => commands::profile::show(&flags, environment),
        Command::Profile { command: ProfileCommand::Use(flags) } => commands::profile::use_profile(&flags, environment),
        Command::Profile { command: ProfileCommand::Delete(flags) } => commands::profile::delete(&flags, environment),
        Command::Profile { command: ProfileCommand::Import(flags) } => commands::sam::import::import(&flags, environment),
        Command::Auth(flags) => commands::sam::auth::auth(&flags, environment),
        Command::Mfa { command } => commands::sam::mfa::mfa(&command, environment),
        Command::Login(flags) => commands::login::login(&flags, environment),
        Command::Logout(flags) => commands::login::logout(&flags, environment),
        Command::Whoami(flags) => commands::whoami::whoami(&flags, environment),
        Command::Sts { command: StsCommand::AssumeRole(flags) } => commands::whoami::assume_role(&flags, environment),
        Command::Sts { command: StsCommand::GetCallerIdentity(flags) } => commands::whoami::get_caller_identity(&flags, environment),
        Command::Ram { command: RamCommand::Lint(flags) } => commands::lint::lint(&flags, environment),
        Command::Sts { command: StsCommand::Operation(operation) } => commands::call::operation(&operation.asked, environment),
        Command::Ram { command: RamCommand::Operation(operation) } => commands::call::operation(&operation.asked, environment),
        Command::Ram { command: RamCommand::Apply(flags) } => commands::declare::apply(&flags, environment),
        Command::Ram { command: RamCommand::Export(flags) } => commands::declare::export(&flags, environment),
        Command::Ims { command: ImsCommand::Operation(operation) } => commands::call::operation(&operation.asked, environment),
        Command::Sam { command } => commands::sam::operation::operation(&command, environment),
        Command::Call(flags) => commands::call::call(&flags, environment),
        Command::Credentials(flags) => commands::credentials::print(&flags, environment),
        Command::Oss { command: OssCommand::Ls(flags) } => commands::oss::ls(&flags, environment),
        Command::Oss { command: OssCommand::Cp(flags) } => commands::oss::cp(&flags, environment),
        Command::Oss { command: OssCommand::Rm(flags) } => commands::oss::rm(&flags, environment),
        Command::Oss { command: OssCommand::Sign(flags) } => commands::oss::sign(&flags, environment),
        Command::ApiTokens { command: ApiTokensCommand::Create(flags) } => commands::api_tokens::create(&flags, environment),
        Command::ApiTokens { command: ApiTokensCommand::List(flags) } => commands::api_tokens::list(&flags, environment),
        Command::ApiTokens { command: ApiTokensCommand::Revoke(flags) } => commands::api_tokens::revoke(&flags, environment),
        Command::Apps { command: AppsCommand::List(flags) } => commands::apps::list(&flags, environment),
        Command::Apps { command: AppsCommand::Show(flags) } => commands::apps::show(&flags, environment),
        Command::Apps { command: AppsCommand::Create(flags) } => commands::apps::create(&flags, environment),
        Command::Apps { command: AppsCommand::Rotate(flags) } => commands::apps::rotate(&flags, environment),
        Command::Apps { command: AppsCommand::Delete(flags) } => commands::apps::delete(&flags, environment),
        Command::Apps { command: AppsCommand::Edit(flags) } => commands::apps::edit(&flags, environment),
        Command::Apps { command: AppsCommand::Add(flags) } => commands::org_apps::add(&flags, environment),
        Command::Apps { command: AppsCommand::Remove(flags) } => commands::org_apps::remove(&flags, environment),
        Command::Apps { command: AppsCommand::Resync(flags) } => commands::org_apps::resync(&flags, environment),
        Command::Apps { command: AppsCommand::Instances(flags) } => commands::org_apps::instances(&flags, environment),
        Command::Apps { command: AppsCommand::Unwrap(flags) } => commands::org_apps::unwrap(&flags, environment),
        Command::Apps { command: AppsCommand::Token(flags) } => commands::org_apps::token(&flags, environment),
        Command::Apps { command: AppsCommand::Install(flags) } => commands::apps::install(&flags, environment),
        Command::Apps { command: AppsCommand::Uninstall(flags) } => commands::apps::uninstall(&flags, environment),
        Command::Apps { command: AppsCommand::Foreign(flags) } => commands::apps::foreign(&flags, environment),
        Command::Apps { command: AppsCommand::Mode(flags) } => commands::apps::mode(&flags, environment),
        Command::Apps { command: AppsCommand::Assign(flags) } => commands::apps::assign(&flags, environment),
        Command::Apps { command: AppsCommand::Unassign(flags) } => commands::apps::unassign(&flags, environment),
        Command::Doctor(flags) => commands::doctor::doctor(&flags, environment),
        Command::Completion(flags) => commands::completion::script(&flags),
        Command::Man(flags) => commands::completion::man(&flags),
        Command::Sessions { command: SessionsCommand::List(flags) } => commands::sessions::list(&flags, environment),
        Command::Sessions { command: SessionsCommand::Show(flags) } => commands::sessions::show(&flags, environment),
        Command::Sessions { command: SessionsCommand::Revoke(flags) } => commands::sessions::revoke(&flags, environment),
        Command::Key { command: KeyCommand::Rotate(flags) } => commands::key::rotate(&flags, environment),
        Command::Keys { command: KeysCommand::Report(flags) } => commands::keys::report(&flags, environment),
        Command::Keys { command: KeysCommand::Policy { command: KeyPolicyCommand::Show(flags) } } => {
            commands::keys::show(&flags, environment)
        }
        Command::Keys { command: KeysCommand::Policy { command: KeyPolicyCommand::Set(flags) } } => {
            commands::keys::set(&flags, environment)
        }
        Command::Leaked(flags) => commands::leaked::report(&flags, environment),
        Command::Audit { command: AuditCommand::Tail(flags) } => commands::audit::tail(&flags, environment),
        Command::Why(flags) => commands::why::explain(&flags, environment),
    }?;
    Ok(ExitCode::SUCCESS)
}
