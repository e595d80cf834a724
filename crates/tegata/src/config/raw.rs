//! The file as it is written: every key optional, unknown keys refused with the nearest right name.
//!
//! A derived reader would stop at the first mistake, so the tables are read key by key and every mistake is kept.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::problem::{Problem, nearest};

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident { $($(#[$key_doc:meta])* $key:ident : $type:ty),* $(,)? } $(+ { $($(#[$table_doc:meta])* $table:ident : $inner:ident),* $(,)? })?)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Default)]
            pub(super) struct $name {
                $($(#[$key_doc])* pub(super) $key: Option<$type>,)*
                $($($(#[$table_doc])* pub(super) $table: $inner,)*)?
            }

            impl $name {
                fn read(path: &str, table: Table, problems: &mut Vec<Problem>) -> Self {
                    let mut raw = Self::default();
                    for (key, value) in table {
                        let full = join(path, &key);
                        match key.as_str() {
                            $(stringify!($key) => raw.$key = leaf(&full, value, problems),)*
                            $($(stringify!($table) => match value {
                                Value::Table(table) => raw.$table = $inner::read(&full, table, problems),
                                other => problems.push(Problem::new(full, format!("expected a table, found {}", kind(&other)))),
                            },)*)?
                            _ => problems.push(unknown(&full)),
                        }
                    }
                    raw
                }

                fn keys(path: &str, found: &mut Vec<String>) {
                    $(found.push(join(path, stringify!($key)));)*
                    $($($inner::keys(&join(path, stringify!($table)), found);)*)?
                }
            }
        )*
    };
}

tables! {
    /// The whole file.
    RawConfig {
        /// The data folder.
        data: String,
        /// The folder of objects' bytes.
        blobs: String,
        /// `sqlite`, or the URL of a PostgreSQL database.
        database: String,
        /// File that holds the database's password.
        database_password_file: String,
        /// Certificates (PEM) that the database server's must lead to.
        database_ca_file: String,
        /// File that holds the master key.
        master_key_file: String,
        /// Addresses and blocks of proxies whose `X-Forwarded-For` counts.
        trusted_proxies: Vec<String>,
        /// Services of organisations, each with its roles.
        services: BTreeMap<String, Vec<String>>,
        /// Policies of accounts that stand for roles of organisations.
        role_policies: BTreeMap<String, Vec<String>>,
    } + {
        /// The issuer.
        http: RawHttp,
        /// The object gateway.
        oss: RawOss,
        /// TLS of both.
        tls: RawTls,
        /// Metrics.
        metrics: RawMetrics,
        /// The way out to other servers.
        outbound: RawOutbound,
        /// Letters.
        mail: RawMail,
        /// The log.
        log: RawLog,
        /// Limits.
        limits: RawLimits,
        /// How many of each thing.
        quotas: RawQuotas,
    }
    /// `[http]`
    RawHttp {
        /// Where the issuer listens.
        listen: String,
        /// How the world names it.
        public_url: String,
    }
    /// `[oss]`
    RawOss {
        /// Where the object gateway listens.
        listen: String,
        /// How the world names it: host, or host and port.
        public_host: String,
        /// Host names of the endpoint, without port.
        suffixes: Vec<String>,
        /// Further host names, each standing for one bucket.
        cnames: BTreeMap<String, String>,
        /// The region version 4 signatures name.
        region: String,
    }
    /// `[tls]`
    RawTls {
        /// Certificate chain, PEM.
        certificate_file: String,
        /// Private key, PEM.
        key_file: String,
    }
    /// `[metrics]`
    RawMetrics {
        /// Loopback address.
        listen: String,
    }
    /// `[outbound]`
    RawOutbound {
        /// Private addresses and blocks that may be asked.
        private: Vec<String>,
        /// Authorities (PEM) that are trusted besides the system's.
        ca_file: String,
        /// Whether issuers may be named by `http` URLs.
        insecure_issuers: bool,
    }
    /// `[mail]`
    RawMail {
        /// The server that takes letters.
        host: String,
        /// Its port.
        port: i64,
        /// `implicit`, `starttls` or `none`.
        tls: String,
        /// The name that it knows us by.
        user: String,
        /// File that holds the password to that.
        password_file: String,
        /// Authorities (PEM) that are trusted besides the system's.
        ca_file: String,
        /// Who the letters are from.
        from: String,
        /// `en`, `ja` or `both`.
        language: String,
    }
    /// `[log]`
    RawLog {
        /// How much.
        level: String,
        /// `text` or `json`.
        format: String,
    }
    /// `[limits]`
    RawLimits {
        /// How far a request's time may lie from ours.
        clock_skew_seconds: i64,
        /// Longest validity of a pre-signed URL.
        presigned_url_seconds: i64,
        /// How long chains of sessions may live after their key was last used.
        root_deadline_seconds: i64,
        /// How many sessions may follow one another.
        chain_depth: i64,
        /// Longest session policy.
        session_policy_chars: i64,
        /// Largest object.
        object_bytes: i64,
        /// Audited refusals of one principal in a minute; more are counted.
        refusal_rows_per_minute: i64,
        /// After how long the keys of an issuer are fetched again.
        issuer_keys_refresh_seconds: i64,
        /// How long the keys of an issuer that cannot be reached go on being used.
        issuer_keys_outage_seconds: i64,
        /// Passwords that are worked on at once.
        passwords_at_once: i64,
        /// Most connections of one listener at a time.
        connections: i64,
        /// How long a client may take to send a request's head.
        head_seconds: i64,
    }
    /// `[quotas]`
    RawQuotas {
        /// Users of an account.
        users: i64,
        /// Access keys of a user.
        keys_per_user: i64,
        /// Auth keys of a user.
        auth_keys_per_user: i64,
        /// Groups of an account.
        groups: i64,
        /// Groups that one user is in.
        groups_per_user: i64,
        /// Roles of an account.
        roles: i64,
        /// Custom policies of an account.
        policies: i64,
        /// Versions of a policy.
        versions_per_policy: i64,
        /// Characters of a policy or trust document.
        document_chars: i64,
        /// Custom policies attached to a user.
        policies_per_user: i64,
        /// Custom policies attached to a group.
        policies_per_group: i64,
        /// Custom policies attached to a role.
        policies_per_role: i64,
        /// System policies attached to a user, a group or a role.
        system_policies: i64,
        /// Devices for one-time codes of an account.
        mfa_devices: i64,
        /// API tokens of a user that can be used.
        api_tokens_per_user: i64,
        /// Tags of one role or policy.
        tags_per_resource: i64,
        oidc_providers: i64,
        /// OAuth applications of an account.
        clients: i64,
        /// Secrets of an application that count at one time.
        secrets_per_client: i64,
        /// Users and roles assigned to an application.
        assignments: i64,
    }
}

impl RawConfig {
    /// Reads a file's text. What cannot be read is reported and left out.
    pub(super) fn parse(text: &str, problems: &mut Vec<Problem>) -> Self {
        match text.parse::<Table>() {
            Ok(table) => Self::read("", table, problems),
            Err(error) => {
                let place = error.span().map_or_else(String::new, |span| place(text, span.start));
                problems.push(Problem::new("", format!("the file is not TOML: {}{place}", error.message().trim_end())));
                Self::default()
            }
        }
    }

    /// The paths of all keys.
    pub(super) fn all_keys() -> Vec<String> {
        let mut found = Vec::new();
        Self::keys("", &mut found);
        found
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn unknown(full: &str) -> Problem {
    let keys = RawConfig::all_keys();
    let tables = keys.iter().filter_map(|key| key.split_once('.').map(|(table, _)| table));
    let hint = if full.contains('.') {
        nearest(full, keys.iter().map(String::as_str))
    } else {
        // At the top a table may be meant.
        nearest(full, keys.iter().map(String::as_str).chain(tables))
    };
    Problem::new(
        full,
        hint.map_or_else(|| "is not a key of this file".to_owned(), |near| format!("is not a key of this file; did you mean `{near}`?")),
    )
}

/// One value. The message of the reader would name a Rust type, so what was expected is told from a list.
fn leaf<T: DeserializeOwned + Expected>(full: &str, value: Value, problems: &mut Vec<Problem>) -> Option<T> {
    let found = kind(&value);
    let read = value.try_into().ok();
    if read.is_none() {
        problems.push(Problem::new(full, format!("expected {}, found {found}", T::WORDS)));
    }
    read
}

trait Expected {
    const WORDS: &'static str;
}

impl Expected for String {
    const WORDS: &'static str = "a text in quotes";
}

impl Expected for bool {
    const WORDS: &'static str = "`true` or `false`";
}

impl Expected for i64 {
    const WORDS: &'static str = "a whole number";
}

impl Expected for Vec<String> {
    const WORDS: &'static str = "a list of texts, `[\"…\", \"…\"]`";
}

impl Expected for BTreeMap<String, Vec<String>> {
    const WORDS: &'static str = "a table of lists, `{ \"service\" = [\"role\", \"…\"] }`";
}

impl Expected for BTreeMap<String, String> {
    const WORDS: &'static str = "a table of texts, `{ \"host\" = \"bucket\" }`";
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a decimal number",
        Value::Boolean(_) => "`true` or `false`",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list of something else",
        Value::Table(_) => "a table of something else",
    }
}

fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!(" (line {line}, column {column})")
}
