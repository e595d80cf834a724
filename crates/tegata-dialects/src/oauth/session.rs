//! `/signin`, `/signout`, `/switch-role`, `/welcome/…` and the files that pages need: what a person does here without a client.

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::StatusCode;
use tegata_core::signin::{Browser, Next, Refusal, Stage};
use tegata_model::SecretKey;
use tegata_oauth::Parameters;

use super::{
    Shared,
    authorize::{SOMEBODY_ELSE, accounts, sign_in_page, status_of, step_of, take},
    password_link::PasswordLink,
    visit::{Page, Visit, see_other, visit},
};
use crate::pages::{FormTarget, asset, respond, views};

/// A file that pages need.
pub(crate) async fn file(State(oauth): Shared, Path(name): Path<String>, request: Request) -> Response {
    match asset(&name) {
        Some(response) => response,
        None => missing(State(oauth), request).await,
    }
}

async fn missing(State(oauth): Shared, request: Request) -> Response {
    visit(oauth, request, "Page", async |visit, _| {
        let what = visit.frame().t.say("nothing-here");
        let page = visit.problem(StatusCode::NOT_FOUND, "problem-missing-title", what, None);
        (visit, Ok(page))
    })
    .await
}

pub(crate) async fn sign_in(State(oauth): Shared, request: Request) -> Response {
    visit(oauth, request, "SignIn", async |mut visit, form| {
        let page = signing_in(&mut visit, form).await;
        (visit, page)
    })
    .await
}

/// Where to after signing in: only to pages of ours that ask for it.
fn destination(visit: &Visit) -> String {
    let wanted = visit.query().split('&').find_map(|pair| pair.strip_prefix("to=").map(str::to_owned)).unwrap_or_default();
    let application = wanted.strip_prefix("apps/").and_then(|rest| rest.strip_suffix("/assignments"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if wanted == "switch-role" || application.is_some_and(plain) { wanted } else { "signin".to_owned() }
}

async fn signing_in(visit: &mut Visit, form: Option<Parameters>) -> Page {
    let somebody_else = visit.ours("step") == Some(SOMEBODY_ELSE);
    let step = match visit.browser.as_ref().map(Browser::stage) {
        Some(Stage::SignedIn) if somebody_else => step_of(&Next::SignIn),
        Some(Stage::SignedIn) => return Ok(if form.is_some() { see_other("signin") } else { signed_in(visit)? }),
        Some(Stage::OneTimeCode) => step_of(&Next::OneTimeCode),
        Some(Stage::NewPassword) => step_of(&Next::NewPassword),
        Some(Stage::NewFactor) => step_of(&Next::NewFactor),
        None => step_of(&Next::SignIn),
    };
    let Some(form) = form else { return sign_in_page(visit, step, None, None, (StatusCode::OK, FormTarget::Here)).await };
    let refusal = if visit.holds(step, &form) {
        match take(visit, step, &form).await? {
            // What is still to come is asked at the same place.
            Ok(()) => {
                let query = visit.query();
                return Ok(see_other(&if query.is_empty() { "signin".to_owned() } else { format!("signin?{query}") }));
            }
            Err(refusal) => refusal,
        }
    } else {
        Refusal::Expired
    };
    let status = status_of(&refusal);
    sign_in_page(visit, step, None, Some(refusal), (status, FormTarget::Here)).await
}

/// The page of whoever is signed in, or the page that was asked for.
fn signed_in(visit: &Visit) -> Result<Response, tegata_core::OpError> {
    let wanted = destination(visit);
    if wanted != "signin" {
        return Ok(see_other(&wanted));
    }
    let Some(browser) = visit.signed_in() else { return Ok(see_other("signin")) };
    let (account, account_number) = browser.account();
    let until = browser.expires_at().to_iso().replace('T', " ").replace('Z', " UTC");
    let (user, role) = (browser.person(), browser.role());
    let several = visit.is_several();
    let page = views::SignedIn { frame: visit.frame(), csrf: visit.sign_out_token()?, account, account_number, user, role, until, several };
    Ok(respond(StatusCode::OK, &page, FormTarget::Here))
}

pub(crate) async fn sign_out(State(oauth): Shared, request: Request) -> Response {
    visit(oauth, request, "SignOut", async |mut visit, form| {
        let page = signing_out(&mut visit, form).await;
        (visit, page)
    })
    .await
}

async fn signing_out(visit: &mut Visit, form: Option<Parameters>) -> Page {
    // A link cannot sign out: it leads to the page with the button.
    let (Some(form), Some(_)) = (form, visit.browser.as_ref()) else { return Ok(see_other("signin")) };
    if !visit.may_sign_out(&form) {
        return Ok(visit.stale());
    }
    // Nobody stays signed in with a browser that was signed out.
    for browser in visit.forget() {
        visit.oauth.core.sign_out(&visit.meta, &browser).await?;
    }
    Ok(see_other("signin"))
}

pub(crate) async fn choose_account(State(oauth): Shared, request: Request) -> Response {
    visit(oauth, request, "ChooseAccount", async |mut visit, form| {
        let page = choosing(&mut visit, form.as_ref());
        (visit, page)
    })
    .await
}

/// As whom to go on, where several are signed in with the browser.
fn choosing(visit: &mut Visit, form: Option<&Parameters>) -> Page {
    let step = step_of(&Next::ChooseAccount);
    if visit.signed_in().is_none() {
        return Ok(see_other("signin"));
    }
    let Some(form) = form else {
        let page = views::ChooseAccount { frame: visit.frame(), csrf: visit.token(step)?, accounts: accounts(visit) };
        return Ok(respond(StatusCode::OK, &page, FormTarget::Here));
    };
    if !visit.holds(step, form) {
        return Ok(visit.stale());
    }
    match form.text("account") {
        Some(SOMEBODY_ELSE) => Ok(see_other(&format!("signin?step={SOMEBODY_ELSE}"))),
        Some(person) if visit.choose(person) => Ok(see_other("signin")),
        _ => Ok(see_other("choose-account")),
    }
}

pub(crate) async fn switch_role(State(oauth): Shared, request: Request) -> Response {
    visit(oauth, request, "SwitchRole", async |visit, form| {
        let page = switching(&visit, form).await;
        (visit, page)
    })
    .await
}

async fn switching(visit: &Visit, form: Option<Parameters>) -> Page {
    let Some(browser) = visit.signed_in() else { return Ok(see_other("signin?to=switch-role")) };
    let mut problem = None;
    let mut typed = (browser.account().0, String::new());
    if let Some(form) = form {
        if !visit.holds("switch-role", &form) {
            return Ok(visit.stale());
        }
        let core = &visit.oauth.core;
        if form.text("back").is_some() {
            core.switch_back(browser).await?;
            return Ok(see_other("switch-role"));
        }
        let text = |name: &str| form.text(name).unwrap_or_default().to_owned();
        typed = (text("account"), text("role"));
        if core.switch_role(&visit.meta, browser, &typed.0, &typed.1).await? {
            return Ok(see_other("signin"));
        }
        problem = Some(visit.frame().t.say("switch-refused"));
    }
    let status = if problem.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let (frame, csrf, acting) = (visit.frame(), visit.token("switch-role")?, browser.role());
    Ok(respond(status, &views::SwitchRole { frame, csrf, account: typed.0, role: typed.1, acting, problem }, FormTarget::Here))
}

pub(crate) async fn welcome(State(oauth): Shared, Path(link): Path<String>, request: Request) -> Response {
    let link = SecretKey::new(link);
    visit(oauth, request, "Welcome", async |visit, form| {
        let page = PasswordLink::Welcome.page(&visit, &link, form).await;
        (visit, page)
    })
    .await
}
