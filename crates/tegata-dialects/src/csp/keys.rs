//! The public keys that access tokens are verified with, in every form that somebody reads, and where everything is.

use serde_json::json;

use super::{Asked, Csp, CspFault, Reply, Row, rows};

pub(crate) const ROWS: &[Row] = rows! {
    "GET" "/csp/gateway/am/api/auth/token-public-key" "TokenPublicKey" public_key;
    "GET" "/csp/gateway/am/api/auth/keys" "Keys" keys;
    "GET" "/csp/gateway/am/api/.well-known/openid-configuration" "Metadata" metadata;
};

/// How long others may keep these, in seconds: as long as a new key is published before it signs.
const KEEP: u32 = 300;

fn kept(body: serde_json::Value) -> Reply {
    Reply { keep: Some(KEEP), ..Reply::json(body) }
}

/// `/auth/token-public-key`: the PEM form and the set, in one body that is good for the readers of either.
async fn public_key(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    if asked.parameter("format").is_some_and(|format| !matches!(format, "pem" | "jwks")) {
        return Err(CspFault::invalid("format", "`pem` or `jwks`"));
    }
    let found = csp.core.organisation_keys().await?;
    Ok(kept(json!({ "alg": "SHA256withRSA", "value": found.pem, "issuer": found.issuer, "keys": found.keys })))
}

/// `/auth/keys`
async fn keys(csp: &Csp, _: &Asked) -> Result<Reply, CspFault> {
    Ok(kept(json!({ "keys": csp.core.organisation_keys().await?.keys })))
}

/// The metadata of this place (RFC 8414, OpenID Connect Discovery 1.0 §3).
async fn metadata(csp: &Csp, _: &Asked) -> Result<Reply, CspFault> {
    let issuer = csp.core.organisation_keys().await?.issuer;
    let at = |path: &str| format!("{}/csp/gateway/am/api/auth/{path}", csp.settings.public_url);
    let methods = json!(["client_secret_basic", "client_secret_post"]);
    Ok(kept(json!({
        "issuer": issuer,
        "token_endpoint": at("token"),
        "jwks_uri": at("token-public-key?format=jwks"),
        "introspection_endpoint": at("introspect"),
        "revocation_endpoint": at("revoke"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
        "claims_supported": [
            "iss", "sub", "azp", "client_id", "domain", "acct", "username", "context", "context_name", "perms", "scope", "iat", "exp", "jti"
        ],
    })))
}
