//! What the server says of itself (RFC 8414 §2, OpenID Connect Discovery 1.0 §3).

use serde_json::{Value, json};

use crate::{
    Scope,
    token_request::{DEVICE_CODE, TOKEN_EXCHANGE},
};

/// What this server offers, by features that come and go together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offers {
    /// The device grant.
    pub device: bool,
    /// The token exchange.
    pub exchange: bool,
}

/// The document for both well-known places; `issuer` without a slash at the end.
pub fn document(issuer: &str, offers: Offers) -> Value {
    let at = |path: &str| format!("{issuer}{path}");
    let mut grants = vec!["authorization_code", "refresh_token", "client_credentials"];
    grants.extend(offers.device.then_some(DEVICE_CODE));
    grants.extend(offers.exchange.then_some(TOKEN_EXCHANGE));
    let authentication = json!(["client_secret_basic", "client_secret_post"]);
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "introspection_endpoint": at("/oauth/introspect"),
        "revocation_endpoint": at("/oauth/revoke"),
        "userinfo_endpoint": at("/oauth/userinfo"),
        "jwks_uri": at("/oauth/keys"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grants,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "introspection_endpoint_auth_methods_supported": authentication,
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": [Scope::OPENID, Scope::ALIUID, Scope::PROFILE],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "name", "upn", "uid", "aid"],
        "dpop_signing_alg_values_supported": ["ES256", "RS256"],
        "authorization_response_iss_parameter_supported": true,
        "ui_locales_supported": ["en", "ja"],
    });
    if offers.device
        && let Some(members) = document.as_object_mut()
    {
        members.insert("device_authorization_endpoint".to_owned(), at("/oauth/device_authorization").into());
    }
    document
}
