//! `/oauth/device_authorization` and `/device`: a program without a browser, and the page where a person agrees (RFC 8628).
//!
//! The code is typed by hand even where the link carries it, unless the device shows a number to pick: what is never read off the
//! device's screen proves nothing.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{StatusCode, request::Parts};
use serde_json::{Map, Value};
use tegata_core::{
    RequestMeta,
    authn::{About, PresentedClient},
    grant::BeginDevice,
    signin::{Browser, DeviceRefusal, DeviceRequest, Next, Readiness, Refusal, Stage},
};
use tegata_oauth::{Challenge, ErrorCode, OauthError, Parameters, Scope};

use super::{
    Oauth, Shared, answer,
    authorize::{assignable, shown, sign_in_page, status_of, step_of, take},
    error::OauthFault,
    proof::{self, parameters},
    reply::Reply,
    visit::{Page, Visit, see_other, visit},
};
use crate::pages::{FormTarget, respond, views};

/// `/oauth/device_authorization`
pub(crate) async fn receive(State(oauth): Shared, request: Request) -> Response {
    answer(
        oauth,
        request,
        "DeviceAuthorization",
        |oauth, parts, body, meta| async move { (None, begin(&oauth, &parts, body, &meta).await) },
    )
    .await
}

async fn begin(oauth: &Oauth, parts: &Parts, body: Body, meta: &RequestMeta) -> Result<Reply, OauthFault> {
    let parameters = parameters(parts, body).await?;
    let (app_id, secret) = proof::client(parts, &parameters)?;
    let scope = parameters.text("scope").map(Scope::parse).transpose();
    let scope = scope.map_err(|error| OauthError::new(ErrorCode::InvalidScope, error.to_string()))?;
    let client = PresentedClient { app_id, secret, respelled: None, about: About::Itself, key: None };
    let shows_number = parameters.text("tegata_number").is_some_and(|text| matches!(text, "1" | "true"));
    let begin = BeginDevice { client, scope, challenge: challenge(&parameters)?, shows_number };
    let begun = oauth.core.begin_device(meta, begin).await?;
    let page = format!("{}/device", oauth.settings.public_url);
    let mut body = Map::new();
    let mut say = |name: &str, value: Value| body.insert(name.to_owned(), value);
    say("device_code", begun.code.expose().into());
    say("user_code", begun.user_code.as_str().into());
    say("verification_uri", page.as_str().into());
    say("verification_uri_complete", format!("{page}?user_code={}", begun.user_code).into());
    say("expires_in", begun.lifetime.as_secs().into());
    say("interval", begun.interval.as_secs().into());
    if let Some(number) = begun.number {
        say("tegata_number", number.to_string().into());
    }
    Ok(Reply::json(Value::Object(body)))
}

/// The challenge of a client that will show its verifier with each question. The standard has none for devices, and none is needed.
fn challenge(parameters: &Parameters) -> Result<Option<Challenge>, OauthError> {
    let Some(text) = parameters.text("code_challenge") else { return Ok(None) };
    if parameters.text("code_challenge_method") != Some("S256") {
        return Err(OauthError::request("`code_challenge_method` must be `S256`"));
    }
    Challenge::parse(text).map(Some).map_err(|error| OauthError::request(format!("`code_challenge`: {error}")))
}

/// `/device`
pub(crate) async fn page(State(oauth): Shared, request: Request) -> Response {
    visit(oauth, request, "Device", async |mut visit, form| {
        let page = go_on(&mut visit, form).await;
        (visit, page)
    })
    .await
}

async fn go_on(visit: &mut Visit, form: Option<Parameters>) -> Page {
    let step = match visit.browser.as_ref().map(Browser::stage) {
        Some(Stage::SignedIn) => return decide(visit, form).await,
        Some(Stage::OneTimeCode) => step_of(&Next::OneTimeCode),
        Some(Stage::NewPassword) => step_of(&Next::NewPassword),
        Some(Stage::NewFactor) => step_of(&Next::NewFactor),
        None => step_of(&Next::SignIn),
    };
    let Some(form) = form else { return sign_in_page(visit, step, None, None, (StatusCode::OK, FormTarget::Here)).await };
    let refusal = if visit.holds(step, &form) {
        match take(visit, step, &form).await? {
            Ok(()) => {
                let query = visit.query();
                return Ok(see_other(&if query.is_empty() { "device".to_owned() } else { format!("?{query}") }));
            }
            Err(refusal) => refusal,
        }
    } else {
        Refusal::Expired
    };
    let status = status_of(&refusal);
    sign_in_page(visit, step, None, Some(refusal), (status, FormTarget::Here)).await
}

/// What a form for one code is called in its token.
fn step_for(user_code: &str) -> String {
    format!("device-approval {user_code}")
}

async fn decide(visit: &Visit, form: Option<Parameters>) -> Page {
    let Some(browser) = visit.signed_in() else { return Ok(see_other("device")) };
    let core = Arc::clone(&visit.oauth.core);
    let Some(form) = form else {
        let query = visit.query();
        let linked = query.split('&').find_map(|pair| pair.strip_prefix("user_code="));
        if let Some(linked) = linked
            && let Ok(request) = core.device_request(&visit.meta, browser, linked).await?
            && !request.numbers().is_empty()
        {
            return approval(visit, browser, &request);
        }
        return code_page(visit, "", None);
    };
    let user_code = form.text("user_code").unwrap_or_default();
    let Some(decision) = form.text("decision") else {
        if !visit.holds("device-code", &form) {
            return Ok(visit.stale());
        }
        return match core.device_request(&visit.meta, browser, user_code).await? {
            Ok(request) => approval(visit, browser, &request),
            Err(refusal) => refused(visit, user_code, refusal),
        };
    };
    if !visit.holds(&step_for(user_code), &form) {
        return Ok(visit.stale());
    }
    let said = match decision {
        "allow" => core.approve_device(&visit.meta, browser, user_code, form.text("number")).await?,
        _ => core.refuse_device(&visit.meta, browser, user_code).await?,
    };
    let (title, text) = if decision == "allow" { ("done-title", "device-done") } else { ("done-denied-title", "done-denied") };
    match said {
        Ok(()) => Ok(respond(StatusCode::OK, &views::Done { frame: visit.frame(), title, text, code: None }, FormTarget::Here)),
        Err(refusal) => refused(visit, "", refusal),
    }
}

fn code_page(visit: &Visit, user_code: &str, problem: Option<&'static str>) -> Page {
    let status = if problem.is_some() { StatusCode::NOT_FOUND } else { StatusCode::OK };
    let typed: String = user_code.chars().take(16).collect();
    let page = views::DeviceCode { frame: visit.frame(), csrf: visit.token("device-code")?, user_code: typed, problem };
    Ok(respond(status, &page, FormTarget::Here))
}

fn refused(visit: &Visit, user_code: &str, refusal: DeviceRefusal) -> Page {
    let (status, key) = match refusal {
        DeviceRefusal::Unknown => return code_page(visit, user_code, Some("device-unknown")),
        DeviceRefusal::TooMany => (StatusCode::TOO_MANY_REQUESTS, "device-too-many"),
        DeviceRefusal::Off => (StatusCode::FORBIDDEN, "device-off"),
        DeviceRefusal::Elsewhere => (StatusCode::FORBIDDEN, "device-elsewhere"),
        DeviceRefusal::Number => (StatusCode::FORBIDDEN, "approval-wrong"),
    };
    let what = visit.frame().t.say(key);
    Ok(visit.problem(status, "problem-title", what, None))
}

/// The page that asks, or the one that says what is missing.
fn approval(visit: &Visit, browser: &Browser, request: &DeviceRequest) -> Page {
    let (frame, client) = (visit.frame(), shown(request.application()));
    let account = browser.account().0;
    match &request.readiness {
        Readiness::NotInstalled => {
            let what = frame.t.say1("device-not-installed", "client", &client.name);
            return Ok(visit.problem(StatusCode::FORBIDDEN, "problem-title", what, None));
        }
        Readiness::NotAssigned => {
            let csrf = visit.sign_out_token()?;
            let (identity, command) = assignable(browser);
            let command = format!("tegata apps assign {} {command}", client.name);
            let page = views::NotAssigned { frame, csrf, client: client.name, account, identity, command };
            return Ok(respond(StatusCode::FORBIDDEN, &page, FormTarget::Here));
        }
        Readiness::ConsentNeeded(_) | Readiness::Ready => {}
    }
    let user_code = request.user_code().to_owned();
    let page = views::DeviceApproval {
        csrf: visit.token(&step_for(&user_code))?,
        frame,
        client,
        account,
        user_code,
        claims: request.claims().to_owned(),
        address: request.address(),
        numbers: request.numbers().iter().map(ToString::to_string).collect(),
        scopes: request.application().scope.words().map(str::to_owned).collect(),
    };
    Ok(respond(StatusCode::OK, &page, FormTarget::Here))
}
