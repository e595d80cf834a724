//! `/oauth/code`: where the answer of a sign-in is shown instead of sent, because the program waits at a terminal that this browser
//! cannot reach.
//!
//! The code is worth nothing but to the process that asked: its verifier (RFC 7636) and its key (RFC 9449) are needed with it. What is
//! left to a liar is to start a sign-in himself and to talk somebody into telling him the code, so the page says whom not to tell.

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;
use tegata_core::signin::CODE_PAGE;
use tegata_oauth::ErrorCode;

use super::{
    Shared,
    visit::{Visit, visit},
};
use crate::{
    IssuerSettings,
    pages::{FormTarget, respond, views},
};

/// What the page says of the code's life: see the core, which sets it.
const MINUTES: &str = "5";
/// Letters of one group, as they are shown.
const GROUP: usize = 4;
/// Longest code that is shown.
const LONGEST: usize = 32;

/// The name that this page has in the core, if a client names it by one of our own addresses; any other redirect URI as it is.
pub(crate) fn named(settings: &IssuerSettings, uri: String) -> String {
    let is_here = settings.urls().any(|url| uri.strip_prefix(url) == Some(CODE_PAGE));
    if is_here { CODE_PAGE.to_owned() } else { uri }
}

/// The way from the page of the request to this one, with what is to be shown and what says that it was made for this browser.
pub(crate) fn link(visit: &Visit, pairs: &[(String, String)]) -> String {
    let root = visit.root();
    let text = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    match text("code").and_then(|code| Some((code, visit.code_mark(code).ok()?))) {
        Some((code, mark)) => format!("{root}oauth/code?code={code}&mark={mark}"),
        None => format!("{root}oauth/code?error={}", text("error").unwrap_or("server_error")),
    }
}

pub(crate) async fn receive(State(oauth): Shared, request: Request) -> Response {
    visit(oauth, request, "Code", async |visit, _| {
        let page = page(&visit);
        (visit, Ok(page))
    })
    .await
}

fn page(visit: &Visit) -> Response {
    if visit.ours("error") == Some(ErrorCode::AccessDenied.name()) {
        let page = views::Done { frame: visit.frame(), title: "done-denied-title", text: "done-denied" };
        return respond(StatusCode::OK, &page, FormTarget::Here);
    }
    let code = visit.ours("code").filter(|code| code.len() <= LONGEST && code.bytes().all(|b| b.is_ascii_uppercase()));
    // Nobody can make this page show a code of his own.
    let Some(code) = code.filter(|code| visit.ours("mark").is_some_and(|mark| visit.code_mark_holds(code, mark))) else {
        let what = visit.frame().t.say("code-gone");
        return visit.problem(StatusCode::NOT_FOUND, "problem-expired-title", what, None);
    };
    let letters: Vec<char> = code.chars().collect();
    let groups = letters.chunks(GROUP).map(|group| group.iter().collect()).collect();
    let page = views::Code { frame: visit.frame(), groups, minutes: MINUTES.to_owned() };
    respond(StatusCode::OK, &page, FormTarget::Here)
}
