//! The ready file: what test suites read to find a `dev` server and the secrets of its sample directory.
//!
//! Its shape is a contract: keys may be added, never renamed.

use std::{collections::BTreeMap, io, path::Path};

use serde::Serialize;

use super::sample::{self, Account, Person};
use crate::{data_dir, serve::Names};

/// The whole file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ReadyFile {
    version: u32,
    pid: u32,
    /// URL of the issuer.
    pub(crate) issuer: String,
    console: String,
    /// URL of the object gateway.
    pub(crate) oss: String,
    /// The same by a host name, for clients that put the bucket before it.
    pub(crate) oss_named: String,
    /// The region version 4 signatures name.
    pub(crate) oss_region: String,
    /// The issuer over TLS, if asked for.
    pub(crate) https: Option<Https>,
    metrics: Option<String>,
    data: String,
    /// The account.
    pub(crate) account: AccountEntry,
    customer: AccountEntry,
    /// The owner of the account.
    pub(crate) root: RootEntry,
    /// The users by name.
    pub(crate) users: BTreeMap<&'static str, UserEntry>,
    clients: BTreeMap<&'static str, ClientEntry>,
    /// The roles by name.
    pub(crate) roles: BTreeMap<&'static str, RoleEntry>,
    /// The buckets.
    pub(crate) buckets: Vec<&'static str>,
}

/// The TLS listener.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Https {
    /// URL of the issuer.
    pub(crate) issuer: String,
    /// Certificate of the throwaway CA, PEM.
    pub(crate) ca_file: String,
}

/// One account.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AccountEntry {
    alias: &'static str,
    uid: String,
    /// Its id as an operator.
    pub(crate) operator_id: &'static str,
    /// Its id as an organisation.
    pub(crate) org_id: &'static str,
}

/// The owner of the account.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RootEntry {
    login: &'static str,
    #[serde(flatten)]
    secrets: Secrets,
}

/// One user.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct UserEntry {
    login: String,
    #[serde(flatten)]
    secrets: Secrets,
    /// Long-lived token for the organisation.
    pub(crate) csp_api_token: &'static str,
    /// Seed of the second factor, in base32; only where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) totp_secret: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
struct Secrets {
    password: &'static str,
    access_key_id: &'static str,
    access_key_secret: &'static str,
    auth_key_id: &'static str,
    auth_key: &'static str,
}

impl ReadyFile {
    /// The data folder.
    pub(crate) fn data(&self) -> &str {
        &self.data
    }
}

impl RootEntry {
    /// Id and secret of the access key.
    pub(crate) fn access_key(&self) -> (&'static str, &'static str) {
        (self.secrets.access_key_id, self.secrets.access_key_secret)
    }
}

impl UserEntry {
    /// What it signs in with: name and password.
    pub(crate) fn sign_in(&self) -> (&str, &'static str) {
        (&self.login, self.secrets.password)
    }

    /// Id and secret of the access key.
    pub(crate) fn access_key(&self) -> (&'static str, &'static str) {
        (self.secrets.access_key_id, self.secrets.access_key_secret)
    }

    /// Id and secret of the auth key.
    pub(crate) fn auth_key(&self) -> (&'static str, &'static str) {
        (self.secrets.auth_key_id, self.secrets.auth_key)
    }
}

#[derive(Debug, Clone, Serialize)]
struct ClientEntry {
    id: &'static str,
    secret: &'static str,
}

/// One role.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RoleEntry {
    /// Its resource name.
    pub(crate) arn: String,
}

impl From<&Account> for AccountEntry {
    fn from(account: &Account) -> Self {
        Self { alias: account.alias, uid: account.number.to_string(), operator_id: account.operator_id, org_id: account.organisation_id }
    }
}

impl From<&Person> for Secrets {
    fn from(person: &Person) -> Self {
        Self {
            password: person.password,
            access_key_id: person.access_key_id,
            access_key_secret: person.access_key_secret,
            auth_key_id: person.auth_key_id,
            auth_key: person.auth_key,
        }
    }
}

impl ReadyFile {
    /// For a server with these names. `oss_port` is the port of the object gateway.
    pub(crate) fn new(names: &Names, oss_port: u16, region: &str, https: Option<Https>, data: &Path) -> Self {
        let users = sample::USERS.iter().map(|person| {
            let entry = UserEntry {
                login: format!("{}@{}", person.name, sample::ACME.alias),
                secrets: person.into(),
                csp_api_token: person.csp_api_token,
                totp_secret: person.totp_secret,
            };
            (person.name, entry)
        });
        Self {
            version: 1,
            pid: std::process::id(),
            issuer: names.issuer.clone(),
            console: format!("{}/console", names.issuer),
            oss: names.oss.clone(),
            oss_named: format!("http://localhost:{oss_port}"),
            oss_region: region.to_owned(),
            https,
            metrics: names.metrics.clone(),
            data: data.display().to_string(),
            account: (&sample::ACME).into(),
            customer: (&sample::GLOBEX).into(),
            root: RootEntry { login: sample::ROOT.name, secrets: (&sample::ROOT).into() },
            users: users.collect(),
            clients: BTreeMap::from([(sample::CLIENT.name, ClientEntry { id: sample::CLIENT.id, secret: sample::CLIENT.secret })]),
            roles: BTreeMap::from([(sample::ROLE, RoleEntry { arn: sample::role_arn() })]),
            buckets: vec![sample::BUCKET],
        }
    }

    /// The text of the file.
    fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Publishes it: whole, and for this user only.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        data_dir::write_file(path, self.to_json().as_bytes(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names {
            issuer: "http://127.0.0.1:1".into(),
            oss: "http://127.0.0.1:2".into(),
            oss_host: "127.0.0.1:2".into(),
            page_hosts: Vec::new(),
            metrics: None,
        }
    }

    /// The keys of the contract, and of this program's additions (`data`, `metrics`).
    #[test]
    fn the_shape_is_the_contract() {
        let https = Https { issuer: "https://127.0.0.1:3".into(), ca_file: "/d/dev-ca.pem".into() };
        let ready = ReadyFile::new(&names(), 2, "cn-hangzhou", Some(https), Path::new("/d"));
        let mut value: serde_json::Value = serde_json::from_str(&ready.to_json()).unwrap();
        assert_eq!(value["pid"], std::process::id());
        value["pid"] = 1234.into();
        let golden: serde_json::Value = serde_json::from_str(include_str!("ready.golden.json")).unwrap();
        assert_eq!(value, golden, "{}", serde_json::to_string_pretty(&value).unwrap());
        let plain = ReadyFile::new(&names(), 2, "cn-hangzhou", None, Path::new("/d"));
        assert!(serde_json::to_value(&plain).unwrap()["https"].is_null());
    }
}
