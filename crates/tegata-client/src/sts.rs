//! Become a role, ask who one is.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tegata_model::{SecretKey, Timestamp};

use crate::{ClientError, Credential, Rpc, Transport, rpc::Api};

/// The session service of one server.
#[derive(Debug, Clone)]
pub struct Sts {
    rpc: Rpc,
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

/// What to ask for when becoming a role by what an identity provider says.
#[derive(Clone, Copy)]
pub struct AssumeRoleWithOidc<'a> {
    /// The identity provider's resource name.
    pub provider_arn: &'a str,
    /// Its token.
    pub token: &'a str,
    /// The role's resource name.
    pub role_arn: &'a str,
    /// What to call the session.
    pub session_name: &'a str,
    /// How long it shall live; the server decides if nothing is said.
    pub lifetime: Option<Duration>,
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

impl Sts {
    /// The service at `endpoint`, a URL without path such as `http://127.0.0.1:8420`.
    pub fn new(transport: Transport, endpoint: &str) -> Self {
        Self { rpc: Rpc::new(transport, endpoint) }
    }

    /// Becomes a role.
    pub async fn assume_role(&self, credential: &Credential, input: &AssumeRole<'_>, now: Timestamp) -> Result<Credential, ClientError> {
        let mut parameters =
            vec![("RoleArn".to_owned(), input.role_arn.to_owned()), ("RoleSessionName".to_owned(), input.session_name.to_owned())];
        parameters.extend(input.lifetime.map(|lifetime| ("DurationSeconds".to_owned(), lifetime.as_secs().to_string())));
        parameters.extend(input.policy.map(|policy| ("Policy".to_owned(), policy.to_owned())));
        parameters.extend(input.external_id.map(|id| ("ExternalId".to_owned(), id.to_owned())));
        let answer = self.call(credential, "AssumeRole", &parameters, now).await?;
        self.credential(answer)
    }

    /// Becomes a role by what an identity provider says; no key is needed (STS 2015-04-01, `AssumeRoleWithOIDC`).
    pub async fn assume_role_with_oidc(&self, input: &AssumeRoleWithOidc<'_>, now: Timestamp) -> Result<Credential, ClientError> {
        let mut parameters: Vec<_> = [
            ("RoleArn", input.role_arn),
            ("OIDCProviderArn", input.provider_arn),
            ("OIDCToken", input.token),
            ("RoleSessionName", input.session_name),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        parameters.extend(input.lifetime.map(|lifetime| ("DurationSeconds".to_owned(), lifetime.as_secs().to_string())));
        let answer = self.rpc.call_anonymously(Api::STS, "AssumeRoleWithOIDC", &parameters, now).await;
        for (_, value) in &mut parameters {
            zeroize::Zeroize::zeroize(value);
        }
        self.credential(answer?)
    }

    fn credential(&self, answer: AssumedRole) -> Result<Credential, ClientError> {
        let Triple { access_key_id, access_key_secret, security_token, expiration } = answer.credentials;
        let unreadable = |cause: String| ClientError::Answer { url: self.rpc.endpoint().to_owned(), cause };
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

    async fn call<T: DeserializeOwned>(
        &self,
        credential: &Credential,
        action: &str,
        parameters: &[(String, String)],
        now: Timestamp,
    ) -> Result<T, ClientError> {
        self.rpc.call(credential, Api::STS, action, parameters, now).await
    }

    /// Sends an unsigned request exactly as given: for those who want to see what a wrong one gets.
    pub async fn raw(&self, method: &str, query: &[(String, String)]) -> Result<serde_json::Value, ClientError> {
        self.rpc.raw(method, query).await
    }
}
