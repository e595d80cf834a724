//! What a request costs at the least: bare handlers that look at nothing and give back as many bytes.

use std::{
    fs::File,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::net::TcpListener;

/// What the floor answers.
#[derive(Debug, Clone)]
pub(crate) enum Floor {
    /// This many bytes to every request, whose body is read.
    Bytes(usize),
    /// Whole files: GET reads one into memory, PUT writes one and waits until it is on the disk.
    Files(PathBuf),
}

struct Shared {
    answer: Bytes,
    folder: Option<PathBuf>,
}

/// A listener, and the router to be served on it.
pub(crate) async fn bind(floor: Floor, address: SocketAddr) -> Result<(TcpListener, Router), String> {
    let listener = TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
    let (answer, folder) = match floor {
        Floor::Bytes(length) => (Bytes::from(vec![b'x'; length]), None),
        Floor::Files(folder) => {
            std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            (Bytes::new(), Some(folder))
        }
    };
    let shared = Arc::new(Shared { answer, folder });
    Ok((listener, Router::new().fallback(answer_one).with_state(shared)))
}

async fn answer_one(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 64 << 20).await else { return StatusCode::BAD_REQUEST.into_response() };
    let Some(folder) = &shared.folder else { return shared.answer.clone().into_response() };
    let file = folder.join(parts.uri.path().trim_start_matches('/').replace('/', "-"));
    if parts.method == Method::PUT {
        match tokio::task::spawn_blocking(move || write(&file, &body)).await {
            Ok(Ok(())) => StatusCode::OK.into_response(),
            _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    } else {
        match tokio::fs::read(&file).await {
            Ok(bytes) => Body::from(bytes).into_response(),
            Err(_) => StatusCode::NOT_FOUND.into_response(),
        }
    }
}

/// In one piece, and on the disk when it returns. No care is taken of a reader or a crash in between.
fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut open = File::create(file)?;
    open.write_all(bytes)?;
    open.sync_all()
}
