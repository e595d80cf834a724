//! The authorization server: the standard's endpoints, and the vendor's doors to the same operations.
//!
//! Sources: RFC 6749, 6750, 7009, 7662, 8414, 9068, 9449, OpenID Connect Core and Discovery 1.0; the vendor's pages on OAuth
//! applications and on the exchange that its command line uses.
//!
//! | on this wire | in this house |
//! |---|---|
//! | client, application | client |
//! | `client_id`, `AppId` | the public id of a client |
//! | subject | the random id of a user or role |
//! | `/v1/exchange` | [`tegata_core::grant::ExchangeForSession`] |

mod assignments;
mod authorize;
mod cloud_sso;
mod code_page;
mod device;
mod documents;
mod error;
mod exchange;
mod introspect;
mod letters;
mod password_link;
mod proof;
mod reply;
mod revoke;
mod session;
mod subject;
mod token;
mod unwrap;
mod userinfo;
mod visit;

use std::{future::Future, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::{get, post},
};
use http::request::Parts;
use tegata_core::{Core, RequestMeta};

use self::{error::OauthFault, reply::Reply};
use crate::{
    IssuerSettings,
    edge::{
        meta,
        span::{self, Journal},
    },
};

/// This dialect's name in [`crate::Outcome`].
pub const NAME: &str = "oauth";

/// What the handlers share.
pub(crate) struct Oauth {
    pub(crate) core: Arc<Core>,
    pub(crate) settings: IssuerSettings,
}

/// The endpoints of this dialect.
pub(crate) fn router(core: Arc<Core>, settings: IssuerSettings) -> Router {
    Router::new()
        .route("/oauth/authorize", get(authorize::receive).post(authorize::receive))
        .route("/oauth2/v1/auth", get(authorize::receive).post(authorize::receive))
        .route("/oauth/code", get(code_page::receive))
        .route("/signin", get(session::sign_in).post(session::sign_in))
        .route("/signout", get(session::sign_out).post(session::sign_out))
        .route("/choose-account", get(session::choose_account).post(session::choose_account))
        .route("/switch-role", get(session::switch_role).post(session::switch_role))
        .route("/reset", get(letters::ask).post(letters::ask))
        .route("/reset/{link}", get(letters::reset).post(letters::reset))
        .route("/not-me/{link}", get(letters::not_me).post(letters::not_me))
        .route("/welcome/{link}", get(session::welcome).post(session::welcome))
        .route("/apps/{id}/assignments", get(assignments::receive).post(assignments::receive))
        .route("/assets/{name}", get(session::file))
        .route("/oauth/token", post(token::receive))
        .route("/v1/token", post(token::receive))
        .route("/oauth/introspect", post(introspect::receive))
        .route("/oauth/revoke", post(revoke::receive))
        .route("/v1/revoke", post(revoke::receive))
        .route("/oauth/userinfo", get(userinfo::receive).post(userinfo::receive))
        .route("/v1/userinfo", get(userinfo::receive).post(userinfo::receive))
        .route("/v1/exchange", post(exchange::receive))
        .route("/oauth/device_authorization", post(device::receive))
        .route("/device", get(device::page).post(device::page))
        .route("/device-authorization", post(cloud_sso::begin))
        .route("/token", post(cloud_sso::token))
        .route("/access-assignments/accounts", get(cloud_sso::accounts))
        .route("/access-assignments/access-configurations", get(cloud_sso::configurations))
        .route("/unwrap", post(unwrap::receive))
        .route("/cloud-credentials", post(cloud_sso::credentials))
        .route("/oauth/keys", get(documents::keys))
        .route("/v1/keys", get(documents::keys))
        .route("/.well-known/oauth-authorization-server", get(documents::metadata))
        .route("/.well-known/openid-configuration", get(documents::metadata))
        .with_state(Arc::new(Oauth { core, settings }))
}

/// Answers a request: what every endpoint does before and after its own work.
async fn answer<F>(
    oauth: Arc<Oauth>,
    request: Request,
    name: &'static str,
    handler: impl FnOnce(Arc<Oauth>, Parts, Body, RequestMeta) -> F,
) -> Response
where
    F: Future<Output = (Option<String>, Result<Reply, OauthFault>)>,
{
    let (parts, body) = request.into_parts();
    let meta = meta::read(&oauth.core, &parts, &oauth.settings.trusted_proxies);
    span::within(NAME, &meta.clone(), || async move {
        let mut journal = Journal::new();
        journal.operation = name;
        let id = meta.id;
        let (caller, result) = handler(Arc::clone(&oauth), parts, body, meta).await;
        if let Some(caller) = caller {
            journal.named(caller);
        }
        let response = match result {
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

/// The state of the handlers.
type Shared = State<Arc<Oauth>>;
