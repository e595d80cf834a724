//! Become a role, ask who one is. Signed with ACS3, answered in JSON.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::{SecureRandom as _, SystemRandom},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tegata_model::{SecretKey, Timestamp};
use tegata_sign::{acs3, form};

use crate::{ClientError, Credential, Refusal, Reply, Transport, transport::place};

const VERSION: &str = "2015-04-01";

/// The session service of one server.
#[derive(Debug, Clone)]
pub struct Sts {
    transport: Transport,
    endpoint: String,
}

/// What to ask for when becoming a role.
#[derive(Debug, Clone, Default)]
pub struct AssumeRole<'a> {
    /// The role's resource name.
    pub role_arn: &'a str,
    /// What to call the session.
    pub session_name: &'a str,
    /// How long it shall live; the server decides if nothing is said.
    pub lifetime: Option<Duration>,
    /// A policy that narrows the role.
    pub policy: Option<&'a str>,
    /// What the role's owner asks of strangers.
    pub external_id: Option<&'a str>,
}

/// Who a credential is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CallerIdentity {
    /// The kind of identity.
    pub identity_type: String,
    /// The account's number.
    pub account_id: String,
    /// Its resource name.
    pub arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRole {
    credentials: Triple,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Triple {
    access_key_id: String,
    access_key_secret: String,
    security_token: String,
    expiration: String,
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

impl Sts {
    /// The service at `endpoint`, a URL without path such as `http://127.0.0.1:8420`.
    pub fn new(transport: Transport, endpoint: &str) -> Self {
        Self { transport, endpoint: endpoint.trim_end_matches('/').to_owned() }
    }

    /// Becomes a role.
    pub async fn assume_role(&self, credential: &Credential, input: &AssumeRole<'_>, now: Timestamp) -> Result<Credential, ClientError> {
        let mut query =
            vec![("RoleArn".to_owned(), input.role_arn.to_owned()), ("RoleSessionName".to_owned(), input.session_name.to_owned())];
        query.extend(input.lifetime.map(|lifetime| ("DurationSeconds".to_owned(), lifetime.as_secs().to_string())));
        query.extend(input.policy.map(|policy| ("Policy".to_owned(), policy.to_owned())));
        query.extend(input.external_id.map(|id| ("ExternalId".to_owned(), id.to_owned())));
        let answer: AssumedRole = self.call(credential, "AssumeRole", &query, now).await?;
        let Triple { access_key_id, access_key_secret, security_token, expiration } = answer.credentials;
        let unreadable = |cause: String| ClientError::Answer { url: self.endpoint.clone(), cause };
        Ok(Credential {
            access_key_id: access_key_id.parse().map_err(|error: tegata_model::NameError| unreadable(error.to_string()))?,
            secret: Arc::new(SecretKey::new(access_key_secret)),
            security_token: Some(Arc::new(SecretKey::new(security_token))),
            expires_at: Some(Timestamp::parse_iso(&expiration).ok_or_else(|| unreadable(format!("`{expiration}` is no expiry")))?),
        })
    }

    /// Asks who a credential is.
    pub async fn caller_identity(&self, credential: &Credential, now: Timestamp) -> Result<CallerIdentity, ClientError> {
        self.call(credential, "GetCallerIdentity", &[], now).await
    }

    async fn call<T: for<'de> Deserialize<'de>>(
        &self,
        credential: &Credential,
        action: &str,
        query: &[(String, String)],
        now: Timestamp,
    ) -> Result<T, ClientError> {
        let url = format!("{}/?{}", self.endpoint, form::encode(query));
        let host = host(&self.endpoint)?;
        let nonce = nonce()?;
        let mut headers = vec![("host".to_owned(), host), ("accept".to_owned(), "application/json".to_owned())];
        let unsigned =
            acs3::Unsigned { method: "POST", path: "/", query, headers: &headers, action, version: VERSION, body_sha256: empty_hash() };
        let signed = acs3::sign(&unsigned, &credential.signing(), now, &nonce);
        headers.extend(signed);
        let reply = self.transport.send("POST", &url, &headers, Bytes::new()).await?;
        read(&url, &reply)
    }

    /// Sends a request exactly as given: for those who want to see what a wrong one gets.
    pub async fn raw(&self, method: &str, query: &[(String, String)]) -> Result<serde_json::Value, ClientError> {
        let url = format!("{}/?{}", self.endpoint, form::encode(query));
        let reply = self.transport.send(method, &url, &[], Bytes::new()).await?;
        read(&url, &reply)
    }
}

fn read<T: for<'de> Deserialize<'de>>(url: &str, reply: &Reply) -> Result<T, ClientError> {
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

fn empty_hash() -> [u8; 32] {
    digest(&SHA256, b"").as_ref().try_into().unwrap_or_default()
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
