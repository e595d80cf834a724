//! `tegata key rotate`: a new key in the place of one that signs tokens.

use tegata_core::KeyUse;

use super::{account::held, beside, runtime};
use crate::{
    cli::key::KeyRotateFlags,
    config::Environment,
    failure::Failure,
    node::{self, Kind},
    serve::Names,
    terminal,
};

/// `tegata key rotate`
///
/// With SQLite the rows belong to one process at a time. With PostgreSQL servers learn of the change, and nobody needs to stop.
pub(crate) fn rotate(flags: &KeyRotateFlags, environment: &Environment) -> Result<(), Failure> {
    let kind = KeyUse::ALL.into_iter().find(|kind| kind.word() == flags.signing);
    let kind = kind.ok_or_else(|| Failure::usage(format!("`--signing`: there is no kind `{}`", flags.signing)))?;
    let config = beside(&flags.place, environment)?;
    // Opening makes what is not there, and a new key in an empty folder replaces nothing.
    if !config.data.is_dir() {
        return Err(Failure::usage(format!("there is no data folder `{}`: name that of the server with `--data`", config.data.display())));
    }
    let data = held(&config)?;
    let names = Names::configured(&config);
    runtime()?.block_on(async {
        let core = node::open(&config, &data, Kind::Serve, &names.issuer).await?;
        let done = if flags.compromised { core.drop_signing_keys(kind).await } else { core.replace_signing_key(kind).await };
        core.close().await;
        done.map_err(|error| Failure::new(format!("the key was not replaced: {error}")))
    })?;
    terminal::say(&if flags.compromised {
        format!("The keys for `{}` are dropped: what they signed counts no more. A new one signs from now on.", kind.word())
    } else {
        format!("A new key for `{}` is published; it signs in five minutes. The old one is published for another day.", kind.word())
    });
    Ok(())
}
