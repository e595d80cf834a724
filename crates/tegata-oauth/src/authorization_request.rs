//! What arrives at an authorization endpoint (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core 1.0 §3.1.2.1).

use crate::{Challenge, ErrorCode, OauthError, Parameters, Scope};

/// Longest `state` and `nonce` that are carried, in bytes.
pub const MAX_STATE: usize = 2048;

/// The first thing to be known: whose request it is and where answers would go. Until both are found good nobody is redirected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The client's public id.
    pub client_id: String,
    /// Where the client wants the answer.
    pub redirect_uri: Option<String>,
}

/// What a client may ask of the person at the browser (OpenID Connect Core 1.0 §3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent wishes, each said by a word of its own")]
pub struct Prompt {
    /// Answer without asking, or not at all.
    pub none: bool,
    /// Sign in again.
    pub login: bool,
    /// Ask for consent again.
    pub consent: bool,
    /// Let the person choose among accounts.
    pub select_account: bool,
    /// Ask the administrator again.
    pub admin_consent: bool,
}

/// One request for a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Whose, and where to.
    pub destination: Destination,
    /// Which scopes; `None` if nothing was said.
    pub scope: Option<Scope>,
    /// Given back as it came.
    pub state: Option<String>,
    /// Goes into the ID token.
    pub nonce: Option<String>,
    /// What the code will answer to.
    pub challenge: Option<Challenge>,
    /// What the person is asked.
    pub prompt: Prompt,
    /// How old a sign-in may be, in seconds.
    pub max_age: Option<u64>,
    /// Whether a refresh token is wanted: `access_type=offline`.
    pub offline: bool,
    /// Thumbprint of the key that tokens shall be bound to (RFC 9449 §10).
    pub dpop_key: Option<String>,
}

impl Destination {
    /// Reads what decides whether anybody may be redirected at all.
    pub fn parse(parameters: &Parameters) -> Result<Self, OauthError> {
        let client_id = parameters.need("client_id")?;
        if client_id.len() > 64 {
            return Err(OauthError::request("`client_id` is none of ours"));
        }
        Ok(Self { client_id: client_id.to_owned(), redirect_uri: parameters.text("redirect_uri").map(ToOwned::to_owned) })
    }
}

impl AuthorizationRequest {
    /// Reads the rest. An error here may be sent to the destination, once that has been found good.
    pub fn parse(parameters: &Parameters) -> Result<Self, OauthError> {
        let destination = Destination::parse(parameters)?;
        match parameters.need("response_type")? {
            "code" => {}
            _ => return Err(OauthError::new(ErrorCode::UnsupportedResponseType, "`response_type` is `code`")),
        }
        for name in ["request", "request_uri"] {
            if parameters.text(name).is_some() {
                return Err(OauthError::request(format!("`{name}` is not accepted")));
            }
        }
        if let Some(mode) = parameters.text("response_mode")
            && mode != "query"
        {
            return Err(OauthError::request("`response_mode` is `query`"));
        }
        let bounded = |name: &str| match parameters.text(name) {
            Some(text) if text.len() > MAX_STATE => Err(OauthError::request(format!("`{name}` is longer than {MAX_STATE} bytes"))),
            other => Ok(other.map(ToOwned::to_owned)),
        };
        let scope = parameters.text("scope").map(Scope::parse).transpose();
        let dpop_key = bounded("dpop_jkt")?;
        if dpop_key.as_ref().is_some_and(|text| Challenge::parse(text).is_err()) {
            return Err(OauthError::request("`dpop_jkt` is a thumbprint of 43 characters"));
        }
        Ok(Self {
            destination,
            scope: scope.map_err(|error| OauthError::new(ErrorCode::InvalidScope, error.to_string()))?,
            state: bounded("state")?,
            nonce: bounded("nonce")?,
            challenge: challenge(parameters)?,
            prompt: prompt(parameters)?,
            max_age: match parameters.text("max_age") {
                None => None,
                Some(text) => Some(text.parse().map_err(|_| OauthError::request("`max_age` is a whole number of seconds"))?),
            },
            offline: parameters.text("access_type") == Some("offline")
                || parameters.text("scope").is_some_and(|scope| scope.split(' ').any(|word| word == "offline_access")),
            dpop_key,
        })
    }
}

fn challenge(parameters: &Parameters) -> Result<Option<Challenge>, OauthError> {
    let Some(text) = parameters.text("code_challenge") else {
        return match parameters.text("code_challenge_method") {
            None => Ok(None),
            Some(_) => Err(OauthError::request("`code_challenge` is missing")),
        };
    };
    // Without a method RFC 7636 §4.3 means `plain`, which protects nothing.
    if parameters.text("code_challenge_method") != Some("S256") {
        return Err(OauthError::request("`code_challenge_method` is `S256`"));
    }
    Challenge::parse(text).map(Some).map_err(|error| OauthError::request(error.to_string()))
}

fn prompt(parameters: &Parameters) -> Result<Prompt, OauthError> {
    let mut prompt = Prompt::default();
    let text = parameters.text("prompt").unwrap_or_default();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match word {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "consent" => prompt.consent = true,
            "select_account" => prompt.select_account = true,
            "admin_consent" => prompt.admin_consent = true,
            _ => {}
        }
    }
    if prompt.none && text.trim() != "none" {
        return Err(OauthError::request("`prompt=none` stands alone"));
    }
    Ok(prompt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> Result<AuthorizationRequest, OauthError> {
        let pairs = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        AuthorizationRequest::parse(&Parameters::of(pairs)?)
    }

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn what_the_vendors_tool_sends() {
        let request = read(&[
            ("response_type", "code"),
            ("client_id", "4038181954557748008"),
            ("redirect_uri", "http://127.0.0.1:12345/cli/callback"),
            ("state", "E1PANI6xo6TCwR2E"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ])
        .unwrap();
        assert_eq!((request.scope, request.offline, request.prompt), (None, false, Prompt::default()));
        assert!(request.challenge.is_some());
    }

    #[test]
    fn what_is_refused() {
        let base = [("response_type", "code"), ("client_id", "1")];
        for (extra, code) in [
            (vec![("response_type", "code")], ErrorCode::InvalidRequest),
            (vec![("code_challenge", CHALLENGE)], ErrorCode::InvalidRequest),
            (vec![("code_challenge", CHALLENGE), ("code_challenge_method", "plain")], ErrorCode::InvalidRequest),
            (vec![("code_challenge_method", "S256")], ErrorCode::InvalidRequest),
            (vec![("prompt", "none login")], ErrorCode::InvalidRequest),
            (vec![("request_uri", "urn:x")], ErrorCode::InvalidRequest),
            (vec![("response_mode", "fragment")], ErrorCode::InvalidRequest),
            (vec![("scope", "a\"b")], ErrorCode::InvalidScope),
            (vec![("max_age", "-1")], ErrorCode::InvalidRequest),
            (vec![("dpop_jkt", "x")], ErrorCode::InvalidRequest),
        ] {
            let query: Vec<_> = base.iter().copied().chain(extra.iter().copied()).collect();
            assert_eq!(read(&query).unwrap_err().code, code, "{extra:?}");
        }
        let long = "s".repeat(2049);
        assert!(read(&[base[0], base[1], ("state", &long)]).is_err());
        assert_eq!(read(&[("response_type", "token"), base[1]]).unwrap_err().code, ErrorCode::UnsupportedResponseType);
    }
}
