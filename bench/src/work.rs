//! The works that are measured: how each request of one is made and signed.

use std::{
    fmt,
    net::SocketAddr,
    str::FromStr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
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

/// How many chains of refresh tokens go on side by side.
pub(crate) const CHAINS: usize = 128;
/// How many users sign in by password side by side: as many as one address may have waiting, and not more.
pub(crate) const LOGINS: usize = 16;
/// What these users sign in with.
pub(crate) const PASSWORD: &str = "bench-Example-Password-1";

/// What no server gets past with some works, and what is therefore measured beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// RSA signatures.
    Signatures,
    /// Hashes of passwords.
    Passwords,
}

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
    /// The next tokens for a refresh token, each connection its own chain.
    Refresh,
    /// A session by auth key, at the operator API.
    SamAuth,
    /// What the operator is called, asked in a session.
    SamCall,
    /// A session by password, each connection its own user.
    SamLogin,
    /// A token of an organisation's app for itself.
    CspToken,
    /// What the organisation is called, asked with such a token.
    CspApi,
    /// GetObject of this many bytes, OSS V4 with a temporary key.
    Get(usize),
    /// PutObject of this many bytes, likewise, each connection over its own object.
    Put(usize),
}

impl Work {
    /// All that `all` measures.
    pub(crate) const ALL: [Self; 17] = [
        Self::AssumeRoleAcs3,
        Self::AssumeRoleRpc,
        Self::Identity,
        Self::RamRead,
        Self::RamWrite,
        Self::ClientCredentials,
        Self::Introspect,
        Self::Refresh,
        Self::SamAuth,
        Self::SamCall,
        Self::CspApi,
        Self::CspToken,
        Self::SamLogin,
        Self::Get(1 << 20),
        Self::Put(1 << 20),
        Self::Get(4 << 10),
        Self::Put(4 << 10),
    ];

    /// True if it goes to the object gateway.
    pub(crate) fn is_object(self) -> bool {
        matches!(self, Self::Get(_) | Self::Put(_))
    }

    /// What holds it back at the latest, where that is not what a request costs: it is measured against that instead of the floor.
    pub(crate) fn bound(self) -> Option<Bound> {
        match self {
            Self::CspToken => Some(Bound::Signatures),
            Self::SamLogin => Some(Bound::Passwords),
            _ => None,
        }
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
            | Self::Introspect
            | Self::SamAuth
            | Self::SamCall
            | Self::CspToken
            | Self::CspApi => 128,
            Self::Refresh => CHAINS,
            Self::SamLogin => LOGINS,
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
            Self::Refresh => return f.write_str("refresh"),
            Self::SamAuth => return f.write_str("sam-auth"),
            Self::SamCall => return f.write_str("sam-call"),
            Self::SamLogin => return f.write_str("login-storm"),
            Self::CspToken => return f.write_str("csp-token"),
            Self::CspApi => return f.write_str("csp-api"),
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

/// An operator, and what is shown in its name.
pub(crate) struct Operator {
    /// Its id.
    pub(crate) id: String,
    /// The id and secret of an auth key.
    pub(crate) auth_key: (String, SecretKey),
    /// The API key and the token of a session.
    pub(crate) pair: (String, SecretKey),
}

/// An app of an organisation.
pub(crate) struct App {
    /// The organisation.
    pub(crate) org: String,
    /// Its id and secret.
    pub(crate) client: (String, SecretKey),
    /// A token of it.
    pub(crate) token: SecretKey,
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
    /// The newest refresh token of each chain.
    pub(crate) chains: Vec<Mutex<String>>,
    /// An operator, an auth key of it, and a session by it.
    pub(crate) operator: Option<Operator>,
    /// An app of an organisation, and a token of it.
    pub(crate) app: Option<App>,
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
            chains: Vec::new(),
            operator: None,
            app: None,
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
            Work::Refresh => {
                let chain = self.chains.get(connection % CHAINS).ok_or("there is no refresh token yet")?;
                let token = chain.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // Narrowed: the client has to hold `openid`, and an ID token would be one more signature, by RSA.
                let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), ("scope", "profile")];
                self.of_client("/oauth/token", &fields, to)
            }
            Work::SamAuth => {
                let (id, key) = &self.operator()?.auth_key;
                sam_auth(to, &json!({ "authKeyId": id, "authKey": key.expose() }))
            }
            Work::SamLogin => {
                let (operator, name) = (&self.operator()?.id, login(connection));
                sam_auth(to, &json!({ "operatorId": operator, "userName": name, "password": PASSWORD }))
            }
            Work::SamCall => {
                let operator = self.operator()?;
                let shown = [("x-soracom-api-key", operator.pair.0.as_str()), ("x-soracom-token", operator.pair.1.expose())];
                build("GET", &format!("/v1/operators/{}", operator.id), headers(to, shown), Bytes::new())
            }
            Work::CspToken => {
                let app = self.app()?;
                self.by_client(&app.client, "/csp/gateway/am/api/auth/authorize", &[("grant_type", "client_credentials")], to)
            }
            Work::CspApi => {
                let app = self.app()?;
                let shown = [("csp-auth-token", app.token.expose())];
                build("GET", &format!("/csp/gateway/am/api/orgs/{}", app.org), headers(to, shown), Bytes::new())
            }
            Work::Get(size) => self.object("GET", &format!("bench/get-{size}-{}", connection % OBJECTS), to, Bytes::new()),
            Work::Put(size) => self.object("PUT", &format!("bench/put-{size}-{connection}"), to, payload.clone()),
        }
    }

    /// Whether the answer to a request says what the next one has to show.
    pub(crate) fn learns(work: Work) -> bool {
        work == Work::Refresh
    }

    /// Takes what the next request has to show from an answer. That of a floor says nothing, and everything stays as it was.
    pub(crate) fn learn(&self, connection: usize, answer: &[u8]) {
        const NAME: &[u8] = br#""refresh_token":""#;
        let Some(at) = answer.windows(NAME.len()).position(|window| window == NAME) else { return };
        let token = answer.get(at + NAME.len()..).and_then(|rest| rest.split(|byte| *byte == b'"').next()).unwrap_or_default();
        if let (Ok(token), Some(chain)) = (std::str::from_utf8(token), self.chains.get(connection % CHAINS)) {
            token.clone_into(&mut chain.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn operator(&self) -> Result<&Operator, String> {
        self.operator.as_ref().ok_or_else(|| "there is no session of an operator yet".to_owned())
    }

    fn app(&self) -> Result<&App, String> {
        self.app.as_ref().ok_or_else(|| "there is no app of an organisation yet".to_owned())
    }

    /// Makes the n-th user that [`Work::SamLogin`] names, and gives it its password.
    pub(crate) fn make_login(&self, n: usize, to: SocketAddr) -> Result<[Request<Full<Bytes>>; 2], String> {
        let name = login(n);
        let password = [("UserName", name.as_str()), ("Password", PASSWORD)];
        Ok([self.administer("CreateUser", &[("UserName", &name)], to)?, self.administer("CreateLoginProfile", &password, to)?])
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
        self.administer_by(RAM_VERSION, action, rest, to)
    }

    /// A request by the administrator to an interface of this version.
    pub(crate) fn administer_by(
        &self,
        version: &str,
        action: &str,
        rest: &[(&str, &str)],
        to: SocketAddr,
    ) -> Result<Request<Full<Bytes>>, String> {
        let key = self.administrator.as_ref().unwrap_or(&self.key);
        let mut parameters = pairs([("Action", action), ("Version", version), ("Format", "JSON")]);
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

    /// A form of the client.
    pub(crate) fn of_client(&self, path: &str, fields: &[(&str, &str)], to: SocketAddr) -> Result<Request<Full<Bytes>>, String> {
        self.by_client(self.client.as_ref().ok_or("there is no client")?, path, fields, to)
    }

    /// A form of this client.
    #[expect(clippy::unused_self, reason = "stands beside its siblings")]
    pub(crate) fn by_client(
        &self,
        (id, secret): &(String, SecretKey),
        path: &str,
        fields: &[(&str, &str)],
        to: SocketAddr,
    ) -> Result<Request<Full<Bytes>>, String> {
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

    /// What no other run is called.
    pub(crate) fn run(&self) -> &str {
        &self.run
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

fn login(n: usize) -> String {
    format!("bench-login-{}", n % LOGINS)
}

/// A sign-in at the operator API.
pub(crate) fn sam_auth(to: SocketAddr, shown: &Value) -> Result<Request<Full<Bytes>>, String> {
    build("POST", "/v1/auth", headers(to, [("content-type", "application/json")]), shown.to_string().into())
}

/// The usual headers, and some more.
pub(crate) fn headers<const N: usize>(to: SocketAddr, more: [(&str, &str); N]) -> Vec<(String, String)> {
    let mut headers = pairs([("host", &to.to_string()), ("user-agent", "tegata-bench")]);
    headers.extend(pairs(more));
    headers
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// A request from its parts.
pub(crate) fn build(method: &str, target: &str, headers: Vec<(String, String)>, body: Bytes) -> Result<Request<Full<Bytes>>, String> {
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
    fn a_chain_goes_on_with_what_was_answered() {
        let mut asker = Asker::made_up().unwrap();
        asker.client = Some(("1".to_owned(), SecretKey::new("s".to_owned())));
        asker.chains.push(Mutex::new("one".to_owned()));
        let to = SocketAddr::from(([127, 0, 0, 1], 1));
        let shown = |asker: &Asker| format!("{:?}", asker.request(Work::Refresh, 0, to, &Bytes::new()).unwrap());
        asker.learn(0, b"xxxxxxxx");
        assert!(shown(&asker).contains("refresh_token=one"));
        asker.learn(0, br#"{"access_token":"a","refresh_token":"two","scope":""}"#);
        assert!(shown(&asker).contains("refresh_token=two"));
        assert!(asker.request(Work::SamCall, 0, to, &Bytes::new()).is_err());
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
