//! Whole requests through the routers of both listeners, in process: whatever is sent, the answer is one of the protocol.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tegata_core::{
    limits::Limits,
    sam::NewAuthKey,
    testing::{Broken, TestCore, TestKey},
};
use tegata_dialects::{GatewaySettings, IssuerSettings, Peer};
use tegata_model::{SecretKey, Timestamp};
use tegata_sign::{Addressing, ObjectAddress, acs_rpc, form, oss::Unsigned, oss_v4};
use tokio::runtime::Runtime;

use crate::{
    corpus::Vectors,
    deep,
    wire::{Pairs, Wire, without},
};

const ENDPOINT: &str = "oss.tegata.test";
/// An auth key of the owner.
const AUTH_KEY: (&str, &str) = ("keyId-fuzz", "secret-fuzz");
const REGION: &str = "cn-hangzhou";

/// Both routers on one core, with the key of somebody who may do everything in the account.
struct Setting {
    runtime: Runtime,
    core: TestCore,
    issuer: Router,
    gateway: Router,
    key: TestKey,
    /// Somebody who may only assume one role.
    assumer: TestKey,
}

fn setting() -> &'static Setting {
    static SETTING: OnceLock<Setting> = OnceLock::new();
    #[expect(clippy::panic, reason = "without a core there is nothing to be tried, and nobody else to be told")]
    SETTING.get_or_init(|| make().unwrap_or_else(|error| panic!("the core could not be set up: {error}")))
}

fn make() -> Result<Setting, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (core, shared) = runtime.block_on(async {
        let core = TestCore::new().await?;
        let key = NewAuthKey { key_id: AUTH_KEY.0.to_owned(), secret: SecretKey::new(AUTH_KEY.1.to_owned()) };
        let mut work = core.provision();
        work.auth_key(&core.acme, core.acme.root, &key)?;
        work.commit().await?;
        let shared = Arc::new(TestCore::node(&core.store, Arc::clone(&core.clock), 2, Limits::default()).await?);
        Ok::<_, Broken>((core, shared))
    })?;
    let issuer = IssuerSettings {
        public_url: "http://tegata.test".to_owned(),
        other_urls: Vec::new(),
        trusted_proxies: Vec::new(),
        page_hosts: Vec::new(),
    };
    let addressing = Addressing { suffixes: vec![ENDPOINT.to_owned()], cnames: Vec::new(), region: REGION.to_owned() };
    let gateway = GatewaySettings { addressing, public_host: ENDPOINT.to_owned(), trusted_proxies: Vec::new() };
    Ok(Setting {
        issuer: tegata_dialects::issuer(Arc::clone(&shared), issuer),
        gateway: tegata_dialects::gateway(shared, gateway),
        key: core.key("alice")?,
        assumer: core.key("appserver")?,
        core,
        runtime,
    })
}

impl Setting {
    fn now(&self) -> Timestamp {
        self.core.now()
    }

    /// Sends one request and reads the whole answer. What hyper would not let in is not sent.
    fn send(&self, router: &Router, method: &str, target: &str, headers: &[(String, String)], body: Vec<u8>) {
        let (Ok(method), Ok(uri)) = (Method::from_bytes(method.as_bytes()), target.parse::<Uri>()) else { return };
        let peer = Peer { address: SocketAddr::from(([192, 0, 2, 7], 4711)), tls: false };
        let request = headers
            .iter()
            .fold(Request::builder().method(method), |request, (name, value)| request.header(name, value))
            .uri(uri)
            .extension(peer)
            .body(Body::from(body));
        let Ok(request) = request else { return };
        let (status, answer) = self.runtime.block_on(async {
            let answer = TowerToHyperService::new(router.clone()).call(request).await;
            match answer {
                Ok(answer) => (Some(answer.status()), answer.into_body().collect().await.map(http_body_util::Collected::to_bytes)),
                Err(never) => match never {},
            }
        });
        let answer = answer.unwrap_or_else(|_| Bytes::new());
        let Some(status) = status else { return };
        // 501 is this wire's word for what a server does not offer.
        assert!(!status.is_server_error() || status.as_u16() == 501, "{status}: {}", String::from_utf8_lossy(&answer));
        for secret in [&self.key.secret, &self.assumer.secret] {
            let secret = secret.expose().as_bytes();
            assert!(!answer.windows(secret.len()).any(|part| part == secret), "an answer shows a secret");
        }
        if status.is_success() {
            deep();
        }
    }
}

fn target(path: &str, query: &[(String, String)]) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", form::encode(query)) }
}

/// The issuer: as it came, and with the same parameters signed afresh, so that the operations' own readers are reached.
pub fn issuer(input: &[u8]) {
    static NONCE: AtomicU64 = AtomicU64::new(0);
    let Some(wire) = Wire::read(input) else { return };
    let setting = setting();
    setting.send(&setting.issuer, &wire.method, &target(&wire.path, &wire.query), &wire.headers, wire.body.clone());
    let reserved = |name: &str| {
        let ours = [
            "AccessKeyId",
            "Signature",
            "SignatureMethod",
            "SignatureNonce",
            "SignatureVersion",
            "SignatureType",
            "SecurityToken",
            "Timestamp",
        ];
        name.is_empty() || ours.contains(&name)
    };
    let mut parameters = without(&[wire.query.clone(), wire.form.clone()].concat(), reserved);
    // Requests by ACS3 name their operation in headers.
    for (header, name) in [("x-acs-action", "Action"), ("x-acs-version", "Version")] {
        let value = wire.headers.iter().find(|(known, _)| known == header).map(|(_, value)| value.clone());
        if let Some(value) = value.filter(|_| !parameters.iter().any(|(known, _)| known == name)) {
            parameters.push((name.to_owned(), value));
        }
    }
    let nonce = NONCE.fetch_add(1, Ordering::Relaxed).to_string();
    let added = acs_rpc::sign("POST", &parameters, &setting.assumer.credential(), setting.now(), &nonce);
    let body = form::encode(&[parameters, added].concat()).into_bytes();
    let headers = pairs([("host", "sts.tegata.test"), ("content-type", "application/x-www-form-urlencoded")]);
    setting.send(&setting.issuer, "POST", "/", &headers, body);
}

/// The operator API: the bytes as the body of everything that needs no session, as its command line would send it.
pub fn soracom(input: &[u8]) {
    let setting = setting();
    let headers = pairs([("x-soracom-lang", "ja"), ("user-agent", "soracom-cli/1.7.0")]);
    let open = tegata_dialects::soracom::catalogue().filter(|spec| spec.open);
    for spec in open {
        setting.send(&setting.issuer, spec.method.name(), &format!("/v1{}?", spec.path), &headers, input.to_vec());
    }
}

/// The object gateway: as it came, and the same request signed afresh.
pub fn gateway(input: &[u8]) {
    let Some(wire) = Wire::read(input) else { return };
    let setting = setting();
    setting.send(&setting.gateway, &wire.method, &target(&wire.path, &wire.query), &wire.headers, wire.body.clone());
    let dropped = |name: &str| {
        let ours = ["authorization", "host", "date", "x-oss-date", "x-oss-content-sha256", "x-oss-security-token", "security-token"];
        ours.contains(&name)
    };
    let headers = without(&wire.headers, dropped);
    let query = without(&wire.query, |name| {
        name.is_empty() || name.starts_with("x-oss-") || matches!(name, "OSSAccessKeyId" | "Signature" | "Expires" | "security-token")
    });
    sign_and_send(setting, &wire.method, &wire.path, &query, headers, wire.body);
}

/// The XML body of a request that reads one.
pub fn xml(input: &[u8]) {
    let setting = setting();
    sign_and_send(setting, "PUT", "/photos", &[], Vec::new(), input.to_vec());
}

fn sign_and_send(setting: &Setting, method: &str, path: &str, query: &[(String, String)], headers: Pairs, body: Vec<u8>) {
    let Ok(plain) = form::percent_decode(path.strip_prefix('/').unwrap_or(path)) else { return };
    let address = match plain.split_once('/') {
        None if plain.is_empty() => ObjectAddress::Service,
        None | Some((_, "")) => ObjectAddress::Bucket(plain.trim_end_matches('/').to_owned()),
        // Most recorded requests are about a bucket that does not exist here.
        Some((_, key)) => ObjectAddress::Object { bucket: "photos".to_owned(), key: key.to_owned() },
    };
    let headers = [pairs([("host", ENDPOINT)]), headers].concat();
    let unsigned = Unsigned { method, address: &address, query, headers: &headers };
    let Ok(added) = oss_v4::sign(&unsigned, &[], &setting.key.credential(), REGION, setting.now()) else { return };
    let path = form::percent_encode_path(&address.resource());
    setting.send(&setting.gateway, method, &target(&path, query), &[headers, added].concat(), body);
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Pairs {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Calls to begin with: the recorded ones, and one of each operation that this server has.
pub fn calls(vectors: &Vectors) -> Vec<Vec<u8>> {
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"acs:oss:*:*:photos/a/*"}]}"#;
    let assume = form::encode(&pairs([
        ("Action", "AssumeRole"),
        ("Version", "2015-04-01"),
        ("RoleArn", "acs:ram::1000000000000001:role/app-uploader"),
        ("RoleSessionName", "fuzz"),
        ("DurationSeconds", "900"),
        ("Policy", policy),
        ("ExternalId", "abc"),
        ("SourceIdentity", "me"),
        ("Format", "JSON"),
    ]));
    let own =
        [format!("GET /?{assume}\nhost: sts.tegata.test\n\n"), "GET /?Action=GetCallerIdentity&Version=2015-04-01\nhost: a\n\n".to_owned()];
    own.into_iter().map(String::into_bytes).chain(vectors.rpc()).chain(vectors.acs3()).collect()
}

/// Bodies of sign-ins to begin with; one of them is right.
pub fn sign_ins() -> Vec<Vec<u8>> {
    [
        format!(r#"{{"authKeyId":"{}","authKey":"{}","mfaOTPCode":"123456","tokenTimeoutSeconds":600}}"#, AUTH_KEY.0, AUTH_KEY.1),
        r#"{"email":"root@acme.test","password":"pw","mfaOTPCode":"123456","token":"x","backupCode":"AAAAAAAA"}"#.to_owned(),
        r#"{"operatorId":"OP0000000001","userName":"bob","password":"pw"}"#.to_owned(),
        "{}".to_owned(),
        r#"{"email":"a","email":"b"}"#.to_owned(),
    ]
    .map(String::into_bytes)
    .into()
}

/// The recorded calls of both versions, and one of each operation that this server has.
pub fn object_calls(vectors: &Vectors) -> Vec<Vec<u8>> {
    let own = [
        "PUT /photos/a.txt\ncontent-type: text/plain\nx-oss-meta-a: b\ncontent-md5: XUFAKrxLKna5cZ2REBfFkg==\n\nhello",
        "GET /photos/a.txt\nrange: bytes=1-2\nif-none-match: \"x\"\n\n",
        "HEAD /photos/a.txt\nif-modified-since: Fri, 02 Jan 2026 03:04:05 GMT\n\n",
        "DELETE /photos/a.txt\n\n\n",
        "GET /photos?prefix=a&delimiter=/&max-keys=3&marker=a&encoding-type=url\n\n\n",
        "GET /photos?list-type=2&prefix=a&continuation-token=YQ&start-after=a&fetch-owner=true\n\n\n",
        "GET /photos?bucketInfo\n\n\n",
        "GET /?prefix=p&max-keys=2\n\n\n",
        "PUT /other-bucket\nx-oss-acl: private\n\n<CreateBucketConfiguration><StorageClass>Standard</StorageClass></CreateBucketConfiguration>",
        "DELETE /other-bucket\n\n\n",
    ];
    own.iter().map(|text| text.as_bytes().to_vec()).chain(vectors.oss_v1()).chain(vectors.oss_v4()).collect()
}

/// Bodies in XML to begin with.
pub fn documents() -> Vec<Vec<u8>> {
    [
        "<CreateBucketConfiguration><StorageClass>Standard</StorageClass></CreateBucketConfiguration>",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CreateBucketConfiguration xmlns=\"http://doc.oss-cn-hangzhou.aliyuncs.com\"><DataRedundancyType>LRS</DataRedundancyType></CreateBucketConfiguration>",
        "<CreateBucketConfiguration/>",
        "",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
