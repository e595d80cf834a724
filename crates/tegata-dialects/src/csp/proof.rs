//! What a request presents. Most clients join id and secret for `Basic` as they are, some encode both first (RFC 6749 §2.3.1), some
//! send them in the body; access tokens come in either of two headers, or the same one in both.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{StatusCode, header};
use tegata_core::{
    Caller, OpError,
    authn::{About, PresentedClient, Proof},
};
use tegata_model::SecretKey;
use tegata_sign::form;

use super::{Csp, asked::Asked, error::CspFault};

/// Who a client says it is.
pub(crate) struct Shown {
    pub(crate) id: String,
    /// Nothing where it showed an empty secret: public clients do.
    secret: Option<SecretKey>,
    /// The secret as it reads decoded, where that differs.
    respelled: Option<SecretKey>,
}

/// What follows the name of an authentication scheme, which is compared without case.
fn scheme<'a>(authorization: &'a str, name: &str) -> Option<&'a str> {
    let (found, rest) = authorization.split_once(' ')?;
    found.eq_ignore_ascii_case(name).then_some(rest.trim_start())
}

fn unescape(text: &str) -> Option<String> {
    if text.contains(['&', '=']) {
        return None;
    }
    form::decode(&format!("v={text}")).ok()?.into_iter().next().map(|(_, value)| value)
}

/// The client in the header.
pub(crate) fn basic(authorization: &str) -> Result<Shown, CspFault> {
    let encoded = scheme(authorization, "Basic").ok_or_else(|| CspFault::client("the header `Authorization` lacks the prefix `Basic`"))?;
    let wrong = || CspFault::client("the header `Authorization` is invalid: `Basic` with an id and a secret is needed");
    let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok()).map(SecretKey::new).ok_or_else(wrong)?;
    let (id, secret) = decoded.expose().split_once(':').ok_or_else(wrong)?;
    if id.is_empty() {
        return Err(wrong());
    }
    // Ids have no character that would be encoded.
    let id = unescape(id).unwrap_or_else(|| id.to_owned());
    let respelled = unescape(secret).filter(|other| other != secret).map(SecretKey::new);
    let secret = (!secret.is_empty()).then(|| SecretKey::new(secret.to_owned()));
    Ok(Shown { id, secret, respelled })
}

/// The client in the header, else in the parameters. Where there is a header, the secret of the body is ignored.
pub(crate) fn client(asked: &Asked) -> Result<Shown, CspFault> {
    if let Some(authorization) = asked.header(header::AUTHORIZATION.as_str())? {
        let shown = basic(authorization)?;
        if asked.parameter("client_id").is_some_and(|named| named != shown.id) {
            return Err(CspFault::request("`client_id` names another client than the header `Authorization`"));
        }
        return Ok(shown);
    }
    let Some(id) = asked.parameter("client_id") else { return Err(CspFault::client("no client is named")) };
    Ok(in_body(id, asked.parameter("client_secret")))
}

/// The client as a body shows it.
pub(crate) fn in_body(id: &str, secret: Option<&str>) -> Shown {
    Shown { id: id.to_owned(), secret: secret.map(|secret| SecretKey::new(secret.to_owned())), respelled: None }
}

/// The client that asks.
pub(crate) async fn client_caller(csp: &Csp, asked: &Asked) -> Result<Caller, CspFault> {
    let shown = client(asked).inspect_err(|_| csp.core.refuse_malformed(asked.meta.source))?;
    caller_of(csp, asked, shown).await
}

/// The client that is shown.
pub(crate) async fn caller_of(csp: &Csp, asked: &Asked, shown: Shown) -> Result<Caller, CspFault> {
    let Shown { id, secret, respelled } = shown;
    let client = PresentedClient { app_id: id, secret, respelled, about: About::Itself, key: None };
    let caller = csp.core.authenticate(Proof::Client(client), asked.meta.clone()).await.map_err(|error| match error {
        // The applications of this program itself are no apps of an organization.
        OpError::Grant(_) => CspFault::client("the client is not known, or its secret is wrong"),
        other => other.into(),
    })?;
    asked.named(&caller);
    Ok(caller)
}

/// The access token in `csp-auth-token` or `Authorization`; in both it must be the same.
pub(crate) fn bearer(asked: &Asked) -> Result<SecretKey, CspFault> {
    let authorization = asked.header(header::AUTHORIZATION.as_str())?.map(|text| scheme(text, "Bearer"));
    let token = match (asked.header("csp-auth-token")?, authorization) {
        (Some(one), Some(Some(two))) if one == two => one,
        (Some(_), Some(_)) => return Err(CspFault::request("`csp-auth-token` and `Authorization` say different things")),
        (Some(token), None) | (None, Some(Some(token))) => token,
        (None, Some(None)) => return Err(CspFault::bearer("the header `Authorization` lacks the prefix `Bearer`")),
        (None, None) => return Err(CspFault::bearer("an access token is needed in `csp-auth-token` or `Authorization`")),
    };
    Ok(SecretKey::new(token.to_owned()))
}

/// Whoever shows an access token for an organization.
pub(crate) async fn bearer_caller(csp: &Csp, asked: &Asked) -> Result<Caller, CspFault> {
    let token = bearer(asked).inspect_err(|fault| {
        if fault.status == StatusCode::UNAUTHORIZED {
            csp.core.refuse_anonymous(asked.meta.source);
        }
    })?;
    let caller = csp.core.authenticate(Proof::Organisation(token), asked.meta.clone()).await.map_err(|error| match error {
        OpError::Grant(failure) => CspFault::bearer(failure.to_string()),
        other => other.into(),
    })?;
    asked.named(&caller);
    Ok(caller)
}
