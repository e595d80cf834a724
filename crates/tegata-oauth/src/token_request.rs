//! What arrives at a token endpoint (RFC 6749 §4.1.3, §4.4.2, §6; RFC 8628 §3.4; RFC 8693 §2.1).

use tegata_model::SecretKey;

use crate::{ErrorCode, OauthError, Parameters, Scope, Verifier, parameters::shown};

/// Name of the grant of RFC 8628.
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Name of the grant of RFC 8693.
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// Kind of token: an access token (RFC 8693 §3).
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Kind of token: any that is a JWT (RFC 8693 §3).
pub const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// Kind of token, ours: a temporary key with its secret and its security token.
pub const TEMPORARY_KEY: &str = "urn:tegata:params:oauth:token-type:temporary-key";
/// Longest code, refresh token or device code that is looked at, in bytes.
const MAX_CREDENTIAL: usize = 512;

/// One request for tokens.
#[derive(Debug)]
pub enum TokenRequest {
    /// A code is redeemed.
    Code {
        /// The code.
        code: SecretKey,
        /// Where it was sent.
        redirect_uri: Option<String>,
        /// The proof that the same client asked for it.
        verifier: Option<Verifier>,
    },
    /// A refresh token is used.
    Refresh {
        /// The token.
        token: SecretKey,
        /// Fewer scopes than before.
        scope: Option<Scope>,
    },
    /// A client asks for itself.
    ClientCredentials {
        /// Which scopes; all it has if nothing is said.
        scope: Option<Scope>,
    },
    /// A device asks whether the person has agreed.
    Device {
        /// The device code.
        code: SecretKey,
        /// The proof that the client is the one that began, where it gave a challenge.
        verifier: Option<Verifier>,
    },
    /// One token is exchanged for another.
    Exchange {
        /// The token that is given.
        subject: SecretKey,
        /// What it is.
        subject_type: String,
        /// What is wanted.
        requested_type: Option<String>,
        /// Which scopes.
        scope: Option<Scope>,
        /// For whom the new token is.
        audience: Option<String>,
    },
}

impl TokenRequest {
    /// Reads a request; what it does not know it ignores.
    pub fn parse(parameters: &Parameters) -> Result<Self, OauthError> {
        let secret = |name: &str| -> Result<SecretKey, OauthError> {
            let text = parameters.need(name)?;
            if text.len() > MAX_CREDENTIAL {
                return Err(OauthError::new(ErrorCode::InvalidGrant, format!("`{name}` is none of ours")));
            }
            Ok(SecretKey::new(text.to_owned()))
        };
        let scope = || {
            let parsed = parameters.text("scope").map(Scope::parse).transpose();
            parsed.map_err(|error| OauthError::new(ErrorCode::InvalidScope, error.to_string()))
        };
        let verifier = || {
            let parsed = parameters.text("code_verifier").map(Verifier::parse).transpose();
            parsed.map_err(|error| OauthError::request(format!("`code_verifier`: {error}")))
        };
        match parameters.need("grant_type")? {
            "authorization_code" => Ok(Self::Code {
                code: secret("code")?,
                redirect_uri: parameters.text("redirect_uri").map(ToOwned::to_owned),
                verifier: verifier()?,
            }),
            "refresh_token" => Ok(Self::Refresh { token: secret("refresh_token")?, scope: scope()? }),
            "client_credentials" => Ok(Self::ClientCredentials { scope: scope()? }),
            DEVICE_CODE => Ok(Self::Device { code: secret("device_code")?, verifier: verifier()? }),
            TOKEN_EXCHANGE => {
                if parameters.text("actor_token").is_some() {
                    return Err(OauthError::request("`actor_token` is not accepted: the client that asks is the actor"));
                }
                let own = |name: &str| parameters.text(name).map(ToOwned::to_owned);
                Ok(Self::Exchange {
                    subject: SecretKey::new(parameters.need("subject_token")?.to_owned()),
                    subject_type: parameters.need("subject_token_type")?.to_owned(),
                    requested_type: own("requested_token_type"),
                    scope: scope()?,
                    audience: own("audience").or_else(|| own("resource")),
                })
            }
            other => Err(OauthError::new(ErrorCode::UnsupportedGrantType, format!("the grant `{}` is not offered", shown(other)))),
        }
    }
}
