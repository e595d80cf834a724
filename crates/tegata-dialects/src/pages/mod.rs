//! Pages for people: plain forms in two languages that need no script, and the headers that keep them to themselves.
//!
//! | module | what |
//! |---|---|
//! | `texts` | what pages say, in every language |
//! | [`views`] | one type per page, drawn by the template of its name |
//!
//! A page is drawn from what its handler was told by the core; it decides nothing. Links are relative, so that pages work
//! behind any host name and path.

mod texts;
pub(crate) mod views;

#[cfg(test)]
mod tests;

use std::{fmt::Write as _, sync::LazyLock};

use askama::Template;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
pub(crate) use texts::{LANGUAGE_COOKIE, Language, Texts};

const STYLE: &str = include_str!("style.css");
const MARK: &str = include_str!("mark.svg");

/// The style sheet's file name: it changes with what is in it, so that browsers may keep it for ever.
static STYLE_NAME: LazyLock<String> = LazyLock::new(|| named(STYLE, "css"));
static MARK_NAME: LazyLock<String> = LazyLock::new(|| named(MARK, "svg"));

fn named(content: &str, ending: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content.as_bytes());
    let mut name = String::new();
    for byte in digest.as_ref().iter().take(8) {
        let _ = write!(name, "{byte:02x}");
    }
    format!("{name}.{ending}")
}

/// What every page shows around its own part.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// What is said, in the reader's language.
    pub(crate) t: Texts,
    /// The way from this page up to the root of the listener: empty, `../`, `../../`.
    pub(crate) root: String,
    /// The host people know this server by.
    pub(crate) host: String,
    /// Where the same page is in the other language: a relative link.
    pub(crate) other_language: String,
    /// Who is signed in in this browser, as it is shown; nothing before that.
    pub(crate) who: Option<String>,
}

impl Frame {
    /// The frame of the page at `path`, which was asked with `query`.
    pub(crate) fn new(language: Language, host: &str, path: &str, query: &str) -> Self {
        let depth = path.trim_start_matches('/').matches('/').count();
        let mut link = String::from("?");
        for pair in query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("lang=")) {
            let _ = write!(link, "{pair}&");
        }
        let _ = write!(link, "lang={}", language.other().code());
        Self { t: Texts::new(language), root: "../".repeat(depth), host: host.to_owned(), other_language: link, who: None }
    }

    /// The same for somebody who is signed in.
    pub(crate) fn signed_in(mut self, who: impl Into<String>) -> Self {
        self.who = Some(who.into());
        self
    }

    /// The style sheet's file name, for templates.
    #[expect(clippy::unused_self, reason = "templates ask the frame")]
    pub(crate) fn style(&self) -> &'static str {
        &STYLE_NAME
    }

    /// The mark's file name, for templates.
    #[expect(clippy::unused_self, reason = "templates ask the frame")]
    pub(crate) fn mark(&self) -> &'static str {
        &MARK_NAME
    }
}

/// Where a form of the page may lead besides this server: the origin of a redirect after consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormTarget<'a> {
    /// Nowhere else.
    Here,
    /// Also this origin, `https://app.example.com` or `http://127.0.0.1:12345`, taken from a registered redirect URI.
    Origin(&'a str),
}

/// Draws a page. A page that cannot be drawn is a fault of ours and says so in plain words.
pub(crate) fn respond(status: StatusCode, page: &impl Template, target: FormTarget<'_>) -> Response {
    let (status, body) = match page.render() {
        Ok(body) => (status, body),
        Err(error) => {
            tracing::error!(%error, "a page could not be drawn");
            (StatusCode::INTERNAL_SERVER_ERROR, "<!doctype html><title>tegata</title><p>This page could not be shown.".to_owned())
        }
    };
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    guard(response.headers_mut(), target);
    response
}

/// The headers that keep a page out of frames, caches and other people's scripts.
fn guard(headers: &mut HeaderMap, target: FormTarget<'_>) {
    let elsewhere = match target {
        FormTarget::Here => String::new(),
        FormTarget::Origin(origin) => format!(" {origin}"),
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{elsewhere}; frame-ancestors 'none'; base-uri 'none'"
    );
    let fixed = [
        (header::CONTENT_TYPE, "text/html;charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: with it, browsers send `Origin: null` with our own forms.
        (header::REFERRER_POLICY, "same-origin"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=()"),
        (header::VARY, "accept-language, cookie"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// The file of that name below `assets/`, if it is one of ours.
pub(crate) fn asset(name: &str) -> Option<Response> {
    let (kind, content) = match name {
        _ if name == *STYLE_NAME => ("text/css;charset=utf-8", STYLE),
        _ if name == *MARK_NAME => ("image/svg+xml", MARK),
        _ => return None,
    };
    let mut response = Response::new(content.into());
    response.headers_mut().extend([
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox")),
    ]);
    Some(response)
}
