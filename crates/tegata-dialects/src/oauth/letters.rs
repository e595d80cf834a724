//! `/reset`, `/reset/…` and `/not-me/…`: asking for a letter, and what the links of letters lead to. Looking at a link does nothing; only
//! its form does.

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::StatusCode;
use tegata_core::{
    OpError,
    mail::{Asked, What},
};
use tegata_model::SecretKey;
use tegata_oauth::Parameters;

use super::{
    Shared,
    password_link::PasswordLink,
    visit::{Page, Visit, see_other, visit},
};
use crate::pages::{FormTarget, respond, views};

/// A page without a form of its own: something was done, or would be.
fn said(visit: &Visit, title: &'static str, text: &'static str) -> Response {
    respond(StatusCode::OK, &views::Done { frame: visit.frame(), title, text }, FormTarget::Here)
}

/// The page for a link that is of no more use.
fn gone(visit: &Visit) -> Response {
    let what = visit.frame().t.say("letter-link-gone");
    visit.problem(StatusCode::NOT_FOUND, "problem-expired-title", what, None)
}

pub(crate) async fn ask(State(oauth): Shared, request: Request) -> Response {
    visit(oauth, request, "RequestPasswordReset", async |visit, form| {
        let page = asking(&visit, form).await;
        (visit, page)
    })
    .await
}

async fn asking(visit: &Visit, form: Option<Parameters>) -> Page {
    let Some(form) = form else {
        // Where one got to by asking: the same for every address.
        if visit.parts.uri.query().unwrap_or_default().split('&').any(|pair| pair == "sent=1") {
            return Ok(said(visit, "reset-sent-title", "reset-sent"));
        }
        return ask_page(visit, String::new(), None);
    };
    if !visit.holds("reset", &form) {
        return Ok(visit.stale());
    }
    let address = form.text("username").unwrap_or_default().to_owned();
    match visit.oauth.core.request_password_reset(&visit.meta, &address, Asked::AtAPage(visit.letters())).await {
        Ok(()) => Ok(see_other("reset?sent=1")),
        Err(OpError::Throttled(_)) => ask_page(visit, address, Some("sign-in-busy")),
        Err(other) => Err(other),
    }
}

fn ask_page(visit: &Visit, username: String, problem: Option<&'static str>) -> Page {
    let status = if problem.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let page = views::Reset { frame: visit.frame(), csrf: visit.token("reset")?, username, problem };
    Ok(respond(status, &page, FormTarget::Here))
}

pub(crate) async fn reset(State(oauth): Shared, Path(link): Path<String>, request: Request) -> Response {
    let link = SecretKey::new(link);
    visit(oauth, request, "ResetPassword", async |visit, form| {
        let page = PasswordLink::Letter.page(&visit, &link, form).await;
        (visit, page)
    })
    .await
}

pub(crate) async fn not_me(State(oauth): Shared, Path(link): Path<String>, request: Request) -> Response {
    let link = SecretKey::new(link);
    visit(oauth, request, "DisownEvent", async |visit, form| {
        let page = disowning(&visit, &link, form).await;
        (visit, page)
    })
    .await
}

async fn disowning(visit: &Visit, link: &SecretKey, form: Option<Parameters>) -> Page {
    let core = &visit.oauth.core;
    let Some(found) = core.disowned(link).await? else { return Ok(gone(visit)) };
    if let Some(form) = form {
        if !visit.holds("not-me", &form) {
            return Ok(visit.stale());
        }
        return Ok(if core.disown(&visit.meta, link).await? {
            let text = if found.what == What::AddressChanged { "not-me-done-address" } else { "not-me-done" };
            said(visit, "not-me-done-title", text)
        } else {
            gone(visit)
        });
    }
    let (what, does) = match found.what {
        What::SignedIn => ("not-me-signed-in", "not-me-ends-all"),
        What::Consented => ("not-me-consented", "not-me-ends-consent"),
        What::KeyMade => ("not-me-key-made", "not-me-ends-key"),
        What::PasswordChanged => ("not-me-password-changed", "not-me-ends-all"),
        What::FactorRemoved => ("not-me-factor-removed", "not-me-ends-all"),
        What::AddressChanged => ("not-me-address-changed", "not-me-ends-address"),
    };
    let at = found.at.to_iso().replace('T', " ").replace('Z', " UTC");
    let page = views::NotMe { frame: visit.frame(), csrf: visit.token("not-me")?, person: found.person, what, does, at };
    Ok(respond(StatusCode::OK, &page, FormTarget::Here))
}
