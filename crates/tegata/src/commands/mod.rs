//! Commands that are not a server.

mod access;
pub(crate) mod account;
pub(crate) mod agent;
pub(crate) mod api_tokens;
pub(crate) mod apps;
pub(crate) mod audit;
pub(crate) mod call;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod configure;
pub(crate) mod credentials;
mod declaration;
pub(crate) mod declare;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod key;
pub(crate) mod keys;
pub(crate) mod leaked;
pub(crate) mod lint;
pub(crate) mod login;
pub(crate) mod names;
pub(crate) mod org_apps;
pub(crate) mod oss;
mod own;
pub(crate) mod profile;
mod reply;
pub(crate) mod sessions;
mod table;
pub(crate) mod whoami;
pub(crate) mod why;

use tegata_store::Store;

use crate::{
    cli::Place,
    config::{Config, Database, Environment, Flags, Log, resolve},
    data_dir,
    failure::Failure,
    logging::{self, Level},
    node,
};

/// The configuration of the server on this machine, as a command beside it finds it. Logs only what should be looked at.
fn beside(place: &Place, environment: &Environment) -> Result<Config, Failure> {
    let flags = Flags { config: place.config.clone(), data: place.data.clone(), ..Flags::default() };
    let config = resolve(&flags, environment)?;
    let Log { level, format } = config.log;
    logging::start(if level == Level::Info { Level::Warn } else { level }, format, !environment.no_colour);
    Ok(config)
}

/// Opens the server's rows for reading only.
async fn read_only(config: &Config) -> Result<Store, Failure> {
    if matches!(config.database, Database::Sqlite) && !data_dir::database_file(&config.data).exists() {
        return Err(Failure::new(format!(
            "there is no tegata data in `{}`; name the server's folder with `--data DIR` (a temporary `tegata dev` shows its own when it starts)",
            config.data.display()
        )));
    }
    let (location, options) = node::location(config, true);
    Store::open(&location, &options)
        .await
        .map_err(|error| Failure::with_causes(&format!("the data in `{}` cannot be read", config.data.display()), &error))
}

/// A small runtime for commands that do one thing after another.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the command could not be started: {error}")))
}
