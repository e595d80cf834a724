//! What a request presents: a client by Basic or in its body and never both (RFC 6749 §2.3), a token in its header (RFC 6750 §2.1),
//! and a proof of possession (RFC 9449 §4).

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode, header, request::Parts};
use tegata_core::{
    Caller, RequestMeta,
    authn::{About, PresentedClient, PresentedKey, PresentedToken, Proof},
};
use tegata_model::SecretKey;
use tegata_oauth::{DpopProof, ErrorCode, OauthError, Parameters};
use tegata_sign::form;

use super::{
    Oauth,
    error::{Challenge, OauthFault},
};
use crate::edge::limits::small_body;

/// Largest body of a request, in bytes.
const BODY: usize = 64 * 1024;

/// Reads the parameters of a form. Those of the URL do not count: they would stand in logs.
pub(crate) async fn parameters(parts: &Parts, body: Body) -> Result<Parameters, OauthFault> {
    let kind = one(&parts.headers, header::CONTENT_TYPE.as_str())?.unwrap_or_default();
    let is_form = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    if !is_form {
        return Err(OauthError::request("the body is a form, `application/x-www-form-urlencoded`").into());
    }
    let bytes = small_body(&mut body.into_data_stream(), BODY).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| OauthError::request("the body is not UTF-8"))?;
    let pairs = form::decode(text).map_err(|error| OauthError::request(format!("the body cannot be read: {error}")))?;
    Ok(Parameters::of(pairs)?)
}

/// A header that may stand once.
fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, OauthFault> {
    let mut found = headers.get_all(name).iter();
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => Err(OauthError::request(format!("the header `{name}` is not text")).into()),
        },
        (Some(_), Some(_)) => Err(OauthError::request(format!("the header `{name}` stands twice")).into()),
    }
}

/// The client's public id and its secret.
pub(crate) fn client(parts: &Parts, parameters: &Parameters) -> Result<(String, Option<SecretKey>), OauthFault> {
    let in_body = parameters.text("client_secret");
    let Some(authorization) = one(&parts.headers, header::AUTHORIZATION.as_str())? else {
        let Some(id) = parameters.text("client_id") else { return Err(OauthFault::anonymous()) };
        return Ok((id.to_owned(), in_body.map(|secret| SecretKey::new(secret.to_owned()))));
    };
    let Some(encoded) = scheme(authorization, "Basic") else {
        return Err(OauthFault {
            challenge: Some(Challenge::Basic),
            ..OauthFault::new(StatusCode::UNAUTHORIZED, ErrorCode::InvalidClient, "clients prove themselves by `Basic` here")
        });
    };
    if in_body.is_some() {
        return Err(OauthError::request("the client proves itself in the header or in the body, not in both").into());
    }
    let wrong = || OauthError::request("the header `Authorization` is not `Basic` with an id and a secret");
    let decoded = STANDARD.decode(encoded).map_err(|_| wrong())?;
    let decoded = zeroize_text(decoded).ok_or_else(wrong)?;
    let (id, secret) = decoded.expose().split_once(':').ok_or_else(wrong)?;
    // RFC 6749 §2.3.1: both are encoded as in a form before they are joined.
    let unescape = |text: &str| form::decode(&format!("v={text}")).ok().and_then(|pairs| pairs.into_iter().next()).map(|(_, value)| value);
    let plain = |text: &str| if text.contains(['&', '=']) { Some(text.to_owned()) } else { unescape(text) };
    let (id, secret) = (plain(id).ok_or_else(wrong)?, plain(secret).ok_or_else(wrong)?);
    if parameters.text("client_id").is_some_and(|named| named != id) {
        return Err(OauthError::request("`client_id` names another client than the header `Authorization`").into());
    }
    Ok((id, Some(SecretKey::new(secret))))
}

fn zeroize_text(bytes: Vec<u8>) -> Option<SecretKey> {
    String::from_utf8(bytes).ok().map(SecretKey::new)
}

/// What follows the name of an authentication scheme, which is compared without case.
fn scheme<'a>(authorization: &'a str, name: &str) -> Option<&'a str> {
    let (found, rest) = authorization.split_once(' ')?;
    found.eq_ignore_ascii_case(name).then_some(rest.trim_start())
}

/// The key that a request proves to have, if it carries a proof. `token` is the access token that comes with it.
pub(crate) fn key(oauth: &Oauth, parts: &Parts, token: Option<&str>) -> Result<Option<PresentedKey>, OauthFault> {
    let Some(text) = one(&parts.headers, "dpop")? else { return Ok(None) };
    // Where a token is used, whoever is refused is told how to prove itself (RFC 9449 §7.1).
    let refused = |error| match token {
        None => OauthFault::from(error),
        Some(_) => OauthFault { status: StatusCode::UNAUTHORIZED, challenge: Some(Challenge::Dpop), ..OauthFault::from(error) },
    };
    let proof = DpopProof::verify(text).map_err(refused)?;
    let urls: Vec<String> = oauth.settings.urls().map(|url| format!("{url}{}", parts.uri.path())).collect();
    proof.check(parts.method.as_str(), &urls, oauth.core.now(), token).map_err(refused)?;
    if !proof.nonce().is_some_and(|nonce| oauth.core.proof_nonce_holds(nonce)) {
        let (status, challenge) =
            if token.is_some() { (StatusCode::UNAUTHORIZED, Some(Challenge::Dpop)) } else { (StatusCode::BAD_REQUEST, None) };
        let said = "the proof needs the nonce in the header `DPoP-Nonce`";
        return Err(OauthFault {
            challenge,
            nonce: Some(oauth.core.proof_nonce()?),
            ..OauthFault::new(status, ErrorCode::UseDpopNonce, said)
        });
    }
    Ok(Some(PresentedKey { thumbprint: proof.thumbprint().to_owned(), jti: proof.jti().to_owned() }))
}

/// The client that asks.
pub(crate) async fn client_caller(
    oauth: &Oauth,
    parts: &Parts,
    parameters: &Parameters,
    about: About,
    key: Option<PresentedKey>,
    meta: RequestMeta,
) -> Result<Caller, OauthFault> {
    let (app_id, secret) = client(parts, parameters).inspect_err(|_| oauth.core.refuse_malformed(meta.source))?;
    Ok(oauth.core.authenticate(Proof::Client(PresentedClient { app_id, secret, respelled: None, about, key }), meta).await?)
}

/// Whoever shows an access token.
pub(crate) async fn token_caller(oauth: &Oauth, parts: &Parts, meta: RequestMeta) -> Result<Caller, OauthFault> {
    let authorization = one(&parts.headers, header::AUTHORIZATION.as_str())?;
    let Some(authorization) = authorization else {
        oauth.core.refuse_anonymous(meta.source);
        return Err(OauthFault::no_token());
    };
    let (token, bound) = match (scheme(authorization, "Bearer"), scheme(authorization, "DPoP")) {
        (Some(token), _) => (token, false),
        (None, Some(token)) => (token, true),
        (None, None) => return Err(OauthFault::no_token()),
    };
    // A token that is bound to a key is refused as Bearer, whatever proof comes with it (RFC 9449 §7.1).
    let key = if bound { key(oauth, parts, Some(token))? } else { None };
    if bound && key.is_none() {
        return Err(OauthFault {
            challenge: Some(Challenge::Dpop),
            ..OauthFault::new(StatusCode::UNAUTHORIZED, ErrorCode::InvalidToken, "a proof of possession is needed in the header `DPoP`")
        });
    }
    let presented = PresentedToken { token: SecretKey::new(token.to_owned()), key };
    oauth.core.authenticate(Proof::Access(presented), meta).await.map_err(|error| {
        let fault = OauthFault::from(error);
        // Where tokens are used, whatever is wrong with one is told as such (RFC 6750 §3.1).
        match fault.code {
            ErrorCode::InvalidGrant | ErrorCode::InvalidDpopProof => {
                let challenge = if bound { Challenge::Dpop } else { Challenge::Bearer };
                OauthFault { status: StatusCode::UNAUTHORIZED, code: ErrorCode::InvalidToken, challenge: Some(challenge), ..fault }
            }
            _ => fault,
        }
    })
}
