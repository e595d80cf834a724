//! RPC signature, version 1.0: HMAC-SHA1 over all parameters of query and form.
//!
//! Source: the vendor's RPC signature, "Request signatures" (also called V1, or V2 in newer text). The request goes to `/`,
//! and the signed text says so whatever the path was, so any other path is refused here.

use tegata_model::{AccessKeyId, Timestamp};

use crate::{
    arrived::{Arrived, ArrivedProblem, MAX_NONCE_BYTES, MAX_TOKEN_BYTES, no_neighbours, shown},
    form,
    presented::{Credential, Deviation, Mac, Placement, Presented, Reading, Scheme},
};

const SIGNATURE: &str = "Signature";
const METHOD: &str = "HMAC-SHA1";
const VERSION: &str = "1.0";

/// What is wrong with an RPC signature before any key is looked at. The dialect names each on the wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpcProblem {
    /// A limit, or something repeated.
    #[error(transparent)]
    Arrived(#[from] ArrivedProblem),
    /// A mandatory parameter is absent or empty.
    #[error("the parameter `{name}` is missing")]
    Missing {
        /// The parameter.
        name: &'static str,
    },
    /// `SignatureMethod` is not `HMAC-SHA1`.
    #[error("unsupported algorithm `{given}`")]
    UnsupportedAlgorithm {
        /// What was asked for.
        given: String,
    },
    /// `SignatureVersion` is not `1.0`.
    #[error("unsupported signature version `{given}`")]
    UnsupportedVersion {
        /// What was asked for.
        given: String,
    },
    /// `SignatureType` names something else than a signature with a secret.
    #[error("unsupported signature type `{given}`")]
    UnsupportedType {
        /// What was asked for.
        given: String,
    },
    /// `AccessKeyId` cannot be one.
    #[error("`{given}` is not an access key id")]
    AccessKeyId {
        /// What was sent.
        given: String,
    },
    /// `Timestamp` is not `2026-01-02T03:04:05Z`.
    #[error("`{given}` is not a timestamp of the form `2026-01-02T03:04:05Z`")]
    Timestamp {
        /// What was sent.
        given: String,
    },
    /// The path is not `/`.
    #[error("an RPC request goes to `/`, not to `{given}`")]
    Path {
        /// What was sent.
        given: String,
    },
}

/// Reads the signature of an RPC request. Only its parameters count; every header is noise here.
pub fn present(arrived: &Arrived<'_>) -> Result<Presented, RpcProblem> {
    arrived.check()?;
    if !matches!(arrived.path, "" | "/") {
        return Err(RpcProblem::Path { given: shown(arrived.path) });
    }
    let mut parameters: Vec<_> = arrived.parameters().collect();
    parameters.sort_unstable();
    no_neighbours(&parameters)?;

    let required = |name| arrived.parameter(name).filter(|value| !value.is_empty()).ok_or(RpcProblem::Missing { name });
    let signature = required(SIGNATURE)?;
    let method = required("SignatureMethod")?;
    if method != METHOD {
        return Err(RpcProblem::UnsupportedAlgorithm { given: shown(method) });
    }
    let version = required("SignatureVersion")?;
    if version != VERSION {
        return Err(RpcProblem::UnsupportedVersion { given: shown(version) });
    }
    if let Some(given) = arrived.parameter("SignatureType").filter(|value| !value.is_empty()) {
        return Err(RpcProblem::UnsupportedType { given: shown(given) });
    }
    let key_text = required("AccessKeyId")?;
    let access_key_id = AccessKeyId::new(key_text).map_err(|_| RpcProblem::AccessKeyId { given: shown(key_text) })?;
    let time_text = required("Timestamp")?;
    // One client writes the time with a fraction of a second; it is signed as it is written.
    let fraction = || time_text.ends_with('Z').then(|| Timestamp::parse_rfc3339(time_text)).flatten();
    let signed_at = Timestamp::parse_iso(time_text).or_else(fraction).ok_or_else(|| RpcProblem::Timestamp { given: shown(time_text) })?;
    let nonce = required("SignatureNonce")?;
    if nonce.len() > MAX_NONCE_BYTES {
        return Err(ArrivedProblem::TooLong { what: "SignatureNonce", limit: MAX_NONCE_BYTES }.into());
    }
    let security_token = arrived.parameter("SecurityToken").filter(|token| !token.is_empty());
    if security_token.is_some_and(|token| token.len() > MAX_TOKEN_BYTES) {
        return Err(ArrivedProblem::TooLong { what: "SecurityToken", limit: MAX_TOKEN_BYTES }.into());
    }

    parameters.retain(|(name, _)| *name != SIGNATURE);
    let spaces = parameters.iter().any(|(_, value)| value.contains(' '));
    let canonical = canonical_sorted(&parameters);
    // The mapping stays injective, a literal plus being `%2B`, and is tried only where it can make a difference.
    let tolerated = spaces.then(|| Reading {
        canonical_request: None,
        string_to_sign: string_to_sign(arrived.method, &canonical.replace("%20", "+")),
        address: None,
        deviation: Some(Deviation::SpaceAsPlus),
    });
    Ok(Presented {
        scheme: Scheme::AcsRpc,
        placement: Placement::Url,
        access_key_id,
        security_token: security_token.map(str::to_owned),
        nonce: Some(nonce.to_owned()),
        signed_at: Some(signed_at),
        expires_at: None,
        signature: signature.to_owned(),
        mac: Mac::AcsRpc,
        host: None,
        strict: Reading {
            canonical_request: None,
            string_to_sign: string_to_sign(arrived.method, &canonical),
            address: None,
            deviation: None,
        },
        tolerated: tolerated.into_iter().collect(),
    })
}

/// Signs a request to `/` whose query and form together hold `parameters`; returns the parameters to add, `Signature` last.
///
/// `parameters` must not hold `AccessKeyId`, `Signature`, `SignatureMethod`, `SignatureNonce`, `SignatureVersion`,
/// `SecurityToken` or `Timestamp`: a verifier refuses a name that occurs twice.
pub fn sign(
    method: &str,
    parameters: &[(String, String)],
    credential: &Credential<'_>,
    at: Timestamp,
    nonce: &str,
) -> Vec<(String, String)> {
    let mut common: Vec<(String, String)> = [
        ("AccessKeyId", credential.access_key_id.as_str()),
        ("SignatureMethod", METHOD),
        ("SignatureNonce", nonce),
        ("SignatureVersion", VERSION),
        ("Timestamp", &at.to_iso()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    if let Some(token) = credential.security_token {
        common.push(("SecurityToken".to_owned(), token.to_owned()));
    }
    let all: Vec<_> = parameters.iter().chain(&common).map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let signature = Mac::AcsRpc.sign(credential.secret, &string_to_sign(method, &canonical_query(&all)));
    common.push((SIGNATURE.to_owned(), signature));
    common
}

/// The canonical query: sorted by name, each name and value strictly encoded. `Signature` must not be among them.
pub fn canonical_query(parameters: &[(&str, &str)]) -> String {
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable();
    canonical_sorted(&sorted)
}

/// What is signed: method, path and canonical query, the latter encoded once more.
pub fn string_to_sign(method: &str, canonical_query: &str) -> String {
    let mut out = String::with_capacity(method.len() + canonical_query.len() * 3 / 2 + 8);
    out.push_str(method);
    out.push_str("&%2F&");
    form::encode_into(&mut out, canonical_query, false);
    out
}

fn canonical_sorted(sorted: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(sorted.iter().map(|(name, value)| name.len() + value.len() * 3 / 2 + 2).sum());
    for (name, value) in sorted {
        if !out.is_empty() {
            out.push('&');
        }
        form::encode_into(&mut out, name, false);
        out.push('=');
        form::encode_into(&mut out, value, false);
    }
    out
}
