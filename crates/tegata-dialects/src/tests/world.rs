//! A server in process with the sample principals, and clients that sign for it.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{Router, body::Body};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
pub(crate) use tegata_core::testing::TestKey;
use tegata_core::{Addressing, Core, limits::Limits, testing::TestCore};
use tegata_model::{AccessKeyId, SecretKey};
use tegata_sign::{ObjectAddress, acs_rpc, acs3, form, oss, oss_v1, oss_v4};
use tower::ServiceExt as _;

use crate::{GatewaySettings, IssuerSettings, Outcome, Peer};

pub(crate) const ROLE: &str = "acs:ram::1000000000000001:role/app-uploader";
/// Allows everything below `alice/` in the bucket, and listing it.
pub(crate) const ALICE_ONLY: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject","oss:GetObject","oss:DeleteObject"],"Resource":"acs:oss:*:*:photos/alice/*"},{"Effect":"Allow","Action":"oss:ListObjects","Resource":"acs:oss:*:*:photos"}]}"#;

pub(crate) type Pairs = Vec<(String, String)>;

pub(crate) fn pairs<const N: usize>(list: [(&str, &str); N]) -> Pairs {
    list.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// The three ways to sign an object request that tests choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    V1,
    V4,
    Nothing,
}

pub(crate) struct World {
    pub(crate) test: TestCore,
    pub(crate) issuer: Router,
    pub(crate) gateway: Router,
    counter: AtomicU64,
}

/// A reply that has been read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) outcome: Option<Outcome>,
}

/// An object request before it is signed.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    /// Path style, as it goes over the wire.
    pub(crate) path: &'a str,
    pub(crate) query: Pairs,
    pub(crate) headers: Pairs,
    pub(crate) body: &'a [u8],
}

pub(crate) fn ask<'a>(method: &'a str, path: &'a str) -> Ask<'a> {
    Ask { method, path, query: Vec::new(), headers: Vec::new(), body: b"" }
}

impl<'a> Ask<'a> {
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }

    /// What it names, for the signer.
    pub(crate) fn address(&self) -> ObjectAddress {
        let path = form::percent_decode(self.path.trim_start_matches('/')).unwrap_or_default();
        match path.split_once('/') {
            None if path.is_empty() => ObjectAddress::Service,
            None => ObjectAddress::Bucket(path),
            Some((bucket, "")) => ObjectAddress::Bucket(bucket.to_owned()),
            Some((bucket, key)) => ObjectAddress::Object { bucket: bucket.to_owned(), key: key.to_owned() },
        }
    }

    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() { self.path.to_owned() } else { format!("{}?{}", self.path, form::encode(&self.query)) }
    }

    pub(crate) fn request(&self) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(self.target());
        if !self.headers.iter().any(|(name, _)| name == "host") {
            request = request.header("host", "127.0.0.1:8421");
        }
        let sized = self.headers.iter().any(|(name, _)| name == "content-length" || name == "transfer-encoding");
        if self.method == "PUT" && !sized {
            request = request.header("content-length", self.body.len());
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Body::from(self.body.to_vec())).unwrap()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let test = TestCore::new().await.unwrap();
        let mailer: Arc<dyn tegata_core::mail::Mailer> = Arc::<tegata_core::testing::TestMailer>::clone(&test.mailer);
        let (clock, outbound) = (Arc::clone(&test.clock), Arc::clone(&test.outbound));
        let core = Arc::new(TestCore::node_of(&test.store, clock, 2, Limits::default(), outbound, Some(mailer)).await.unwrap());
        let (issuer, gateway) = routers(&core);
        Self { test, issuer, gateway, counter: AtomicU64::new(0) }
    }

    /// The issuer on one more node of the same server.
    pub(crate) async fn other_node(&self) -> Router {
        let outbound = Arc::clone(&self.test.outbound);
        let node = TestCore::node_with(&self.test.store, Arc::clone(&self.test.clock), 3, Limits::default(), outbound).await.unwrap();
        routers(&Arc::new(node)).0
    }

    pub(crate) fn key(&self, user: &str) -> TestKey {
        self.test.key(user).unwrap()
    }

    pub(crate) fn nonce(&self) -> String {
        format!("nonce-{}", self.counter.fetch_add(1, Ordering::SeqCst))
    }

    pub(crate) async fn issuer(&self, request: Request<Body>) -> Answer {
        send(&self.issuer, request).await
    }

    pub(crate) async fn gateway(&self, request: Request<Body>) -> Answer {
        send(&self.gateway, request).await
    }

    /// An RPC request, everything in the query.
    pub(crate) fn rpc(&self, key: &TestKey, parameters: Pairs) -> Request<Body> {
        let query = self.rpc_query(key, parameters);
        Request::post(format!("/?{}", form::encode(&query))).header("host", "127.0.0.1:8420").body(Body::empty()).unwrap()
    }

    pub(crate) fn rpc_query(&self, key: &TestKey, mut parameters: Pairs) -> Pairs {
        let added = acs_rpc::sign("POST", &parameters, &key.credential(), self.test.now(), &self.nonce());
        parameters.extend(added);
        parameters
    }

    /// An ACS3 request whose parameters are a form.
    pub(crate) fn acs3(&self, key: &TestKey, action: &str, parameters: &Pairs) -> Request<Body> {
        self.acs3_of("2015-04-01", key, action, parameters)
    }

    /// The same for another version.
    pub(crate) fn acs3_of(&self, version: &str, key: &TestKey, action: &str, parameters: &Pairs) -> Request<Body> {
        self.acs3_for("127.0.0.1:8420", version, key, action, parameters)
    }

    /// The same for another host.
    pub(crate) fn acs3_for(&self, host: &str, version: &str, key: &TestKey, action: &str, parameters: &Pairs) -> Request<Body> {
        let body = form::encode(parameters);
        let headers = pairs([("host", host), ("content-type", "application/x-www-form-urlencoded")]);
        let body_sha256 = digest(&SHA256, body.as_bytes()).as_ref().try_into().unwrap();
        let unsigned = acs3::Unsigned { method: "POST", path: "/", query: &[], headers: &headers, action, version, body_sha256 };
        let mut request = Request::post("/");
        for (name, value) in headers.iter().chain(&acs3::sign(&unsigned, &key.credential(), self.test.now(), &self.nonce())) {
            request = request.header(name, value);
        }
        request.body(Body::from(body)).unwrap()
    }

    /// An object request, signed in its header.
    pub(crate) async fn oss(&self, key: &TestKey, by: By, mut ask: Ask<'_>) -> Answer {
        let (address, credential, now) = (ask.address(), key.credential(), self.test.now());
        let unsigned = oss::Unsigned { method: ask.method, address: &address, query: &ask.query, headers: &ask.headers };
        let added = match by {
            By::V1 => oss_v1::sign(&unsigned, &credential, now).unwrap(),
            By::V4 => oss_v4::sign(&unsigned, &[], &credential, "cn-hangzhou", now).unwrap(),
            By::Nothing => Vec::new(),
        };
        ask.headers.extend(added);
        self.gateway(ask.request()).await
    }

    /// A URL for an object request: what it names, with everything signed in the query.
    pub(crate) fn presigned<'a>(&self, key: &TestKey, by: By, mut ask: Ask<'a>, lifetime: Duration) -> Ask<'a> {
        let (address, credential, now) = (ask.address(), key.credential(), self.test.now());
        let unsigned = oss::Unsigned { method: ask.method, address: &address, query: &ask.query, headers: &ask.headers };
        let added = match by {
            By::V1 => oss_v1::presign(&unsigned, &credential, now.plus(lifetime)).unwrap(),
            By::V4 => oss_v4::presign(&unsigned, &[], &credential, "cn-hangzhou", now, lifetime).unwrap(),
            By::Nothing => Vec::new(),
        };
        ask.query.extend(added);
        ask
    }

    /// A temporary key of `app-uploader`, as `appserver` gets it.
    pub(crate) async fn uploader(&self, policy: Option<&str>) -> TestKey {
        let mut parameters = assume_role("uploader");
        parameters.extend(policy.map(|policy| ("Policy".to_owned(), policy.to_owned())));
        let answer = self.issuer(self.rpc(&self.key("appserver"), parameters)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let text = |name: &str| json["Credentials"][name].as_str().unwrap().to_owned();
        TestKey {
            key_id: AccessKeyId::new(&text("AccessKeyId")).unwrap(),
            secret: SecretKey::new(text("AccessKeySecret")),
            token: Some(SecretKey::new(text("SecurityToken"))),
        }
    }
}

pub(crate) fn assume_role(session: &str) -> Pairs {
    pairs([("Action", "AssumeRole"), ("Version", "2015-04-01"), ("Format", "JSON"), ("RoleArn", ROLE), ("RoleSessionName", session)])
}

pub(crate) fn who_am_i() -> Pairs {
    pairs([("Action", "GetCallerIdentity"), ("Version", "2015-04-01")])
}

fn routers(core: &Arc<Core>) -> (Router, Router) {
    let issuer = IssuerSettings {
        public_url: "http://tegata.test:8420".to_owned(),
        other_urls: vec!["https://tegata.test:8443".to_owned()],
        trusted_proxies: Vec::new(),
        page_hosts: Vec::new(),
    };
    let addressing = Addressing {
        suffixes: vec!["oss.tegata.test".to_owned(), "localhost".to_owned()],
        cnames: vec![("pictures.example.com".to_owned(), "photos".to_owned())],
        region: "cn-hangzhou".to_owned(),
    };
    let gateway = GatewaySettings { addressing, public_host: "oss.tegata.test".to_owned(), trusted_proxies: Vec::new() };
    (crate::issuer(Arc::clone(core), issuer), crate::gateway(Arc::clone(core), gateway))
}

pub(crate) async fn send(router: &Router, mut request: Request<Body>) -> Answer {
    request.extensions_mut().insert(Peer { address: ([192, 0, 2, 7], 4711).into(), tls: false });
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    assert!(parts.headers.get("set-cookie").is_none());
    Answer { status: parts.status, headers: parts.headers, body, outcome: parts.extensions.get::<Outcome>().cloned() }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn code(&self) -> &str {
        self.outcome.as_ref().map_or("", |outcome| &outcome.code)
    }

    /// Status, code and, for object replies, the fine-grained code.
    pub(crate) fn brief(&self) -> String {
        format!("{} {} {}", self.status.as_u16(), self.code(), self.header("x-oss-ec")).trim_end().to_owned()
    }

    /// The whole reply, with what is random replaced.
    pub(crate) fn whole(&self) -> String {
        let mut out = format!("{}\n", self.status);
        let mut lines: Vec<_> =
            self.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))).collect();
        lines.sort();
        for line in lines {
            let _ = writeln!(out, "{line}");
        }
        let outcome = self.outcome.as_ref().map(|o| format!("{} {} {} {}", o.dialect, o.operation, o.decision, o.code)).unwrap_or_default();
        let _ = writeln!(out, "({outcome})\n\n{}", self.text());
        for id in [self.header("x-acs-request-id"), self.header("x-oss-request-id")] {
            if !id.is_empty() {
                out = out.replace(id, "REQUEST-ID");
            }
        }
        numbers_hidden(&message_hidden(&out))
    }
}

/// Replaces the sealed message of a refusal, in JSON and XML.
fn message_hidden(text: &str) -> String {
    for (begin, end) in [("\"EncodedDiagnosticMessage\":\"", '"'), ("<EncodedDiagnosticMessage>", '<')] {
        if let Some((before, rest)) = text.split_once(begin) {
            let after = rest.find(end).and_then(|at| rest.get(at..)).unwrap_or_default();
            return format!("{before}{begin}MESSAGE{after}");
        }
    }
    text.to_owned()
}

/// Replaces numbers of 18 digits, which are drawn when a principal is made.
fn numbers_hidden(text: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        out.push_str(if digits.len() == 18 { "NUMBER" } else { &digits });
        digits.clear();
        out.extend((c != '\0').then_some(c));
    }
    out
}
