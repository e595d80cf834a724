//! From flags, environment and file to a [`Config`]: every value typed, every problem told.

use std::{
    collections::BTreeMap,
    fmt,
    io::Read as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use tegata_core::{
    Addressing,
    keyring::MasterKey,
    limits::{Hashing, Limits, Quotas},
    org::{RolePolicies, Services},
};
use tegata_dialects::Network;
use tegata_model::BucketName;

use super::{
    Config, Connections, Database, Environment, Http, Log, MasterKeySource, Oss, Outbound, Problem, Problems, SecretText, TlsFiles,
    address::{host_name, read_public_url, split_host},
    database::with_password,
    raw::{RawConfig, RawLimits, RawOss, RawOutbound, RawQuotas},
};
use crate::logging::{Format, Level};

/// The largest file that is read: a configuration is a page, not a book.
const LARGEST_FILE: u64 = 1 << 20;
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What flags say; each is stronger than everything else.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    /// `--config`
    pub(crate) config: Option<PathBuf>,
    /// `--data`
    pub(crate) data: Option<PathBuf>,
    /// `--http`
    pub(crate) http: Option<SocketAddr>,
    /// `--oss`
    pub(crate) oss: Option<SocketAddr>,
    /// `--metrics`
    pub(crate) metrics: Option<SocketAddr>,
    /// `--log`
    pub(crate) log: Option<Level>,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File,
    Environment(&'static str),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Environment(name) => write!(f, "environment, {name}"),
            Self::Flag(name) => write!(f, "flag, {name}"),
        }
    }
}

/// Where the values came from, by the path of their key. What is not listed is a default.
#[derive(Debug, Clone, Default)]
pub(super) struct Origins(BTreeMap<&'static str, Origin>);

impl Origins {
    pub(super) fn of(&self, key: &str) -> Origin {
        self.0.get(key).copied().unwrap_or(Origin::Default)
    }
}

/// Resolves a configuration, or tells everything that is wrong with it.
pub(crate) fn resolve(flags: &Flags, environment: &Environment) -> Result<Config, Problems> {
    let mut work = Work::default();
    let raw = work.file(flags, environment);
    let data = work.data(flags, environment, raw.data);
    let blobs = work.blobs(raw.blobs, data.as_deref());
    let database = work.database(environment, raw.database, raw.database_password_file, raw.database_ca_file);
    let master_key = work.master_key(environment, raw.master_key_file, data.as_deref());
    let tls = work.tls(raw.tls.certificate_file, raw.tls.key_file);
    let http = work.http(flags.http, raw.http.listen, raw.http.public_url, tls.is_some());
    let oss = work.oss(flags.oss, raw.oss);
    work.hosts_apart(&http, &oss);
    let metrics = work.address("metrics.listen", "--metrics", flags.metrics, raw.metrics.listen);
    if let Some(address) = metrics
        && !address.ip().is_loopback()
    {
        work.problem("metrics.listen", format!("`{address}` is not a loopback address, and metrics are served on loopback only"));
    }
    let trusted_proxies = work.proxies(&raw.trusted_proxies.unwrap_or_default());
    let (outbound, insecure_issuers) = work.outbound(raw.outbound);
    let mail = work.mail(raw.mail);
    let log = work.log(flags.log, environment.log.as_deref(), raw.log.level, raw.log.format);
    let services = work.services(raw.services.unwrap_or_default());
    let role_policies = work.role_policies(raw.role_policies.unwrap_or_default(), &services);
    let quotas = work.quotas(&raw.quotas);
    let (limits, connections) = work.limits(&raw.limits, quotas);
    let limits = Limits { insecure_issuers, ..limits };
    match data {
        Some(data) if work.problems.is_empty() => Ok(Config {
            data,
            blobs,
            database,
            master_key,
            http,
            oss,
            tls,
            metrics,
            trusted_proxies,
            outbound,
            mail,
            log,
            services,
            role_policies,
            limits,
            connections,
            warnings: work.warnings,
            origins: work.origins,
        }),
        _ => Err(Problems(work.problems)),
    }
}

#[derive(Default)]
pub(super) struct Work {
    problems: Vec<Problem>,
    warnings: Vec<String>,
    origins: Origins,
    /// Paths in the file are relative to its folder.
    folder: Option<PathBuf>,
}

impl Work {
    /// Reports a problem under the name the value was given by.
    pub(super) fn problem(&mut self, key: &str, text: impl Into<String>) {
        let name = match self.origins.of(key) {
            Origin::Flag(name) | Origin::Environment(name) => name,
            Origin::Default | Origin::File => key,
        };
        self.problems.push(Problem::new(name, text));
    }

    /// Where a value came from.
    pub(super) fn origins_of(&self, key: &str) -> Origin {
        self.origins.of(key)
    }

    pub(super) fn came(&mut self, key: &'static str, origin: Origin) {
        self.origins.0.insert(key, origin);
    }

    fn file(&mut self, flags: &Flags, environment: &Environment) -> RawConfig {
        let Some(path) = flags.config.as_ref().or(environment.config.as_ref()) else { return RawConfig::default() };
        let mut text = String::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_string(&mut text));
        match read {
            Err(error) => {
                self.problems.push(Problem::new("", format!("the file `{}` cannot be read: {error}", path.display())));
                RawConfig::default()
            }
            Ok(size) if size as u64 > LARGEST_FILE => {
                self.problems.push(Problem::new("", format!("the file `{}` is larger than {LARGEST_FILE} bytes", path.display())));
                RawConfig::default()
            }
            Ok(_) => {
                self.folder = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned));
                RawConfig::parse(&text, &mut self.problems)
            }
        }
    }

    fn services(&mut self, named: BTreeMap<String, Vec<String>>) -> Services {
        if !named.is_empty() {
            self.came("services", Origin::File);
        }
        Services::new(named).unwrap_or_else(|error| {
            self.problem("services", error.to_string());
            Services::default()
        })
    }

    fn role_policies(&mut self, named: BTreeMap<String, Vec<String>>, services: &Services) -> RolePolicies {
        if !named.is_empty() {
            self.came("role_policies", Origin::File);
        }
        RolePolicies::new(named, services).unwrap_or_else(|error| {
            self.problem("role_policies", error.to_string());
            RolePolicies::default()
        })
    }

    pub(super) fn path(&self, text: &str) -> PathBuf {
        self.folder.as_deref().map_or_else(|| PathBuf::from(text), |folder| folder.join(text))
    }

    fn data(&mut self, flags: &Flags, environment: &Environment, file: Option<String>) -> Option<PathBuf> {
        let (path, origin) = if let Some(path) = &flags.data {
            (path.clone(), Origin::Flag("--data"))
        } else if let Some(path) = &environment.data {
            (path.clone(), Origin::Environment("TEGATA_DATA"))
        } else if let Some(text) = file {
            (self.path(&text), Origin::File)
        } else if let Some(path) = environment.default_data() {
            (path, Origin::Default)
        } else {
            self.problem("data", "no folder is named and there is no home folder; name one, for example with `--data DIR`");
            return None;
        };
        self.came("data", origin);
        let absolute = std::path::absolute(&path).ok();
        if absolute.is_none() {
            self.problem("data", "expected the path of a folder, found an empty text");
        }
        absolute
    }

    fn database(
        &mut self,
        environment: &Environment,
        file: Option<String>,
        password_file: Option<String>,
        ca_file: Option<String>,
    ) -> Database {
        let (text, origin) = match (&environment.database, file) {
            (Some(text), _) => (text.clone(), Origin::Environment("TEGATA_DATABASE")),
            (None, Some(text)) => (SecretText::new(text), Origin::File),
            (None, None) => (SecretText::new("sqlite".to_owned()), Origin::Default),
        };
        self.came("database", origin);
        let password = match (&environment.database_password, password_file) {
            (Some(password), _) => {
                self.came("database_password_file", Origin::Environment("TEGATA_DATABASE_PASSWORD"));
                Some(password.clone())
            }
            (None, Some(path)) => {
                self.came("database_password_file", Origin::File);
                let path = self.path(&path);
                match std::fs::read_to_string(&path) {
                    Ok(text) => Some(SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned())),
                    Err(error) => {
                        self.problem("database_password_file", format!("`{}` cannot be read: {error}", path.display()));
                        None
                    }
                }
            }
            (None, None) => None,
        };
        let ca_file = ca_file.map(|path| {
            self.came("database_ca_file", Origin::File);
            self.path(&path)
        });
        match text.expose() {
            "sqlite" => {
                if password.is_some() && self.origins.of("database_password_file") == Origin::File {
                    self.problem(
                        "database_password_file",
                        "a SQLite database has no password; remove this key, or name the PostgreSQL `database`",
                    );
                }
                Database::Sqlite
            }
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => match (password, with_password(url, None)) {
                (_, Err(problem)) => {
                    self.problem("database", problem);
                    Database::Sqlite
                }
                (None, Ok(_)) => Database::Postgres { url: text, ca_file },
                (Some(password), Ok(_)) => match with_password(url, Some(password.expose())) {
                    Ok(url) => Database::Postgres { url: SecretText::new(url), ca_file },
                    Err(problem) => {
                        self.problem("database", problem);
                        Database::Sqlite
                    }
                },
            },
            _ => {
                // The text is not shown: it may be a URL with a password and a slip in its first letters.
                self.problem("database", "expected `sqlite` or a URL `postgres://user@host/name`");
                Database::Sqlite
            }
        }
    }

    fn blobs(&mut self, folder: Option<String>, data: Option<&Path>) -> PathBuf {
        match folder {
            Some(text) => {
                self.came("blobs", Origin::File);
                self.path(&text)
            }
            None => data.unwrap_or(Path::new("")).join("blobs"),
        }
    }

    fn master_key(&mut self, environment: &Environment, file: Option<String>, data: Option<&Path>) -> MasterKeySource {
        if let Some(text) = &environment.master_key {
            self.came("master_key_file", Origin::Environment("TEGATA_MASTER_KEY"));
            if MasterKey::from_text(text.expose()).is_none() {
                self.problem("master_key_file", "expected the 43 characters of a master key (32 bytes as base64url)");
            }
            return MasterKeySource::Environment(text.clone());
        }
        if let Some(text) = file {
            self.came("master_key_file", Origin::File);
            return MasterKeySource::File(self.path(&text));
        }
        MasterKeySource::File(data.unwrap_or(Path::new("")).join("master.key"))
    }

    fn tls(&mut self, certificate: Option<String>, key: Option<String>) -> Option<TlsFiles> {
        match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                self.came("tls.certificate_file", Origin::File);
                self.came("tls.key_file", Origin::File);
                Some(TlsFiles { certificate: self.path(&certificate), key: self.path(&key) })
            }
            (Some(_), None) => {
                self.problem("tls.key_file", "is needed beside `tls.certificate_file`");
                None
            }
            (None, Some(_)) => {
                self.problem("tls.certificate_file", "is needed beside `tls.key_file`");
                None
            }
        }
    }

    fn address(&mut self, key: &'static str, flag: &'static str, given: Option<SocketAddr>, file: Option<String>) -> Option<SocketAddr> {
        if let Some(address) = given {
            self.came(key, Origin::Flag(flag));
            return Some(address);
        }
        let text = file?;
        self.came(key, Origin::File);
        self.parsed(key, &text, "an address and port such as `127.0.0.1:8420` or `[::1]:8420`")
    }

    fn parsed<T: FromStr>(&mut self, key: &str, text: &str, expected: &str) -> Option<T> {
        let read = text.parse().ok();
        if read.is_none() {
            self.problem(key, format!("expected {expected}, found `{}`", shown(text)));
        }
        read
    }

    fn http(&mut self, flag: Option<SocketAddr>, listen: Option<String>, public_url: Option<String>, tls: bool) -> Http {
        let listen = self.address("http.listen", "--http", flag, listen).unwrap_or(SocketAddr::new(LOOPBACK, 8420));
        let public_url = public_url.and_then(|text| {
            self.came("http.public_url", Origin::File);
            match read_public_url(&text) {
                Ok(url) => Some(url),
                Err(problem) => {
                    self.problem("http.public_url", format!("{problem}, found `{}`", shown(&text)));
                    None
                }
            }
        });
        let named = self.origins.of("http.public_url") == Origin::File;
        if !listen.ip().is_loopback() {
            if !named {
                self.problem(
                    "http.public_url",
                    format!("is needed, because `{listen}` is not a loopback address: tokens name the issuer by it"),
                );
            }
            if !tls && public_url.as_deref().is_some_and(|url| url.starts_with("http://")) {
                self.warnings.push("replies with temporary keys leave this machine unencrypted: set `tls`, or put a TLS proxy in front and name its https `http.public_url`".to_owned());
            }
        }
        Http { listen, public_url }
    }

    fn oss(&mut self, flag: Option<SocketAddr>, raw: RawOss) -> Oss {
        let listen = self.address("oss.listen", "--oss", flag, raw.listen).unwrap_or(SocketAddr::new(LOOPBACK, 8421));
        let public_host = raw.public_host.and_then(|text| {
            self.came("oss.public_host", Origin::File);
            let good = split_host(&text).is_some();
            if !good {
                self.problem(
                    "oss.public_host",
                    format!("expected a host name, or host and port, without scheme, found `{}`", shown(&text)),
                );
            }
            good.then(|| text.to_ascii_lowercase())
        });
        if !listen.ip().is_loopback() && self.origins.of("oss.public_host") != Origin::File {
            self.problem(
                "oss.public_host",
                format!("is needed, because `{listen}` is not a loopback address: buckets are addressed by it"),
            );
        }
        let mut suffixes = Vec::new();
        if let Some(given) = raw.suffixes {
            self.came("oss.suffixes", Origin::File);
            for (index, text) in given.iter().enumerate() {
                match host_name(text) {
                    Some(name) => suffixes.push(name),
                    None => self
                        .problem(&format!("oss.suffixes[{index}]"), format!("expected a host name without port, found `{}`", shown(text))),
                }
            }
        } else {
            suffixes.extend(public_host.as_deref().and_then(split_host).map(|(name, _)| name));
            if listen.ip().is_loopback() {
                suffixes.push("localhost".to_owned());
                suffixes.dedup();
            }
        }
        let mut cnames = Vec::new();
        if let Some(given) = raw.cnames {
            self.came("oss.cnames", Origin::File);
            for (host, bucket) in given {
                let key = format!("oss.cnames.{host}");
                match (host_name(&host), BucketName::new(&bucket)) {
                    (Some(host), Ok(bucket)) => cnames.push((host, bucket.to_string())),
                    (None, _) => self.problem(&key, "expected a host name without port as the key"),
                    (_, Err(error)) => self.problem(&key, format!("{error}, found `{}`", shown(&bucket))),
                }
            }
        }
        let region = raw.region.map_or_else(
            || "cn-hangzhou".to_owned(),
            |text| {
                self.came("oss.region", Origin::File);
                if !(1..=64).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
                    self.problem(
                        "oss.region",
                        format!("expected lower-case letters, digits and hyphens such as `cn-hangzhou`, found `{}`", shown(&text)),
                    );
                }
                text
            },
        );
        Oss { listen, public_host, addressing: Addressing { suffixes, cnames, region } }
    }

    /// Cookies ignore ports, so pages and strangers' objects must not share a host name that others can reach.
    fn hosts_apart(&mut self, http: &Http, oss: &Oss) {
        let Some(pages) = http.public_url.as_deref().and_then(|url| url.split_once("://")).and_then(|(_, rest)| split_host(rest)) else {
            return;
        };
        let Some(objects) = oss.public_host.as_deref().and_then(split_host) else { return };
        let here = pages.0 == "localhost" || pages.0.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if pages.0 == objects.0 && !here {
            self.problem(
                "oss.public_host",
                format!("`{}` is also the host of `http.public_url`; give the object gateway a host name of its own", pages.0),
            );
        }
    }

    fn proxies(&mut self, given: &[String]) -> Vec<Network> {
        if !given.is_empty() {
            self.came("trusted_proxies", Origin::File);
        }
        let mut networks = Vec::new();
        for (index, text) in given.iter().enumerate() {
            match text.parse::<Network>() {
                Ok(network) => {
                    if network.to_string().ends_with("/0") {
                        self.warnings.push(format!("`trusted_proxies[{index}]` trusts every address: anybody may then claim any address"));
                    }
                    networks.push(network);
                }
                Err(problem) => self.problem(&format!("trusted_proxies[{index}]"), problem.to_string()),
            }
        }
        networks
    }

    fn outbound(&mut self, raw: RawOutbound) -> (Outbound, bool) {
        let mut private = Vec::new();
        if let Some(given) = raw.private {
            self.came("outbound.private", Origin::File);
            for (index, text) in given.iter().enumerate() {
                match text.parse::<Network>() {
                    Ok(network) => private.push(network),
                    Err(problem) => self.problem(&format!("outbound.private[{index}]"), problem.to_string()),
                }
            }
        }
        let ca_file = raw.ca_file.map(|path| {
            self.came("outbound.ca_file", Origin::File);
            self.path(&path)
        });
        let insecure = raw.insecure_issuers.unwrap_or_default();
        if raw.insecure_issuers.is_some() {
            self.came("outbound.insecure_issuers", Origin::File);
        }
        if insecure {
            self.warnings.push(
                "`outbound.insecure_issuers` takes the keys of issuers from unencrypted connections: whoever can change them becomes anybody"
                    .to_owned(),
            );
        }
        (Outbound { private, ca_file }, insecure)
    }

    fn log(&mut self, flag: Option<Level>, environment: Option<&str>, level: Option<String>, format: Option<String>) -> Log {
        let level = if let Some(level) = flag {
            self.came("log.level", Origin::Flag("--log"));
            level
        } else if let Some(text) = environment {
            self.came("log.level", Origin::Environment("TEGATA_LOG"));
            self.parsed("log.level", text, &format!("one of {}", Level::NAMES.join(", "))).unwrap_or(Level::Info)
        } else if let Some(text) = level {
            self.came("log.level", Origin::File);
            self.parsed("log.level", &text, &format!("one of {}", Level::NAMES.join(", "))).unwrap_or(Level::Info)
        } else {
            Level::Info
        };
        let format = format.map_or(Format::Text, |text| {
            self.came("log.format", Origin::File);
            self.parsed("log.format", &text, &format!("one of {}", Format::NAMES.join(", "))).unwrap_or(Format::Text)
        });
        Log { level, format }
    }

    fn limits(&mut self, raw: &RawLimits, quotas: Quotas) -> (Limits, Connections) {
        const DAY: u64 = 24 * 3600;
        let standard = Limits::default();
        let connections = Connections::default();
        let seconds = Duration::from_secs;
        let clock_skew =
            seconds(self.limit("limits.clock_skew_seconds", raw.clock_skew_seconds, 1, 31 * 60, standard.clock_skew.as_secs()));
        let limits = Limits {
            quotas,
            insecure_issuers: standard.insecure_issuers,
            issuer_keys_refresh: seconds(self.limit(
                "limits.issuer_keys_refresh_seconds",
                raw.issuer_keys_refresh_seconds,
                10,
                DAY,
                standard.issuer_keys_refresh.as_secs(),
            )),
            issuer_keys_outage: seconds(self.limit(
                "limits.issuer_keys_outage_seconds",
                raw.issuer_keys_outage_seconds,
                0,
                30 * DAY,
                standard.issuer_keys_outage.as_secs(),
            )),
            hashing: Hashing {
                at_once: self.limit("limits.passwords_at_once", raw.passwords_at_once, 1, 256, standard.hashing.at_once),
                ..standard.hashing
            },
            clock_skew,
            // A nonce must be remembered as long as its request could be sent again: from skew before to skew after.
            nonce_memory: 2 * clock_skew + seconds(60),
            presigned_url: seconds(self.limit(
                "limits.presigned_url_seconds",
                raw.presigned_url_seconds,
                1,
                366 * DAY,
                standard.presigned_url.as_secs(),
            )),
            root_deadline: seconds(self.limit(
                "limits.root_deadline_seconds",
                raw.root_deadline_seconds,
                900,
                2 * DAY,
                standard.root_deadline.as_secs(),
            )),
            chain_depth: self.limit("limits.chain_depth", raw.chain_depth, 1, 16, standard.chain_depth),
            session_policy_chars: self.limit(
                "limits.session_policy_chars",
                raw.session_policy_chars,
                256,
                8192,
                standard.session_policy_chars,
            ),
            object_bytes: self.limit("limits.object_bytes", raw.object_bytes, 1, 5 << 30, standard.object_bytes),
            refusal_rows_per_minute: self.limit(
                "limits.refusal_rows_per_minute",
                raw.refusal_rows_per_minute,
                1,
                100_000,
                standard.refusal_rows_per_minute,
            ),
        };
        let connections = Connections {
            most: self.limit("limits.connections", raw.connections, 1, 100_000, connections.most),
            head: seconds(self.limit("limits.head_seconds", raw.head_seconds, 1, 600, connections.head.as_secs())),
        };
        (limits, connections)
    }

    /// Those of what exists already are not checked: an account that has more than a new quota keeps it and gets no more.
    fn quotas(&mut self, raw: &RawQuotas) -> Quotas {
        let standard = Quotas::default();
        Quotas {
            users: self.limit("quotas.users", raw.users, 0, 1_000_000, standard.users),
            keys_per_user: self.limit("quotas.keys_per_user", raw.keys_per_user, 0, 100, standard.keys_per_user),
            auth_keys_per_user: self.limit("quotas.auth_keys_per_user", raw.auth_keys_per_user, 0, 100, standard.auth_keys_per_user),
            groups: self.limit("quotas.groups", raw.groups, 0, 100_000, standard.groups),
            groups_per_user: self.limit("quotas.groups_per_user", raw.groups_per_user, 0, 1000, standard.groups_per_user),
            roles: self.limit("quotas.roles", raw.roles, 0, 1_000_000, standard.roles),
            policies: self.limit("quotas.policies", raw.policies, 0, 1_000_000, standard.policies),
            versions_per_policy: self.limit("quotas.versions_per_policy", raw.versions_per_policy, 1, 100, standard.versions_per_policy),
            document_chars: self.limit("quotas.document_chars", raw.document_chars, 256, 65_536, standard.document_chars),
            policies_per_user: self.limit("quotas.policies_per_user", raw.policies_per_user, 0, 1000, standard.policies_per_user),
            policies_per_group: self.limit("quotas.policies_per_group", raw.policies_per_group, 0, 1000, standard.policies_per_group),
            policies_per_role: self.limit("quotas.policies_per_role", raw.policies_per_role, 0, 1000, standard.policies_per_role),
            system_policies: self.limit("quotas.system_policies", raw.system_policies, 0, 1000, standard.system_policies),
            mfa_devices: self.limit("quotas.mfa_devices", raw.mfa_devices, 0, 1_000_000, standard.mfa_devices),
            api_tokens_per_user: self.limit("quotas.api_tokens_per_user", raw.api_tokens_per_user, 0, 10_000, standard.api_tokens_per_user),
            tags_per_resource: self.limit("quotas.tags_per_resource", raw.tags_per_resource, 0, 100, standard.tags_per_resource),
            oidc_providers: self.limit("quotas.oidc_providers", raw.oidc_providers, 0, 10_000, standard.oidc_providers),
            clients: self.limit("quotas.clients", raw.clients, 0, 10_000, standard.clients),
            secrets_per_client: self.limit("quotas.secrets_per_client", raw.secrets_per_client, 1, 10, standard.secrets_per_client),
            assignments: self.limit("quotas.assignments", raw.assignments, 0, 10_000, standard.assignments),
        }
    }

    pub(super) fn limit<T: TryFrom<i64> + TryInto<u64> + Copy>(
        &mut self,
        key: &'static str,
        given: Option<i64>,
        least: u64,
        most: u64,
        standard: T,
    ) -> T {
        let Some(number) = given else { return standard };
        self.came(key, Origin::File);
        match (u64::try_from(number), T::try_from(number)) {
            (Ok(size), Ok(value)) if (least..=most).contains(&size) => value,
            _ => {
                self.problem(key, format!("expected a whole number from {least} to {most}, found `{number}`"));
                standard
            }
        }
    }
}

/// A text from a file, short enough for a message.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().count() > 80 { format!("{short}…") } else { short }
}
