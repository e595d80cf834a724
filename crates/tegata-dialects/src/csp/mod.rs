//! Server-to-server apps of organizations: the token endpoints of the cloud console family, and the API over them.
//!
//! Sources: the public references of the vendor's account management, and RFC 6749, 7009 and 7662 for what standard clients expect.
//!
//! | on this wire | in this house |
//! |---|---|
//! | organization, tenant | account, by its organisation spelling |
//! | OAuth app, client | client |
//! | instance, client in an organization | installation |
//! | organization role, service role | role of the catalogue |
//! | API token, refresh token | API token of a user |
//! | `perms` | what the roles are good for |
//!
//! Rows say which path is what; each topic file owns its own.

mod apps;
mod asked;
mod clients;
mod error;
mod keys;
mod orgs;
mod partner;
mod parts;
mod proof;
mod reply;
mod token;
mod users;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::any,
};
use futures_util::future::BoxFuture;
use http::request::Parts;
use tegata_core::{Core, RequestMeta};
use tegata_sign::form;

pub(crate) use self::{asked::Asked, error::CspFault, reply::Reply};
use crate::{
    IssuerSettings,
    edge::{
        meta,
        span::{self, Journal},
    },
};

/// This dialect's name in [`crate::Outcome`].
pub const NAME: &str = "csp";

/// What the handlers share.
pub(crate) struct Csp {
    pub(crate) core: Arc<Core>,
    pub(crate) settings: IssuerSettings,
}

/// What answers a row.
pub(crate) type Handler = fn(Arc<Csp>, Arc<Asked>) -> BoxFuture<'static, Result<Reply, CspFault>>;

/// One thing that can be asked for.
pub(crate) struct Row {
    pub(crate) method: &'static str,
    /// Its path; `{name}` stands for one segment.
    pub(crate) path: &'static str,
    /// What it is called in the log.
    pub(crate) name: &'static str,
    pub(crate) run: Handler,
}

/// Rows of a topic file: method, path, name, handler. A handler is `async fn(&Csp, &Asked) -> Result<Reply, CspFault>`.
macro_rules! rows {
    ($($method:literal $path:literal $name:literal $handler:path;)*) => {
        &[$($crate::csp::Row {
            method: $method,
            path: $path,
            name: $name,
            run: |csp, asked| Box::pin(async move { $handler(&csp, &asked).await }),
        }),*]
    };
}
pub(crate) use rows;

/// Everything there is.
const CATALOGUE: &[&[Row]] = &[token::ROWS, keys::ROWS, partner::ROWS, apps::ROWS, clients::ROWS, orgs::ROWS, users::ROWS];

/// The endpoints of this dialect.
pub(crate) fn router(core: Arc<Core>, settings: IssuerSettings) -> Router {
    let csp = Arc::new(Csp { core, settings });
    Router::new().route("/csp/{*rest}", any(receive)).route("/cphub/{*rest}", any(receive)).with_state(csp)
}

/// True for a path that is one of this dialect's once its slashes are collapsed: some clients write two.
pub(crate) fn is_ours(path: &str) -> bool {
    path.split('/').find(|segment| !segment.is_empty()).is_some_and(|first| matches!(first, "csp" | "cphub"))
}

/// Answers a request on a path that the router did not take as it was.
pub(crate) async fn stray(core: Arc<Core>, settings: IssuerSettings, request: Request) -> Response {
    receive(State(Arc::new(Csp { core, settings })), request).await
}

async fn receive(State(csp): State<Arc<Csp>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let meta = meta::read(&csp.core, &parts, &csp.settings.trusted_proxies);
    span::within(NAME, &meta.clone(), || async move {
        let (mut journal, id) = (Journal::new(), meta.id);
        let response = match answer(csp, parts, body, meta, &mut journal).await {
            Ok(reply) => reply.response(id),
            Err(fault) => {
                journal.failure(&fault);
                fault.response(id)
            }
        };
        (response, journal)
    })
    .await
}

async fn answer(csp: Arc<Csp>, parts: Parts, body: Body, meta: RequestMeta, journal: &mut Journal) -> Result<Reply, CspFault> {
    let (row, variables) = find(parts.method.as_str(), parts.uri.path())?;
    journal.operation = row.name;
    let asked = Arc::new(Asked::read(parts, body, meta, variables).await?);
    let result = (row.run)(csp, Arc::clone(&asked)).await;
    if let Some(who) = asked.who() {
        journal.named(who.clone());
    }
    result
}

/// What stands in the places of a path, by name.
type Variables = Vec<(&'static str, String)>;

/// The row of a request. Empty segments do not count.
fn find(method: &str, path: &str) -> Result<(&'static Row, Variables), CspFault> {
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(form::percent_decode)
        .collect::<Result<_, _>>()
        .map_err(|error| CspFault::request(format!("the path cannot be read: {error}")))?;
    let mut seen = false;
    for row in CATALOGUE.iter().copied().flatten() {
        if fits(row.path, &segments) {
            // Whoever may GET may ask for the head alone.
            if row.method == method || (row.method == "GET" && method == "HEAD") {
                return Ok((row, variables(row.path, segments)));
            }
            seen = true;
        }
    }
    Err(if seen { CspFault::no_method() } else { CspFault::no_path() })
}

fn parts(template: &'static str) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let segments = template.split('/').filter(|segment| !segment.is_empty());
    segments.map(|segment| (segment, segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'))))
}

/// True if the path is one of the template's kind. Copies nothing: most rows are not the one.
fn fits(template: &'static str, segments: &[String]) -> bool {
    let mut given = segments.iter();
    parts(template).all(|(wanted, name)| given.next().is_some_and(|segment| name.is_some() || wanted == segment)) && given.next().is_none()
}

/// What stands in the places of a template that the path fits.
fn variables(template: &'static str, segments: Vec<String>) -> Variables {
    parts(template).zip(segments).filter_map(|((_, name), segment)| Some((name?, segment))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_collapse_and_variables_are_decoded() {
        assert!(is_ours("//csp/gateway") && is_ours("/cphub/x") && !is_ours("/cspx/y") && !is_ours("/"));
        let segments: Vec<String> = ["a", "b c", "d"].map(str::to_owned).to_vec();
        assert!(
            fits("/a/{x}/d", &segments) && !fits("/a/{x}", &segments) && !fits("/a/{x}/e", &segments) && !fits("/a/{x}/d/e", &segments)
        );
        assert_eq!(variables("/a/{x}/d", segments), [("x", "b c".to_owned())]);
        let (row, _) = find("POST", "//csp//gateway/am/api/auth/authorize/").unwrap();
        assert_eq!(row.name, "Authorize");
        assert_eq!(find("PUT", "/csp/gateway/am/api/auth/authorize").err().unwrap().status.as_u16(), 405);
        assert_eq!(find("GET", "/csp/none").err().unwrap().status.as_u16(), 404);
    }

    #[test]
    fn no_two_rows_answer_the_same() {
        let all: Vec<&Row> = CATALOGUE.iter().copied().flatten().collect();
        for (at, one) in all.iter().enumerate() {
            for two in all.iter().skip(at + 1) {
                assert!(one.method != two.method || one.path != two.path, "{} {}", one.method, one.path);
            }
        }
    }
}
