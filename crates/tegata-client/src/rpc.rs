//! Calls of the RPC wire: any operation of any of its APIs, by name. Signed with ACS3, answered in JSON.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::{SecureRandom as _, SystemRandom},
};
use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use tegata_model::Timestamp;
use tegata_sign::{acs3, form};

use crate::{ClientError, Credential, Refusal, Reply, Transport, transport::place};

/// One API of this wire: all that tells them apart is their version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api(pub &'static str);

impl Api {
    /// STS 2015-04-01: sessions of roles.
    pub const STS: Self = Self("2015-04-01");
    /// RAM 2015-05-01: users, groups, roles and policies.
    pub const RAM: Self = Self("2015-05-01");
    /// IMS 2019-08-15: the same directory as the newer API has it.
    pub const IMS: Self = Self("2019-08-15");
    /// Our own: what the vendor has no operation for.
    pub const OWN: Self = Self("2026-11-01");
}

/// The RPC wire of one server.
#[derive(Debug, Clone)]
pub struct Rpc {
    transport: Transport,
    endpoint: String,
}

/// A signed call, from both sides.
#[derive(Debug)]
pub struct Probe {
    /// The canonical request as it was signed here. It holds the token of a temporary key.
    pub canonical_request: String,
    /// What came back.
    pub reply: Reply,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    request_id: String,
}

impl Rpc {
    /// The server at `endpoint`, a URL without path such as `http://127.0.0.1:8420`.
    pub fn new(transport: Transport, endpoint: &str) -> Self {
        Self { transport, endpoint: endpoint.trim_end_matches('/').to_owned() }
    }

    /// Where it is.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Calls the operation `action` of `api` and gives its whole answer, [`serde_json::Value`] or a type of the caller's.
    ///
    /// Parameters travel in the body: what they hold stands in no log of URLs. A refusal is [`ClientError::Refused`], with the
    /// code, the message and the id of the request as the server gave them.
    pub async fn call<T: DeserializeOwned>(
        &self,
        credential: &Credential,
        api: Api,
        action: &str,
        parameters: &[(String, String)],
        now: Timestamp,
    ) -> Result<T, ClientError> {
        let body = form::encode(parameters);
        let mut headers = vec![
            ("host".to_owned(), host(&self.endpoint)?),
            ("accept".to_owned(), "application/json".to_owned()),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let body_sha256 = digest(&SHA256, body.as_bytes()).as_ref().try_into().unwrap_or_default();
        let Api(version) = api;
        let unsigned = acs3::Unsigned { method: "POST", path: "/", query: &[], headers: &headers, action, version, body_sha256 };
        let signed = acs3::sign(&unsigned, &credential.signing(), now, &nonce()?);
        headers.extend(signed);
        let url = format!("{}/", self.endpoint);
        let reply = self.transport.send("POST", &url, &headers, Bytes::from(body)).await?;
        read(&url, &reply)
    }

    /// Calls an operation without parameters, and tells what was signed and what came back, whatever it is: for finding out why
    /// the two sides do not understand each other.
    pub async fn probe(&self, credential: &Credential, api: Api, action: &str, now: Timestamp) -> Result<Probe, ClientError> {
        let Api(version) = api;
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned()), ("host".to_owned(), host(&self.endpoint)?)];
        let body_sha256: [u8; 32] = digest(&SHA256, b"").as_ref().try_into().unwrap_or_default();
        let unsigned = acs3::Unsigned { method: "POST", path: "/", query: &[], headers: &headers, action, version, body_sha256 };
        let added = acs3::sign(&unsigned, &credential.signing(), now, &nonce()?);
        let named = |name: &str| added.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).unwrap_or_default();
        let signed = headers.iter().chain(&added).filter(|(name, _)| name != "authorization");
        let mut signed: Vec<_> = signed.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        signed.sort_unstable();
        let canonical_request = acs3::canonical_request("POST", "/", &[], &signed, named("x-acs-content-sha256"));
        headers.extend(added);
        let reply = self.transport.send("POST", &format!("{}/", self.endpoint), &headers, Bytes::new()).await?;
        Ok(Probe { canonical_request, reply })
    }

    /// Calls an operation that proves itself by its parameters and not by a key: the common parameters in the query, the others in
    /// the body, nothing signed.
    pub async fn call_anonymously<T: DeserializeOwned>(
        &self,
        api: Api,
        action: &str,
        parameters: &[(String, String)],
        now: Timestamp,
    ) -> Result<T, ClientError> {
        let Api(version) = api;
        let common = [("Action", action), ("Version", version), ("Format", "JSON"), ("Timestamp", &now.to_iso())];
        let common = common.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = [("accept", "application/json"), ("content-type", "application/x-www-form-urlencoded")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let url = format!("{}/?{}", self.endpoint, form::encode(&common));
        let reply = self.transport.send("POST", &url, &headers, Bytes::from(form::encode(parameters))).await?;
        read(&url, &reply)
    }

    /// Sends an unsigned request exactly as given: for those who want to see what a wrong one gets.
    pub async fn raw(&self, method: &str, query: &[(String, String)]) -> Result<serde_json::Value, ClientError> {
        let url = format!("{}/?{}", self.endpoint, form::encode(query));
        let reply = self.transport.send(method, &url, &[], Bytes::new()).await?;
        read(&url, &reply)
    }
}

fn read<T: DeserializeOwned>(url: &str, reply: &Reply) -> Result<T, ClientError> {
    let unreadable = |error: serde_json::Error| ClientError::Answer { url: place(url), cause: format!("status {}, {error}", reply.status) };
    if reply.status < 400 {
        return serde_json::from_slice(&reply.body).map_err(unreadable);
    }
    let Failure { code, message, request_id } = serde_json::from_slice(&reply.body).map_err(unreadable)?;
    Err(ClientError::Refused(Refusal { status: reply.status, code, message, request_id }))
}

/// The `Host` header of an endpoint.
pub(crate) fn host(endpoint: &str) -> Result<String, ClientError> {
    let uri: http::Uri = endpoint.parse().map_err(|_| ClientError::Request(format!("`{endpoint}` is no URL")))?;
    uri.authority().map(ToString::to_string).ok_or_else(|| ClientError::Request(format!("`{endpoint}` names no host")))
}

/// A fresh nonce of 32 hexadecimal digits.
pub fn nonce() -> Result<String, ClientError> {
    use std::fmt::Write as _;
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| ClientError::Request("the system gave no random bytes".to_owned()))?;
    Ok(bytes.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
