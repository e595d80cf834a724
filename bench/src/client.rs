//! One HTTP/1.1 connection that is kept alive.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection; requests go one after another.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Opens one.
    pub(crate) async fn open(to: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(to).await.map_err(|error| format!("{to}: {error}"))?;
        stream.set_nodelay(true).map_err(|error| format!("{to}: {error}"))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| format!("{to}: {error}"))?;
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// Sends a request and reads the whole answer without keeping it: its status and its length in bytes.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, u64), String> {
        let mut answer = self.answer(request).await?;
        let mut length = 0;
        while let Some(frame) = answer.body_mut().frame().await {
            length += frame.map_err(|error| error.to_string())?.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok((answer.status(), length))
    }

    /// Sends a request and keeps the answer.
    pub(crate) async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), String> {
        let answer = self.whole(request).await?;
        Ok((answer.status(), answer.into_body()))
    }

    /// The same, with the headers.
    pub(crate) async fn whole(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, String> {
        let (parts, body) = self.answer(request).await?.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }

    async fn answer(&mut self, request: Request<Full<Bytes>>) -> Result<Response<hyper::body::Incoming>, String> {
        self.sender.ready().await.map_err(|error| error.to_string())?;
        self.sender.send_request(request).await.map_err(|error| error.to_string())
    }
}
