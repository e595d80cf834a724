//! The works that are measured: how each request of one is made and signed.

use std::{
    fmt,
    net::SocketAddr,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tegata_core::clock::{Clock as _, Entropy as _, SystemClock, SystemEntropy};
use tegata_model::{AccessKeyId, SecretKey};
use tegata_sign::{Credential, ObjectAddress, acs_rpc, acs3, form, oss::Unsigned, oss_v4};

/// The session policy of every AssumeRole here: one prefix, as an app server would ask for it.
const SESSION_POLICY: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject","oss:GetObject"],"Resource":"acs:oss:*:*:photos/bench/*"}]}"#;
const VERSION: &str = "2015-04-01";
const RAM_VERSION: &str = "2015-05-01";
/// How many users are read and changed in turn.
pub(crate) const USERS: usize = 128;
/// How many objects are read in turn.
pub(crate) const OBJECTS: usize = 16;

/// One kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// AssumeRole with a session policy, ACS3.
    AssumeRoleAcs3,
    /// AssumeRole with a session policy, RPC V1 in a form.
    AssumeRoleRpc,
    /// GetCallerIdentity with a temporary key, RPC V1 in a query.
    Identity,
    /// GetUser by an administrator, RPC V1 in a query.
    RamRead,
    /// UpdateUser by an administrator, RPC V1 in a query, each connection its own user.
    RamWrite,
    /// A token of a client for itself, by its secret.
    ClientCredentials,
    /// What such a token is worth, asked by the client.
    Introspect,
    /// GetObject of this many bytes, OSS V4 with a temporary key.
    Get(usize),
    /// PutObject of this many bytes, likewise, each connection over its own object.
    Put(usize),
}

impl Work {
    /// All that `all` measures.
    pub(crate) const ALL: [Self; 11] = [
        Self::AssumeRoleAcs3,
        Self::AssumeRoleRpc,
        Self::Identity,
        Self::RamRead,
        Self::RamWrite,
        Self::ClientCredentials,
        Self::Introspect,
        Self::Get(1 << 20),
        Self::Put(1 << 20),
        Self::Get(4 << 10),
        Self::Put(4 << 10),
    ];

    /// True if it goes to the object gateway.
    pub(crate) fn is_object(self) -> bool {
        matches!(self, Self::Get(_) | Self::Put(_))
    }

    /// How many connections ask at once.
    pub(crate) fn connections(self) -> usize {
        match self {
            Self::AssumeRoleAcs3
            | Self::AssumeRoleRpc
            | Self::Identity
            | Self::RamRead
            | Self::RamWrite
            | Self::ClientCredentials
            | Self::Introspect => 128,
            Self::Get(size) | Self::Put(size) => {
                if size > 64 << 10 {
                    16
                } else {
                    64
                }
            }
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, size) = match self {
            Self::AssumeRoleAcs3 => return f.write_str("assume-role-acs3"),
            Self::AssumeRoleRpc => return f.write_str("assume-role-rpc"),
            Self::Identity => return f.write_str("identity"),
            Self::RamRead => return f.write_str("ram-read"),
            Self::RamWrite => return f.write_str("ram-write"),
            Self::ClientCredentials => return f.write_str("client-credentials"),
            Self::Introspect => return f.write_str("introspect"),
            Self::Get(size) => ("get", size),
            Self::Put(size) => ("put", size),
        };
        if size % (1 << 20) == 0 { write!(f, "{name}-{}m", size >> 20) } else { write!(f, "{name}-{}k", size >> 10) }
    }
}

impl FromStr for Work {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|work| work.to_string() == text).ok_or(())
    }
}

/// A key to sign with.
pub(crate) struct Key {
    /// The public id.
    pub(crate) id: AccessKeyId,
    /// The secret.
    pub(crate) secret: SecretKey,
    /// The token of a temporary one.
    pub(crate) token: Option<SecretKey>,
}

impl Key {
    /// From texts.
    pub(crate) fn new(id: &str, secret: &str, token: Option<&str>) -> Result<Self, String> {
        let id = AccessKeyId::new(id).map_err(|error| error.to_string())?;
        Ok(Self { id, secret: SecretKey::new(secret.to_owned()), token: token.map(|token| SecretKey::new(token.to_owned())) })
    }

    fn credential(&self) -> Credential<'_> {
        Credential { access_key_id: &self.id, secret: &self.secret, security_token: self.token.as_ref().map(SecretKey::expose) }
    }
}

/// Who asks, and for what.
pub(crate) struct Asker {
    /// The long-term key that assumes the role.
    pub(crate) key: Key,
    /// The temporary key of a session of the role.
    pub(crate) session: Option<Key>,
    /// The long-term key of an administrator.
    pub(crate) administrator: Option<Key>,
    /// The id and secret of an OAuth client.
    pub(crate) client: Option<(String, SecretKey)>,
    /// A token of that client for itself.
    pub(crate) token: Option<SecretKey>,
    /// The role.
    pub(crate) role_arn: String,
    /// The region that V4 signatures name.
    pub(crate) region: String,
    run: String,
    next: AtomicU64,
}

impl Asker {
    /// With nonces that no other run has used.
    pub(crate) fn new(key: Key, session: Option<Key>, role_arn: String, region: String) -> Result<Self, String> {
        let mut bytes = [0; 8];
        SystemEntropy::default().fill(&mut bytes).map_err(|error| error.to_string())?;
        Ok(Self {
            key,
            session,
            administrator: None,
            client: None,
            token: None,
            role_arn,
            region,
            run: format!("{:016x}", u64::from_le_bytes(bytes)),
            next: AtomicU64::new(0),
        })
    }

    /// For a floor alone: keys that exist nowhere, of the usual lengths.
    pub(crate) fn made_up() -> Result<Self, String> {
        let key = Key::new("LTAIbenchbenchbenchbench", "0123456789012345678901234567890123456789", None)?;
        let session = Key::new("STS.01ARZ3NDEKTSV4RRFFQ69G5FAV", "0123456789012345678901234567890123456789012", Some(&"t".repeat(600)))?;
        Self::new(key, Some(session), "acs:ram::1000000000000001:role/app-uploader".to_owned(), "cn-hangzhou".to_owned())
    }

    /// One request of a work, freshly signed, from the given connection to the host `to`.
    pub(crate) fn request(&self, work: Work, connection: usize, to: SocketAddr, payload: &Bytes) -> Result<Request<Full<Bytes>>, String> {
        match work {
            Work::AssumeRoleAcs3 => self.assume_role_acs3(to),
            Work::AssumeRoleRpc => self.assume_role_rpc(to),
            Work::Identity => self.identity(to),
            Work::RamRead => self.administer("GetUser", &[("UserName", &user(connection))], to),
            Work::RamWrite => {
                let comments = format!("change {}", self.next.load(Ordering::Relaxed));
                self.administer("UpdateUser", &[("UserName", &user(connection)), ("NewComments", &comments)], to)
            }
            Work::ClientCredentials => self.client_credentials(to),
            Work::Introspect => {
                let token = self.token.as_ref().ok_or("there is no access token yet")?;
                self.of_client("/oauth/introspect", &[("token", token.expose())], to)
            }
            Work::Get(size) => self.object("GET", &format!("bench/get-{size}-{}", connection % OBJECTS), to, Bytes::new()),
            Work::Put(size) => self.object("PUT", &format!("bench/put-{size}-{connection}"), to, payload.clone()),
        }
    }

    /// The upload of the n-th object that `get` of this size reads.
    pub(crate) fn prepare(&self, size: usize, n: usize, to: SocketAddr, payload: &Bytes) -> Result<Request<Full<Bytes>>, String> {
        self.object("PUT", &format!("bench/get-{size}-{n}"), to, payload.clone())
    }

    /// Makes the n-th user that [`Work::RamRead`] and [`Work::RamWrite`] name.
    pub(crate) fn make_user(&self, n: usize, to: SocketAddr) -> Result<Request<Full<Bytes>>, String> {
        self.administer("CreateUser", &[("UserName", &user(n))], to)
    }

    fn administer(&self, action: &str, rest: &[(&str, &str)], to: SocketAddr) -> Result<Request<Full<Bytes>>, String> {
        let key = self.administrator.as_ref().unwrap_or(&self.key);
        let mut parameters = pairs([("Action", action), ("Version", RAM_VERSION), ("Format", "JSON")]);
        parameters.extend(rest.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let added = acs_rpc::sign("GET", &parameters, &key.credential(), SystemClock.now(), &self.nonce());
        parameters.extend(added);
        let headers = pairs([("host", &to.to_string()), ("user-agent", "tegata-bench")]);
        build("GET", &format!("/?{}", form::encode(&parameters)), headers, Bytes::new())
    }

    /// A token of the client for itself; [`Asker::request`] of [`Work::ClientCredentials`].
    pub(crate) fn client_credentials(&self, to: SocketAddr) -> Result<Request<Full<Bytes>>, String> {
        self.of_client("/oauth/token", &[("grant_type", "client_credentials")], to)
    }

    fn of_client(&self, path: &str, fields: &[(&str, &str)], to: SocketAddr) -> Result<Request<Full<Bytes>>, String> {
        let (id, secret) = self.client.as_ref().ok_or("there is no client")?;
        let basic = STANDARD.encode(format!("{id}:{}", secret.expose()));
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let headers = pairs([
            ("host", &to.to_string()),
            ("authorization", &format!("Basic {basic}")),
            ("content-type", "application/x-www-form-urlencoded"),
            ("user-agent", "tegata-bench"),
        ]);
        build("POST", path, headers, form::encode(&fields).into())
    }

    fn nonce(&self) -> String {
        format!("{}{:016x}", self.run, self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn temporary(&self) -> Result<&Key, String> {
        self.session.as_ref().ok_or_else(|| "there is no temporary key yet".to_owned())
    }

    fn role_parameters(&self) -> Vec<(String, String)> {
        pairs([("RoleArn", &self.role_arn), ("RoleSessionName", "bench"), ("DurationSeconds", "900"), ("Policy", SESSION_POLICY)])
    }

    fn assume_role_acs3(&self, to: SocketAddr) -> Result<Request<Full<Bytes>>, String> {
        let query = self.role_parameters();
        let headers = pairs([("host", &to.to_string()), ("accept", "application/json"), ("user-agent", "tegata-bench")]);
        let body_sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"").as_ref().try_into().unwrap_or_default();
        let unsigned = acs3::Unsigned {
            method: "POST",
            path: "/",
            query: &query,
            headers: &headers,
            action: "AssumeRole",
            version: VERSION,
            body_sha256,
        };
        let added = acs3::sign(&unsigned, &self.key.credential(), SystemClock.now(), &self.nonce());
        build("POST", &format!("/?{}", form::encode(&query)), [headers, added].concat(), Bytes::new())
    }

    /// AssumeRole by RPC; [`Asker::request`] of [`Work::AssumeRoleRpc`].
    pub(crate) fn assume_role_rpc(&self, to: SocketAddr) -> Result<Request<Full<Bytes>>, String> {
        let mut parameters = pairs([("Action", "AssumeRole"), ("Version", VERSION), ("Format", "JSON")]);
        parameters.extend(self.role_parameters());
        let added = acs_rpc::sign("POST", &parameters, &self.key.credential(), SystemClock.now(), &self.nonce());
        parameters.extend(added);
        let headers =
            pairs([("host", &to.to_string()), ("content-type", "application/x-www-form-urlencoded"), ("user-agent", "tegata-bench")]);
        build("POST", "/", headers, form::encode(&parameters).into())
    }

    fn identity(&self, to: SocketAddr) -> Result<Request<Full<Bytes>>, String> {
        let mut parameters = pairs([("Action", "GetCallerIdentity"), ("Version", VERSION), ("Format", "JSON")]);
        let added = acs_rpc::sign("GET", &parameters, &self.temporary()?.credential(), SystemClock.now(), &self.nonce());
        parameters.extend(added);
        let headers = pairs([("host", &to.to_string()), ("user-agent", "tegata-bench")]);
        build("GET", &format!("/?{}", form::encode(&parameters)), headers, Bytes::new())
    }

    fn object(&self, method: &str, key: &str, to: SocketAddr, body: Bytes) -> Result<Request<Full<Bytes>>, String> {
        let address = ObjectAddress::Object { bucket: "photos".to_owned(), key: key.to_owned() };
        let mut headers = pairs([("host", &to.to_string()), ("user-agent", "tegata-bench")]);
        if method == "PUT" {
            headers.push(("content-type".to_owned(), "application/octet-stream".to_owned()));
        }
        let unsigned = Unsigned { method, address: &address, query: &[], headers: &headers };
        let added = oss_v4::sign(&unsigned, &[], &self.temporary()?.credential(), &self.region, SystemClock.now())
            .map_err(|problem| problem.to_string())?;
        build(method, &form::percent_encode_path(&address.resource()), [headers, added].concat(), body)
    }
}

fn user(n: usize) -> String {
    format!("bench-{}", n % USERS)
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn build(method: &str, target: &str, headers: Vec<(String, String)>, body: Bytes) -> Result<Request<Full<Bytes>>, String> {
    let request =
        headers.into_iter().fold(Request::builder().method(method).uri(target), |request, (name, value)| request.header(name, value));
    request.body(Full::new(body)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_has_a_name_of_its_own() {
        for work in Work::ALL {
            assert_eq!(work.to_string().parse(), Ok(work));
        }
        assert_eq!(Work::Put(4 << 10).to_string(), "put-4k");
        assert!("get-3".parse::<Work>().is_err());
    }

    #[test]
    fn nonces_and_signatures_are_fresh() {
        let asker = Asker::made_up().unwrap();
        let to = SocketAddr::from(([127, 0, 0, 1], 1));
        let one = |work| format!("{:?}", asker.request(work, 0, to, &Bytes::new()).unwrap());
        for work in [Work::AssumeRoleAcs3, Work::Identity] {
            assert_ne!(one(work), one(work), "{work}");
        }
    }
}
