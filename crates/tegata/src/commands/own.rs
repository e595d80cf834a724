//! Calls of our own API, and where a command that looks back should look: in the data of this machine, or at a server.

use serde_json::Value;
use tegata_client::Api;

use super::{
    access::{Opened, now},
    beside,
};
use crate::{
    cli::{Place, take_back::ServerAccess},
    config::{Config, Database, Environment},
    data_dir,
    failure::Failure,
};

/// Calls an operation of our own API. Parameters without a value are left out.
pub(super) async fn call(opened: &Opened, action: &str, parameters: &[(&str, Option<&str>)]) -> Result<Value, Failure> {
    let given = parameters.iter().filter_map(|(name, value)| Some(((*name).to_owned(), (*value)?.to_owned())));
    let given: Vec<(String, String)> = given.collect();
    let key = opened.credential().await?;
    Ok(opened.rpc()?.call(&key, Api::OWN, action, &given, now()).await?)
}

/// The items of a list in an answer, such as `/Sessions/Session`.
pub(super) fn items<'a>(answer: &'a Value, pointer: &str) -> &'a [Value] {
    answer.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text of an answer; empty if it is absent.
pub(super) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// The texts of a list in an answer.
pub(super) fn texts(value: &Value, pointer: &str) -> Vec<String> {
    items(value, pointer).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Where to look.
#[derive(Debug)]
pub(super) enum Where {
    /// In the data of this machine.
    Here(Box<Config>),
    /// At a server.
    There(Box<Opened>),
}

/// Whoever names a folder means this machine, whoever names a profile or a server means that one. Otherwise what is on this
/// machine comes first, as the server's own data says more than the server.
pub(super) fn look(place: &Place, server: &ServerAccess, environment: &Environment) -> Result<Where, Failure> {
    let here = |config| Ok(Where::Here(Box::new(config)));
    let there = || Opened::new(&server.access(), environment).map(|opened| Where::There(Box::new(opened)));
    if place.config.is_some() || place.data.is_some() {
        return here(beside(place, environment)?);
    }
    if server.is_named() {
        return there();
    }
    if environment.config.is_some() || environment.data.is_some() || environment.database.is_some() {
        return here(beside(place, environment)?);
    }
    if environment.endpoint.is_some() || environment.profile.is_some() {
        return there();
    }
    let config = beside(place, environment)?;
    if !matches!(config.database, Database::Sqlite) || data_dir::database_file(&config.data).exists() {
        return here(config);
    }
    there().map_err(|failure| {
        Failure::new(format!(
            "there is no tegata data in `{}` (name the server's folder with `--data DIR`; a temporary `tegata dev` shows its own when it starts), and no server could be asked: {failure}",
            config.data.display()
        ))
    })
}
