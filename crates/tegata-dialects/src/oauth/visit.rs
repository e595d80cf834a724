//! One visit of a person's browser: whose it is, which language it reads, and whether a form that comes back is one of ours.
//!
//! A form is good once its token was made for what the browser is known by, for the browser's own cookie, for the step, and for the
//! request it stands in. So no other site, no other browser and no other tab can send it.

use std::sync::Arc;

use axum::{body::Body, extract::Request, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use tegata_core::{
    OpError, RequestMeta,
    signin::{Browser, Stage, Stepped},
};
use tegata_model::SecretKey;
use tegata_oauth::Parameters;

use super::{NAME, Oauth, error::OauthFault, proof};
use crate::{
    edge::{
        meta,
        span::{self, Journal},
    },
    pages::{FormTarget, Frame, LANGUAGE_COOKIE, Language, respond, views},
};

/// What a browser is known by, and what says that somebody is signed in with it.
const KNOWN_BY: &str = "tegata-browser";
const SIGNED_IN: &str = "tegata";
/// Who else is signed in with it.
const OTHERS: &str = "tegata-others";
/// How many may be, besides the one that counts.
const MOST_OTHERS: usize = 4;
/// With this before it, no neighbour of the host can set a cookie (RFC 6265bis §4.1.3.2).
const HOST_ONLY: &str = "__Host-";
/// How long a language is remembered, in seconds.
const CHOSEN: u64 = 365 * 86_400;
/// How long a browser is known after a sign-in with it, in seconds.
const KNOWN: u64 = 30 * 86_400;
/// Parameters of the URL that are ours and not the client's.
const OURS: [&str; 4] = ["lang", "step", "login", "chosen"];

/// One request of a browser.
pub(crate) struct Visit {
    pub(crate) oauth: Arc<Oauth>,
    pub(crate) parts: Parts,
    pub(crate) meta: RequestMeta,
    /// Who is signed in, or about to be.
    pub(crate) browser: Option<Browser>,
    /// Who else is signed in with this browser, each with its cookie.
    others: Vec<(String, Browser)>,
    /// What the browser is known by.
    pub(crate) known_by: String,
    language: Language,
    cookie: String,
    secure: bool,
    cookies: Vec<String>,
}

/// What a handler gives back.
pub(crate) type Page = Result<Response, OpError>;

/// Answers one request of a browser.
pub(crate) async fn visit<F>(
    oauth: Arc<Oauth>,
    request: Request,
    name: &'static str,
    handler: impl FnOnce(Visit, Option<Parameters>) -> F,
) -> Response
where
    F: Future<Output = (Visit, Page)>,
{
    let (parts, body) = request.into_parts();
    let meta = meta::read(&oauth.core, &parts, &oauth.settings.trusted_proxies);
    span::within(NAME, &meta.clone(), || async move {
        let mut journal = Journal::new();
        journal.operation = name;
        let response = match serve(oauth, parts, body, meta, handler).await {
            Ok((visit, page)) => {
                if let Some(browser) = &visit.browser {
                    journal.named(format!("browser of {}", browser.person()));
                }
                let response = page.unwrap_or_else(|error| {
                    let fault = OauthFault::from(error);
                    journal.failure(&fault);
                    visit.problem(fault.status, "problem-title", fault.description, None)
                });
                visit.finish(response)
            }
            Err(fault) => {
                journal.failure(&fault);
                plain(fault.status, &fault.description)
            }
        };
        (response, journal)
    })
    .await
}

async fn serve<F>(
    oauth: Arc<Oauth>,
    parts: Parts,
    body: Body,
    meta: RequestMeta,
    handler: impl FnOnce(Visit, Option<Parameters>) -> F,
) -> Result<(Visit, Page), OauthFault>
where
    F: Future<Output = (Visit, Page)>,
{
    let refused = |status, text: &str| OauthFault::new(status, tegata_oauth::ErrorCode::InvalidRequest, text);
    if !oauth.settings.is_page_host(host(&parts.headers)) {
        return Err(refused(StatusCode::MISDIRECTED_REQUEST, "this server is not known by that name"));
    }
    let posted = parts.method == http::Method::POST;
    let secure = meta.secure || oauth.settings.public_url.starts_with("https://");
    if posted && !same_origin(&parts.headers, secure) {
        return Err(refused(StatusCode::FORBIDDEN, "the form was sent by another site; nothing was done"));
    }
    let form = if posted { Some(proof::parameters(&parts, body).await?) } else { None };
    let visit = Visit::read(oauth, parts, meta, secure).await?;
    Ok(handler(visit, form).await)
}

/// A few words where there can be no page.
fn plain(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    response.headers_mut().extend([
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox")),
    ]);
    response
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn host(headers: &HeaderMap) -> &str {
    text(headers, header::HOST).unwrap_or_default()
}

/// True unless the browser says that another site sent the form. What is no browser says nothing, and has the form's token to show.
fn same_origin(headers: &HeaderMap, secure: bool) -> bool {
    if text(headers, "sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return false;
    }
    let scheme = if secure { "https" } else { "http" };
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => origin.as_bytes() == format!("{scheme}://{}", host(headers)).as_bytes(),
        (Some(_), Some(_)) => false,
    }
}

/// The cookie of that name. Twice means that somebody else has set one too: then neither counts.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    cookie_of(headers, name, 128)
}

fn cookie_of(headers: &HeaderMap, name: &str, longest: usize) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut found =
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('=')).filter(|(known, _)| *known == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) if !value.is_empty() && value.len() <= longest => Some(value.to_owned()),
        _ => None,
    }
}

impl Visit {
    async fn read(oauth: Arc<Oauth>, parts: Parts, meta: RequestMeta, secure: bool) -> Result<Self, OauthFault> {
        let prefix = if secure { HOST_ONLY } else { "" };
        let chosen =
            parts.uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Language::of_code);
        let remembered = cookie(&parts.headers, LANGUAGE_COOKIE);
        let language = chosen
            .or_else(|| remembered.as_deref().and_then(Language::of_code))
            .unwrap_or_else(|| Language::preferred(text(&parts.headers, header::ACCEPT_LANGUAGE).unwrap_or_default()));
        let known_by = cookie(&parts.headers, &format!("{prefix}{KNOWN_BY}"));
        let cookie = cookie(&parts.headers, &format!("{prefix}{SIGNED_IN}")).unwrap_or_default();
        let browser = match cookie.as_str() {
            "" => None,
            text => oauth.core.browser(&SecretKey::new(text.to_owned()), &meta).await?,
        };
        let mut others: Vec<(String, Browser)> = Vec::new();
        let kept = cookie_of(&parts.headers, &format!("{prefix}{OTHERS}"), 128 * MOST_OTHERS).unwrap_or_default();
        for text in kept.split('.').filter(|text| !text.is_empty() && *text != cookie).take(MOST_OTHERS) {
            if let Some(other) = oauth.core.browser(&SecretKey::new(text.to_owned()), &meta).await?
                && other.stage() == Stage::SignedIn
            {
                others.push((text.to_owned(), other));
            }
        }
        let known_by_now = String::new();
        let mut visit = Self { oauth, parts, meta, browser, others, known_by: known_by_now, language, cookie, secure, cookies: Vec::new() };
        if chosen.is_some() {
            visit.cookies.push(format!("{LANGUAGE_COOKIE}={}; Path=/; Max-Age={CHOSEN}; SameSite=Lax", language.code()));
        }
        visit.known_by = if let Some(known) = known_by {
            known
        } else {
            let fresh = visit.oauth.core.opaque_text()?.expose().to_owned();
            visit.set(KNOWN_BY, &fresh, KNOWN);
            fresh
        };
        Ok(visit)
    }

    fn set(&mut self, name: &str, value: &str, seconds: u64) {
        let (prefix, secure) = if self.secure { (HOST_ONLY, "; Secure") } else { ("", "") };
        self.cookies.push(format!("{prefix}{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"));
    }

    /// From now on the browser has this cookie. Whoever was signed in before, and is somebody else, stays so beside.
    pub(crate) async fn step(&mut self, stepped: &Stepped) -> Result<(), OpError> {
        if let Some(before) = self.signed_in().cloned() {
            self.others.insert(0, (self.cookie.clone(), before));
        }
        let seconds = stepped.expires_at.since(self.oauth.core.now()).as_secs();
        self.set(SIGNED_IN, stepped.cookie.expose(), seconds);
        let known_by = self.known_by.clone();
        self.set(KNOWN_BY, &known_by, KNOWN);
        stepped.cookie.expose().clone_into(&mut self.cookie);
        if let Some(now) = self.oauth.core.browser(&stepped.cookie, &self.meta).await? {
            self.others.retain(|(_, other)| other.who().user != now.who().user);
        }
        self.keep_others();
        Ok(())
    }

    fn keep_others(&mut self) {
        self.others.truncate(MOST_OTHERS);
        let now = self.oauth.core.now();
        let seconds = self.others.iter().map(|(_, other)| other.expires_at().since(now).as_secs()).max().unwrap_or(0);
        let text: Vec<&str> = self.others.iter().map(|(cookie, _)| cookie.as_str()).collect();
        let text = text.join(".");
        self.set(OTHERS, &text, seconds);
    }

    /// Everybody who is signed in with this browser: first the one that counts.
    pub(crate) fn people(&self) -> Vec<&Browser> {
        self.signed_in().into_iter().chain(self.others.iter().map(|(_, other)| other)).collect()
    }

    /// Whether more than one is signed in.
    pub(crate) fn is_several(&self) -> bool {
        self.signed_in().is_some() && !self.others.is_empty()
    }

    /// From now on the person of that name counts, where it is signed in with this browser.
    pub(crate) fn choose(&mut self, person: &str) -> bool {
        if self.signed_in().is_some_and(|browser| browser.person() == person) {
            return true;
        }
        let Some(at) = self.others.iter().position(|(_, other)| other.person() == person) else { return false };
        let (cookie, chosen) = self.others.remove(at);
        let before = std::mem::replace(&mut self.cookie, cookie);
        let seconds = chosen.expires_at().since(self.oauth.core.now()).as_secs();
        if let Some(known) = self.browser.replace(chosen).filter(|known| known.stage() == Stage::SignedIn) {
            self.others.insert(0, (before, known));
        }
        let cookie = self.cookie.clone();
        self.set(SIGNED_IN, &cookie, seconds);
        self.keep_others();
        true
    }

    /// From now on nobody is signed in: neither the one that counted, nor anybody else.
    pub(crate) fn forget(&mut self) -> Vec<Browser> {
        self.set(SIGNED_IN, "", 0);
        if !self.others.is_empty() {
            self.set(OTHERS, "", 0);
        }
        let gone = self.browser.take().into_iter().chain(self.others.drain(..).map(|(_, other)| other));
        gone.collect()
    }

    fn finish(self, mut response: Response) -> Response {
        for cookie in &self.cookies {
            if let Ok(value) = HeaderValue::from_str(cookie) {
                response.headers_mut().append(header::SET_COOKIE, value);
            }
        }
        response
    }

    /// The browser, if somebody is signed in with it.
    pub(crate) fn signed_in(&self) -> Option<&Browser> {
        self.browser.as_ref().filter(|browser| browser.stage() == Stage::SignedIn)
    }

    /// The query without what is ours.
    pub(crate) fn query(&self) -> String {
        let raw = self.parts.uri.query().unwrap_or_default();
        let kept = raw.split('&').filter(|pair| !OURS.contains(&pair.split('=').next().unwrap_or_default()));
        kept.collect::<Vec<_>>().join("&")
    }

    /// A parameter of ours.
    pub(crate) fn ours(&self, name: &str) -> Option<&str> {
        let raw = self.parts.uri.query().unwrap_or_default();
        raw.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// The token of a form of this step of this request.
    pub(crate) fn token(&self, step: &str) -> Result<String, OpError> {
        self.oauth.core.form_token(&[&self.known_by, &self.cookie, step, self.parts.uri.path(), &self.query()])
    }

    /// True if the form is one of ours, made for this browser, this step and this request.
    pub(crate) fn holds(&self, step: &str, form: &Parameters) -> bool {
        let parts = [self.known_by.as_str(), &self.cookie, step, self.parts.uri.path(), &self.query()];
        form.text("csrf").is_some_and(|token| self.oauth.core.form_token_holds(&parts, token))
    }

    /// The token of the form that signs out, which stands on many pages.
    pub(crate) fn sign_out_token(&self) -> Result<String, OpError> {
        self.oauth.core.form_token(&[&self.known_by, &self.cookie, "sign-out"])
    }

    /// True if the form that signs out is ours.
    pub(crate) fn may_sign_out(&self, form: &Parameters) -> bool {
        let parts = [self.known_by.as_str(), &self.cookie, "sign-out"];
        form.text("csrf").is_some_and(|token| self.oauth.core.form_token_holds(&parts, token))
    }

    /// What says in this very request that the person has signed in for it.
    pub(crate) fn login_mark(&self) -> Result<String, OpError> {
        self.oauth.core.form_token(&[&self.cookie, "login", &self.query()])
    }

    /// Whether the person has signed in for this very request.
    pub(crate) fn has_signed_in_for_it(&self) -> bool {
        self.ours("login").is_some_and(|mark| self.oauth.core.form_token_holds(&[&self.cookie, "login", &self.query()], mark))
    }

    /// What says that a code was made for this browser.
    pub(crate) fn code_mark(&self, code: &str) -> Result<String, OpError> {
        self.oauth.core.form_token(&[&self.cookie, "code", code])
    }

    /// Whether it was.
    pub(crate) fn code_mark_holds(&self, code: &str, mark: &str) -> bool {
        self.oauth.core.form_token_holds(&[&self.cookie, "code", code], mark)
    }

    /// What says in this very request as whom the person has chosen to go on.
    pub(crate) fn chosen_mark(&self) -> Result<String, OpError> {
        self.oauth.core.form_token(&[&self.cookie, "chosen", &self.query()])
    }

    /// Whether the person has chosen as whom to go on with this very request.
    pub(crate) fn has_chosen(&self) -> bool {
        self.ours("chosen").is_some_and(|mark| self.oauth.core.form_token_holds(&[&self.cookie, "chosen", &self.query()], mark))
    }

    /// The frame of the page.
    pub(crate) fn frame(&self) -> Frame {
        let path = self.parts.uri.path();
        let frame = Frame::new(self.language, host(&self.parts.headers), path, self.parts.uri.query().unwrap_or_default());
        match self.signed_in() {
            Some(browser) => frame.signed_in(browser.person()),
            None => frame,
        }
    }

    /// The way from this page to the root of the listener.
    pub(crate) fn root(&self) -> String {
        self.frame().root
    }

    /// The language in which the person would be written to.
    pub(crate) fn letters(&self) -> tegata_core::mail::Language {
        match self.language {
            Language::English => tegata_core::mail::Language::English,
            Language::Japanese => tegata_core::mail::Language::Japanese,
        }
    }

    /// A page that says what is wrong.
    pub(crate) fn problem(&self, status: StatusCode, title: &'static str, what: String, advice: Option<&str>) -> Response {
        let frame = self.frame();
        let advice = frame.t.say(advice.unwrap_or("problem-advice"));
        let page = views::Problem { frame, title, what, advice, request_id: self.meta.id.to_uuid() };
        respond(status, &page, FormTarget::Here)
    }

    /// The page for a form that is not ours, or not any more. Nothing was done.
    pub(crate) fn stale(&self) -> Response {
        let what = self.frame().t.say("form-stale");
        self.problem(StatusCode::FORBIDDEN, "problem-expired-title", what, None)
    }
}

/// Sends the browser on. After a form it asks there anew.
pub(crate) fn see_other(location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // What stands in the URL, a code perhaps, is nobody's business at the next stop.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Ok(value) = HeaderValue::from_str(location) {
        headers.insert(header::LOCATION, value);
    }
    response
}
