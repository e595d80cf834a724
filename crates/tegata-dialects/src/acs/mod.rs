//! The RPC-style cloud API: one path, the operation in `Action`, the version of the API in `Version`.
//!
//! Sources: the vendor's pages "Request syntax and signature method V3 for the RPC mechanism", "Signature method V1 for
//! RPC", and the API references of STS 2015-04-01 and RAM 2015-05-01.
//!
//! | on this wire | in this house |
//! |---|---|
//! | Alibaba Cloud account, main account, UID | account, owner, account number |
//! | RAM user, `SubUser` | user |
//! | RAM role, `AssumedRoleUser` | role, role session |
//! | `AccessKeyId` beginning with `STS.` | temporary credential |
//! | ARN | [`tegata_core::ResourceName`]; spelled in `arn.rs` only |
//! | `Policy` of AssumeRole | session policy |
//! | `NoPermission` | [`tegata_core::Denial`] |

mod arn;
mod ask;
mod catalogue;
mod claims;
mod error;
mod ims;
mod own;
mod page;
mod params;
mod proof;
mod ram;
mod reply;
mod sts;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::{any, get},
};
pub use catalogue::{Kind, OperationSpec, Parameter, Product, catalogue};
pub use claims::{Claim, claims, claims_page};
use http::request::Parts;
use tegata_core::{Core, RequestMeta};

use self::{
    error::AcsError,
    params::{Params, Received},
    reply::{Reply, Voice},
};
use crate::{
    IssuerSettings,
    edge::{
        meta,
        span::{self, Journal},
    },
};

/// This dialect's name in [`crate::Outcome`].
pub const NAME: &str = "acs";

/// What the handlers share.
pub(crate) struct Acs {
    core: Arc<Core>,
    settings: IssuerSettings,
}

/// Every path that is nobody's: a plain 404.
pub(crate) use page::not_found;

/// The dialect on `/`.
pub(crate) fn router(core: Arc<Core>, settings: IssuerSettings) -> Router {
    Router::new().route("/", any(receive)).route("/errors", get(page::errors)).with_state(Arc::new(Acs { core, settings }))
}

async fn receive(State(acs): State<Arc<Acs>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let meta = meta::read(&acs.core, &parts, &acs.settings.trusted_proxies);
    span::within(NAME, &meta.clone(), || async move {
        let mut journal = Journal::new();
        let mut voice = Voice::new(meta.id, &parts, &acs.settings.public_url);
        let response = match acs.answer(parts, body, meta, &mut voice, &mut journal).await {
            Ok(Some(reply)) => voice.success(&reply),
            Ok(None) => page::welcome(),
            Err(error) => {
                journal.failure(&error);
                voice.failure(&error)
            }
        };
        (response, journal)
    })
    .await
}

impl Acs {
    /// From bytes to a reply; nothing for a browser that only looks.
    async fn answer(
        &self,
        parts: Parts,
        body: Body,
        meta: RequestMeta,
        voice: &mut Voice,
        journal: &mut Journal,
    ) -> Result<Option<Reply>, AcsError> {
        let received = Received::read(&parts, body).await?;
        if proof::is_visitor(&received) {
            return Ok(None);
        }
        voice.choose_format(&received)?;
        let call = proof::read(&received).inspect_err(|_| self.core.refuse_malformed(meta.source))?;
        let operation = proof::operation(&call)?;
        journal.operation = operation.spec.name;
        let params = Params::of(&received);
        let proof = match (operation.proof, call.proof) {
            (Some(read), _) => read(&params)?,
            (None, Some(signed)) => signed,
            (None, None) => {
                self.core.refuse_anonymous(meta.source);
                return Err(AcsError::unsigned(&received));
            }
        };
        let caller = self.core.authenticate(proof, meta).await?;
        journal.caller(&caller);
        Ok(Some(ask::answer(operation, &self.core, &self.settings, &caller, &params).await?))
    }
}
