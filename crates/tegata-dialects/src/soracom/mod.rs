//! The operator API: JSON below `/v1`, an API key and a token in two headers.
//!
//! Sources: the vendor's public API definition and documentation, and what its command line sends.
//!
//! | on this wire | in this house |
//! |---|---|
//! | operator, `OP…` | account; its operator id |
//! | root user | owner |
//! | SAM user | user |
//! | `authKeyId`, `authKey` | auth key |
//! | API key and token | a session: [`tegata_core::sam`] |
//! | `MFA`, `mfaOTPCode` | second factor, one-time code |
//! | switch user | going on as a user who trusts the caller |
//!
//! Errors are flat: `{"code","message"}`, in the language of `X-Soracom-Lang`. No answer redirects, and no credential that is wrong is
//! answered by 429 or 5xx: clients of this kind wait two minutes in silence then.

mod ask;
mod audit_log;
mod auth;
mod catalogue;
mod error;
mod members;
mod mfa;
mod operator;
mod permissions;
mod roles;
mod texts;
mod users;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::any,
};
pub use catalogue::{Kind, Method, OperationSpec, Parameter, Place, catalogue};
use http::request::Parts;
use tegata_core::{ApiCall, Core, RequestMeta, authn::Proof, sam::PresentedPair};
use tegata_model::SecretKey;

use self::{
    ask::{Ask, Reply},
    error::SamFault,
    members::Members,
    texts::Language,
};
use crate::{
    IssuerSettings,
    edge::{
        limits::{self, BodyProblem, Head},
        meta,
        span::{self, Journal},
    },
};

/// This dialect's name in [`crate::Outcome`].
pub const NAME: &str = "soracom";

/// Longest request target, in bytes.
const TARGET: usize = 8 * 1024;
/// Longest body, in bytes: a permission may be long.
const BODY: usize = 128 * 1024;

/// What the handlers share.
pub(crate) struct Soracom {
    pub(crate) core: Arc<Core>,
    pub(crate) settings: IssuerSettings,
}

/// The dialect below `/v1`, beside the endpoints of others there.
pub(crate) fn router(core: Arc<Core>, settings: IssuerSettings) -> Router {
    Router::new().route("/v1/{*path}", any(receive)).with_state(Arc::new(Soracom { core, settings }))
}

async fn receive(State(soracom): State<Arc<Soracom>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let meta = meta::read(&soracom.core, &parts, &soracom.settings.trusted_proxies);
    let language = Language::of(&parts.headers);
    span::within(NAME, &meta.clone(), || async move {
        let mut journal = Journal::new();
        let response = match soracom.answer(&parts, body, meta, language, &mut journal).await {
            Ok(reply) => reply.response(),
            Err(fault) => {
                journal.failure(&fault);
                fault.response(language)
            }
        };
        (response, journal)
    })
    .await
}

impl Soracom {
    async fn answer(
        &self,
        parts: &Parts,
        body: Body,
        meta: RequestMeta,
        language: Language,
        journal: &mut Journal,
    ) -> Result<Reply, SamFault> {
        let mut stream = body.into_data_stream();
        let body = limits::small_body(&mut stream, BODY).await;
        let body = match body {
            Ok(body) => body,
            Err(BodyProblem::TooLarge(limit)) => {
                limits::drain(&mut stream).await;
                return Err(SamFault::too_large(limit));
            }
            Err(BodyProblem::Incomplete) => return Err(SamFault::malformed("the body ended before its length")),
        };
        let head = Head::read(parts, TARGET).map_err(|problem| SamFault::malformed(problem.to_string()))?;
        let (entry, path) = catalogue::find(&parts.method, &head.path)?;
        journal.operation = entry.spec.api;
        let mut meta = meta;
        meta.call = Some(ApiCall::new(entry.spec.api, format!("/v1{}", entry.spec.path), &head.path));
        let members = Members::read(&body)?;
        let caller = if entry.spec.open {
            None
        } else {
            let caller = self
                .core
                .authenticate(self.proof(&head, &meta)?, meta.clone())
                .await
                .map_err(|error| SamFault::of(error, entry.spec.api, None))?;
            journal.caller(&caller);
            // A session speaks in its own account only.
            if path.iter().any(|(name, value)| *name == "operator_id" && value != caller.operator_id().as_str()) {
                return Err(SamFault::other_operator());
            }
            Some(caller)
        };
        let ask = Ask {
            core: &self.core,
            language,
            spec: &entry.spec,
            caller: caller.as_ref(),
            meta: &meta,
            path: &path,
            head: &head,
            members: &members,
            body: &body,
        };
        (entry.handler)(&ask).await
    }

    /// The pair that a request shows.
    fn proof(&self, head: &Head, meta: &RequestMeta) -> Result<Proof, SamFault> {
        let one = |name| head.one(name).map_err(|repeated| SamFault::malformed(format!("the header `{}` stands twice", repeated.0)));
        let shown = |name| Ok::<_, SamFault>(one(name)?.filter(|text| !text.is_empty()).map(|text| SecretKey::new(text.to_owned())));
        match (shown("x-soracom-api-key")?, shown("x-soracom-token")?) {
            (Some(api_key), Some(token)) => Ok(Proof::Sam(PresentedPair { api_key, token })),
            (api_key, _) => {
                let error = self.core.refuse_anonymous(meta.source);
                drop(error);
                Err(SamFault::no_pair(api_key.is_some()))
            }
        }
    }
}
