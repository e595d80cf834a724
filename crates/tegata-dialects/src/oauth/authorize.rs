//! `/oauth/authorize` and `/oauth2/v1/auth`: a client sends a browser here, and gets it back with a code (RFC 6749 §4.1, RFC 9207).
//!
//! The URL is the whole request: each page is worked out anew from it and from what is stored, and each form goes back to it. Until
//! client and redirect URI have been found good, nobody is sent anywhere.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;
use tegata_core::{
    GrantFailure, OpError,
    directory::PasswordRule,
    signin::{Application, Browser, CODE_PAGE, Choice, Done, Next, Refusal, Step},
};
use tegata_model::SecretKey;
use tegata_oauth::{
    AuthorizationRequest, Challenge, Destination, ErrorCode, OauthError, Parameters, Prompt, authorization_request::MAX_STATE,
};
use tegata_sign::form;

use super::{
    Shared, code_page,
    visit::{Page, Visit, see_other, visit},
};
use crate::{
    edge::qr,
    pages::{
        FormTarget, Texts, respond,
        views::{self, AccountShown, ClientShown},
    },
};

/// The step, and the choice, of whoever wants to sign in as somebody else.
pub(crate) const SOMEBODY_ELSE: &str = "somebody-else";

/// Whose application the official one is.
const PUBLISHER: &str = "tegata";

pub(crate) async fn receive(State(oauth): Shared, request: Request) -> Response {
    visit(oauth, request, "Authorize", async |mut visit, form| {
        let page = answer(&mut visit, form).await;
        (visit, page)
    })
    .await
}

/// A request whose client and redirect URI are good.
struct Asked {
    request: AuthorizationRequest,
    application: Application,
}

async fn answer(visit: &mut Visit, form: Option<Parameters>) -> Page {
    let asked = match read(visit).await? {
        Ok(asked) => asked,
        Err(response) => return Ok(response),
    };
    let done = Done {
        signed_in: visit.has_signed_in_for_it(),
        installed: visit.ours("step") == Some("installed"),
        choice: match visit.ours("step") {
            Some(SOMEBODY_ELSE) => Choice::SomebodyElse,
            _ if visit.has_chosen() => Choice::Chosen,
            _ => Choice::Unsaid,
        },
        several: visit.is_several(),
    };
    let core = Arc::clone(&visit.oauth.core);
    let next = core.next(&visit.meta, &asked.request, &asked.application, visit.browser.as_ref(), done).await?;
    if asked.request.prompt.none {
        return without_asking(visit, &asked, next).await;
    }
    match form {
        Some(form) => act(visit, &asked, next, &form).await,
        None => show(visit, &asked, next, None, StatusCode::OK).await,
    }
}

/// Reads the request. What is wrong before the destination is known to be good is told here; what is wrong after, there.
async fn read(visit: &Visit) -> Result<Result<Asked, Response>, OpError> {
    let here = |error: OauthError| Ok(Err(visit.problem(StatusCode::BAD_REQUEST, "problem-request-title", error.description, None)));
    let query = visit.query();
    let pairs = match form::decode(&query) {
        Ok(pairs) => pairs,
        Err(error) => return here(OauthError::request(format!("the query cannot be read: {error}"))),
    };
    let parameters = match Parameters::of(pairs) {
        Ok(parameters) => parameters,
        Err(error) => return here(error),
    };
    let mut destination = match Destination::parse(&parameters) {
        Ok(destination) => destination,
        Err(error) => return here(error),
    };
    destination.redirect_uri = destination.redirect_uri.map(|uri| code_page::named(&visit.oauth.settings, uri));
    let core = &visit.oauth.core;
    // Only who asks and where to; whatever else is wrong may be told to the client.
    let bare = AuthorizationRequest {
        destination,
        scope: None,
        state: None,
        nonce: None,
        challenge: Challenge::parse(&"A".repeat(43)).ok(),
        prompt: Prompt::default(),
        max_age: None,
        offline: false,
        dpop_key: None,
    };
    let frame = visit.frame();
    let known = match core.application(&bare).await {
        Ok(known) => known,
        Err(OpError::Authentication(_)) => return here(OauthError::request(frame.t.say("client-unknown"))),
        Err(OpError::Grant(GrantFailure::Redirect)) => {
            let uri: String = bare.destination.redirect_uri.unwrap_or_default().chars().take(200).collect();
            return here(OauthError::request(frame.t.say1("redirect-unknown", "uri", &uri)));
        }
        Err(other) => return Err(other),
    };
    let state = parameters.text("state").filter(|state| state.len() <= MAX_STATE);
    let there = |code: ErrorCode, text: &str| Ok(Err(see_other(&failed(visit, &known, state, code, text))));
    let mut request = match AuthorizationRequest::parse(&parameters) {
        Ok(request) => request,
        Err(error) => return there(error.code, &error.description),
    };
    request.destination.redirect_uri = Some(known.redirect_uri.clone());
    match core.application(&request).await {
        Ok(application) => Ok(Ok(Asked { request, application })),
        Err(OpError::Grant(failure @ GrantFailure::Scope(_))) => there(ErrorCode::InvalidScope, &failure.to_string()),
        Err(OpError::Grant(GrantFailure::Verifier)) => there(ErrorCode::InvalidRequest, "a code challenge is needed"),
        Err(other) => Err(other),
    }
}

/// The destination with an error in it (RFC 6749 §4.1.2.1).
fn failed(visit: &Visit, application: &Application, state: Option<&str>, code: ErrorCode, description: &str) -> String {
    let mut pairs = vec![("error".to_owned(), code.name().to_owned())];
    let plain = description.chars().map(|c| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '?' }).collect();
    pairs.push(("error_description".to_owned(), plain));
    extended(visit, &application.redirect_uri, state, pairs)
}

/// The destination with these parameters, the client's state, and who we are (RFC 9207).
fn extended(visit: &Visit, redirect_uri: &str, state: Option<&str>, mut pairs: Vec<(String, String)>) -> String {
    if redirect_uri == CODE_PAGE {
        return code_page::link(visit, &pairs);
    }
    pairs.extend(state.map(|state| ("state".to_owned(), state.to_owned())));
    pairs.push(("iss".to_owned(), visit.oauth.settings.public_url.clone()));
    let joint = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{joint}{}", form::encode(&pairs))
}

/// Answers a client that wants nobody asked.
async fn without_asking(visit: &Visit, asked: &Asked, next: Next) -> Page {
    let code = match next {
        Next::Redirect => return approve(visit, asked, false).await,
        Next::SignIn | Next::OneTimeCode | Next::NewPassword | Next::NewFactor => ErrorCode::LoginRequired,
        _ => ErrorCode::InteractionRequired,
    };
    Ok(see_other(&failed(visit, &asked.application, asked.request.state.as_deref(), code, "somebody would have to be asked")))
}

/// Sends the browser back with a code.
async fn approve(visit: &Visit, asked: &Asked, consented: bool) -> Page {
    let Some(browser) = visit.signed_in() else { return Ok(again(visit, "")) };
    let approved = visit.oauth.core.approve(&visit.meta, &asked.request, &browser.who(), consented).await?;
    let pairs = vec![("code".to_owned(), approved.code.expose().to_owned())];
    Ok(see_other(&extended(visit, &approved.redirect_uri, approved.state.as_deref(), pairs)))
}

/// The same request once more, with something of ours behind it.
fn again(visit: &Visit, ours: &str) -> Response {
    let query = visit.query();
    see_other(&match (query.as_str(), ours) {
        ("", "") => visit.parts.uri.path().to_owned(),
        (query, "") => format!("?{query}"),
        ("", ours) => format!("?{ours}"),
        (query, ours) => format!("?{query}&{ours}"),
    })
}

/// Does what a form asks, if the form is the one of the page that comes next.
async fn act(visit: &mut Visit, asked: &Asked, next: Next, form: &Parameters) -> Page {
    match &next {
        Next::ChooseAccount => {
            if !visit.holds(step_of(&next), form) {
                return Ok(visit.stale());
            }
            match form.text("account") {
                Some(SOMEBODY_ELSE) => Ok(again(visit, &format!("step={SOMEBODY_ELSE}"))),
                Some(person) if visit.choose(person) => {
                    let mark = format!("chosen={}", visit.chosen_mark()?);
                    Ok(again(visit, &mark))
                }
                _ => Ok(again(visit, "")),
            }
        }
        Next::SignIn | Next::OneTimeCode | Next::NewPassword | Next::NewFactor => {
            let stage = step_of(&next);
            if !visit.holds(stage, form) {
                return match next {
                    Next::SignIn => show(visit, asked, next, Some(Refusal::Expired), StatusCode::FORBIDDEN).await,
                    _ => Ok(visit.stale()),
                };
            }
            match take(visit, stage, form).await? {
                Ok(()) => {
                    let mark = format!("login={}", visit.login_mark()?);
                    Ok(again(visit, &mark))
                }
                Err(refusal) => {
                    let status = status_of(&refusal);
                    show(visit, asked, next, Some(refusal), status).await
                }
            }
        }
        Next::AdminConsent(_) | Next::Consent(..) => {
            if !visit.holds(step_of(&next), form) {
                return Ok(visit.stale());
            }
            let denied = "the person said no";
            match form.text("decision") {
                Some("allow") => {}
                Some("deny") => {
                    let state = asked.request.state.as_deref();
                    return Ok(see_other(&failed(visit, &asked.application, state, ErrorCode::AccessDenied, denied)));
                }
                _ => return Ok(again(visit, "")),
            }
            if matches!(next, Next::Consent(..)) {
                return approve(visit, asked, true).await;
            }
            let Some(browser) = visit.signed_in() else { return Ok(again(visit, "")) };
            // Whoever installs an application does not hand out a code by the same click.
            match visit.oauth.core.install_at_page(&visit.meta, &asked.application, browser).await {
                Ok(true) => Ok(again(visit, "step=installed")),
                Ok(false) => Ok(again(visit, "")),
                Err(OpError::Denied(_)) => show(visit, asked, Next::Unauthorized, None, StatusCode::FORBIDDEN).await,
                Err(other) => Err(other),
            }
        }
        Next::Unauthorized | Next::Foreign | Next::NotAssigned | Next::Redirect => Ok(again(visit, "")),
    }
}

/// What a form of this step is called in its token.
pub(crate) fn step_of(next: &Next) -> &'static str {
    match next {
        Next::SignIn => "sign-in",
        Next::OneTimeCode => "one-time-code",
        Next::NewPassword => "new-password",
        Next::NewFactor => "new-factor",
        Next::ChooseAccount => "choose-account",
        Next::AdminConsent(_) => "admin-consent",
        Next::Consent(_, false) => "consent",
        Next::Consent(_, true) => "continue",
        Next::Unauthorized | Next::Foreign | Next::NotAssigned | Next::Redirect => "nothing",
    }
}

/// Takes one step of signing in, as its form says. The form has been found to be ours.
pub(crate) async fn take(visit: &mut Visit, step: &str, form: &Parameters) -> Result<Result<(), Refusal>, OpError> {
    let core = Arc::clone(&visit.oauth.core);
    let text = |name: &str| form.text(name).unwrap_or_default().to_owned();
    let browser = visit.browser.clone();
    let done: Step = match (step, browser) {
        ("sign-in", _) => core.sign_in(&visit.meta, &visit.known_by, &text("username"), SecretKey::new(text("password"))).await,
        ("one-time-code", Some(browser)) => core.one_time_code(&visit.meta, &browser, &visit.known_by, &text("otp")).await,
        ("new-factor", Some(browser)) => core.prove_factor(&visit.meta, &browser, &visit.known_by, &text("otp")).await,
        ("new-password", Some(browser)) => {
            let password = Arc::new(SecretKey::new(text("password")));
            if *password != SecretKey::new(text("again")) {
                return Ok(Err(Refusal::Password(vec![PasswordRule::TheSameTwice])));
            }
            core.new_password(&visit.meta, &browser, &visit.known_by, password).await
        }
        _ => Ok(Err(Refusal::Expired)),
    };
    Ok(match done? {
        Ok(stepped) => {
            visit.step(&stepped).await?;
            Ok(())
        }
        Err(refusal) => Err(refusal),
    })
}

/// The status of a refusal: what slows people down says so to their programs too.
pub(crate) fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::TooMany(_) | Refusal::TooManyCodes | Refusal::Busy => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Wrong | Refusal::Code => StatusCode::UNAUTHORIZED,
        Refusal::Password(_) => StatusCode::BAD_REQUEST,
        Refusal::Inactive | Refusal::Network | Refusal::TooOld | Refusal::Expired => StatusCode::FORBIDDEN,
    }
}

/// The key of the text for a refusal.
pub(crate) fn words_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Wrong | Refusal::Password(_) => "sign-in-wrong",
        Refusal::TooMany(_) => "sign-in-slow",
        Refusal::Busy => "sign-in-busy",
        Refusal::Inactive => "sign-in-inactive",
        Refusal::Network => "sign-in-network",
        Refusal::TooOld => "sign-in-old",
        Refusal::Code => "otp-wrong",
        Refusal::TooManyCodes => "otp-capped",
        Refusal::Expired => "sign-in-expired",
    }
}

/// The application as pages show it.
pub(crate) fn shown(application: &Application) -> ClientShown {
    ClientShown { name: application.display_name().to_owned(), official: application.is_official() }
}

/// The account that the application belongs to, where that is another than the person's own.
async fn publisher(visit: &Visit, application: &Application) -> Result<Option<String>, OpError> {
    match &visit.browser {
        Some(browser) => visit.oauth.core.publisher(application, browser).await,
        None => Ok(None),
    }
}

/// The host of a redirect URI; nothing for a program of this computer.
fn redirect_host(application: &Application) -> Option<String> {
    let origin = application.form_action.as_str();
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let local = host.is_empty() || host.starts_with("127.0.0.1") || host.starts_with("[::1]");
    (!local).then(|| host.to_owned())
}

async fn show(visit: &Visit, asked: &Asked, next: Next, refusal: Option<Refusal>, status: StatusCode) -> Page {
    let application = &asked.application;
    let target = if application.shows_code() { FormTarget::Here } else { FormTarget::Origin(&application.form_action) };
    let (frame, client, csrf) = (visit.frame(), shown(application), visit.token(step_of(&next))?);
    let browser = visit.browser.as_ref();
    let account = browser.map(|browser| browser.account().0).unwrap_or_default();
    let installed = visit.ours("step") == Some("installed");
    Ok(match next {
        Next::ChooseAccount => respond(status, &views::ChooseAccount { frame, csrf, accounts: accounts(visit) }, FormTarget::Here),
        Next::SignIn | Next::OneTimeCode | Next::NewPassword | Next::NewFactor => {
            return sign_in_page(visit, step_of(&next), Some(client), refusal, (status, target)).await;
        }
        // Just installed: first whoever installed it reads what that means.
        Next::NotAssigned | Next::Consent(..) if installed && application.is_official() => {
            let root = frame.root.clone();
            let assignments = format!("{root}apps/{}/assignments", application.app_id());
            let without: Vec<_> = visit.query().split('&').filter(|pair| !pair.starts_with("prompt=")).map(str::to_owned).collect();
            let go_on = Some(format!("?{}", without.join("&")));
            respond(status, &views::Installed { frame, client: client.name, account, assignments, go_on }, target)
        }
        Next::AdminConsent(scope) => {
            let foreign = publisher(visit, application).await?;
            let page = views::AdminConsent {
                frame,
                csrf,
                client,
                foreign: foreign.is_some(),
                publisher: match foreign {
                    Some(other) => other,
                    None if application.is_official() => PUBLISHER.to_owned(),
                    None => account.clone(),
                },
                account,
                redirect_host: if application.shows_code() {
                    visit.oauth.settings.public_url.clone()
                } else {
                    application.form_action.clone()
                },
                scopes: scope.words().map(str::to_owned).collect(),
            };
            respond(status, &page, target)
        }
        Next::Unauthorized => {
            let csrf = visit.sign_out_token()?;
            let page = views::UnauthorizedCall { frame, csrf, client: client.name, account, request_id: visit.meta.id.to_uuid() };
            respond(StatusCode::FORBIDDEN, &page, target)
        }
        Next::Foreign => {
            let what = frame.t.say1("client-foreign", "client", &client.name);
            visit.problem(StatusCode::FORBIDDEN, "problem-title", what, None)
        }
        Next::NotAssigned => {
            let csrf = visit.sign_out_token()?;
            let (identity, command) = browser.map(assignable).unwrap_or_default();
            let command = format!("tegata apps assign {} {command}", client.name);
            respond(StatusCode::FORBIDDEN, &views::NotAssigned { frame, csrf, client: client.name, account, identity, command }, target)
        }
        Next::Consent(scope, remembered) => {
            let who = browser.map(Browser::person).unwrap_or_default();
            let page = views::Consent {
                frame,
                csrf,
                client,
                account: if remembered { who } else { account },
                role: browser.and_then(Browser::role),
                publisher: publisher(visit, application).await?,
                scopes: scope.words().map(str::to_owned).collect(),
                redirect_host: redirect_host(application),
                shows_code: application.shows_code(),
                remembered,
            };
            respond(status, &page, target)
        }
        Next::Redirect => return approve(visit, asked, false).await,
    })
}

/// Whom an administrator would have to assign: in words, and as flags of the command.
pub(crate) fn assignable(browser: &Browser) -> (String, String) {
    match browser.role() {
        Some(role) => (format!("role {role}"), format!("--role {role}")),
        None => (format!("user {}", browser.person_name()), format!("--user {}", browser.person_name())),
    }
}

/// Everybody who is signed in with this browser, as the page to choose from shows it.
pub(crate) fn accounts(visit: &Visit) -> Vec<AccountShown> {
    let shown = |browser: &Browser| {
        let (alias, number) = browser.account();
        AccountShown { alias, number, user: browser.person(), role: browser.role() }
    };
    visit.people().into_iter().map(shown).collect()
}

/// What a password must have, in the reader's words.
pub(crate) fn rules_in_words(t: Texts, rules: &[PasswordRule]) -> Vec<String> {
    rules.iter().map(|rule| rule_in_words(t, *rule)).collect()
}

fn rule_in_words(t: Texts, rule: PasswordRule) -> String {
    let counted = |key, number: u32| t.say1(key, "number", &number.to_string());
    match rule {
        PasswordRule::AtLeast(number) => counted("rule-at-least", number),
        PasswordRule::AtMost(number) => counted("rule-at-most", number),
        PasswordRule::NoControl => t.say("rule-no-control"),
        PasswordRule::Lowercase => t.say("rule-lowercase"),
        PasswordRule::Uppercase => t.say("rule-uppercase"),
        PasswordRule::Digit => t.say("rule-digit"),
        PasswordRule::Symbol => t.say("rule-symbol"),
        PasswordRule::Different(number) => counted("rule-different", number),
        PasswordRule::NotTheName => t.say("rule-not-the-name"),
        PasswordRule::NoneOfTheLast(number) => counted("rule-none-of-the-last", number),
        PasswordRule::New => t.say("rule-new"),
        PasswordRule::TheSameTwice => t.say("new-password-differs"),
    }
}

/// Why a new password was refused, in the reader's words.
pub(crate) fn refused_password(t: Texts, refusal: &Refusal) -> String {
    match refusal {
        Refusal::Password(rules) if matches!(rules.as_slice(), [PasswordRule::TheSameTwice]) => t.say("new-password-differs"),
        Refusal::Password(rules) => t.say1("new-password-weak", "rules", &rules_in_words(t, rules).join(&t.say("rule-comma"))),
        other => t.say(words_of(other)),
    }
}

/// A long text in groups of four, as people read and type it.
fn in_fours(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect()).collect()
}

/// The page of one step of signing in.
pub(crate) async fn sign_in_page(
    visit: &Visit,
    step: &'static str,
    client: Option<ClientShown>,
    refusal: Option<Refusal>,
    (status, target): (StatusCode, FormTarget<'_>),
) -> Page {
    let (frame, csrf) = (visit.frame(), visit.token(step)?);
    let username = visit.browser.as_ref().map(Browser::person).unwrap_or_default();
    Ok(match (step, &visit.browser) {
        ("one-time-code", _) => {
            respond(status, &views::OneTimeCode { frame, csrf, username, problem: refusal.as_ref().map(words_of) }, target)
        }
        ("new-password", Some(browser)) => {
            let rules = rules_in_words(frame.t, &visit.oauth.core.password_rules(browser).await?);
            let problem = refusal.map(|refusal| refused_password(frame.t, &refusal));
            respond(status, &views::NewPassword { frame, csrf, username, rules, problem }, target)
        }
        ("new-factor", Some(browser)) => {
            let Some(factor) = visit.oauth.core.new_factor(browser)? else { return Ok(again(visit, "")) };
            let Some((size, picture)) = qr::svg_path(factor.address.expose()) else {
                return Err(OpError::internal("the address of a device is too long for a picture"));
            };
            let seed = in_fours(factor.seed.expose());
            let problem = refusal.as_ref().map(words_of);
            respond(status, &views::NewFactor { frame, csrf, username, size, picture, seed, problem }, target)
        }
        _ => respond(status, &views::SignIn { frame, csrf, client, username, problem: refusal.as_ref().map(words_of) }, target),
    })
}
