//! What the server says of itself: its public keys and its metadata.

use axum::{
    extract::{Request, State},
    response::Response,
};
use tegata_oauth::metadata::{self, Offers};

use super::{Shared, answer, reply::Reply};

/// How long others may keep these documents, in seconds: as long as a new key is published before it signs.
const KEEP: u32 = 300;

/// `/oauth/keys` and `/v1/keys`
pub(crate) async fn keys(State(oauth): Shared, request: Request) -> Response {
    answer(oauth, request, "Keys", |oauth, _, _, _| async move {
        let found = oauth.core.public_keys().await;
        (None, found.map(|keys| Reply { keep: Some(KEEP), ..Reply::json(keys) }).map_err(Into::into))
    })
    .await
}

/// Both well-known places.
pub(crate) async fn metadata(State(oauth): Shared, request: Request) -> Response {
    answer(oauth, request, "Metadata", |oauth, _, _, _| async move {
        let document = metadata::document(&oauth.settings.public_url, Offers { exchange: true, device: true });
        (None, Ok(Reply { keep: Some(KEEP), ..Reply::json(document) }))
    })
    .await
}
