//! A connection that is kept, as the provider's pool keeps them.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A client's connection to a contender.
pub(crate) struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// Connects to a loopback port.
    ///
    /// # Errors
    /// If nobody listens there.
    pub(crate) async fn open(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // If it breaks, the next request says so.
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Sends a request and reads the answer to its end; gives its status.
    ///
    /// # Errors
    /// If the connection breaks.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<u16> {
        self.0.ready().await?;
        let response = self.0.send_request(request).await?;
        let status = response.status().as_u16();
        response.into_body().collect().await?;
        Ok(status)
    }
}
