//! `tegata account create`, and what the first start of `serve` does too: an account, and the key of its owner, shown once.

use std::sync::Arc;

use tegata_core::{Core, directory::NewAccount, mail::is_address};
use tegata_model::AccountAlias;

use super::beside;
use crate::{
    cli::AccountCreateFlags,
    config::{Config, Environment},
    data_dir::{DataDir, DataDirError},
    failure::Failure,
    node::{self, Kind, NodeError},
    serve::Names,
    terminal,
};

/// `tegata account create ALIAS`
///
/// With SQLite the rows belong to one process at a time: a server beside us would answer from what it remembers.
/// With PostgreSQL servers learn of the change, and nobody needs to stop.
pub(crate) fn create(flags: &AccountCreateFlags, environment: &Environment) -> Result<(), Failure> {
    let alias = read_alias("ALIAS", &flags.alias)?;
    check_owner(flags.owner.as_deref())?;
    let config = beside(&flags.place, environment)?;
    let data = held(&config)?;
    let names = Names::configured(&config);
    super::runtime()?.block_on(async {
        let core = Arc::new(node::open(&config, &data, Kind::Serve, &names.issuer).await.map_err(|error| match error {
            NodeError::DevStore => {
                Failure::new("this store belongs to `tegata dev`, whose accounts are fixed; name the folder of a server with `--data DIR`")
            }
            other => other.into(),
        })?);
        let made = make(&core, &alias, flags.owner.as_deref(), &names).await;
        if let Some(core) = Arc::into_inner(core) {
            core.close().await;
        }
        if terminal::say(&made?) { Ok(()) } else { Err(Failure::new("the account was made, but its key could not be shown")) }
    })
}

/// Takes the data folder of a server that does not run, or shares that of one on PostgreSQL.
pub(crate) fn held(config: &Config) -> Result<DataDir, Failure> {
    node::hold(config).map_err(|error| match error {
        DataDirError::InUse(path) => Failure::new(format!(
            "a server is using the data folder `{}`; stop it, run this command again, and start it (on PostgreSQL no stop is needed)",
            path.display()
        )),
        other => other.into(),
    })
}

/// Reads an alias given as `what`.
pub(crate) fn read_alias(what: &str, text: &str) -> Result<AccountAlias, Failure> {
    AccountAlias::new(text).map_err(|error| Failure::usage(format!("`{what}`: {error}, found `{text}`")))
}

/// Whether `--owner`, if it is given, is an e-mail address.
pub(crate) fn check_owner(owner: Option<&str>) -> Result<(), Failure> {
    match owner.filter(|text| !is_address(text)) {
        Some(text) => Err(Failure::usage(format!("`--owner`: expected an e-mail address, found `{text}`"))),
        None => Ok(()),
    }
}

/// Makes the account; the page to show once.
pub(crate) async fn make(core: &Core, alias: &AccountAlias, owner: Option<&str>, names: &Names) -> Result<String, Failure> {
    let key = core.new_access_key()?;
    let mut work = core.provision();
    work.system_policies().await?;
    let account = work.account(NewAccount {
        alias: alias.clone(),
        number: None,
        operator_id: None,
        organisation_id: None,
        parent: None,
        root_login: owner.map_or_else(|| format!("root@{alias}"), str::to_owned),
    })?;
    work.access_key(&account, account.root, &key)?;
    work.commit().await.map_err(|error| match error {
        tegata_core::directory::ProvisionError::Exists(_) => {
            Failure::new(format!("an account with the alias `{alias}` exists already; choose another alias"))
        }
        other => other.into(),
    })?;
    Ok(format!(
        "Account {alias} is made, number {number}. The access key of its owner is shown this once; keep it safe:

  access key id      {id}
  access key secret  {secret}

It can do everything in the account except assume roles. To use it, with any Alibaba Cloud SDK or CLI:

  export ALIBABA_CLOUD_ACCESS_KEY_ID=… ALIBABA_CLOUD_ACCESS_KEY_SECRET=…
  STS endpoint {issuer}, object storage endpoint {oss}
",
        number = account.number,
        id = key.key_id,
        secret = key.secret.expose(),
        issuer = names.issuer,
        oss = names.oss,
    ))
}
