//! A connection that is kept, as the provider's pool keeps them.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A client's connection to a contender.
pub(crate) struct Connection {
    port: u16,
    sender: SendRequest<Full<Bytes>>,
    /// How many deliveries were sent again.
    pub(crate) resent: usize,
}

impl Connection {
    /// Connects to a loopback port.
    ///
    /// # Errors
    /// If nobody listens there.
    pub(crate) async fn open(port: u16) -> anyhow::Result<Self> {
        Ok(Self { port, sender: connect(port).await?, resent: 0 })
    }

    /// Sends a request and reads the answer to its end; gives its status. If the connection breaks, the request is
    /// sent again over a new one, as a provider would: the engine closes connections that are idle for seconds,
    /// and on a machine that stood still they were.
    ///
    /// # Errors
    /// If the new one breaks as well.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<u16> {
        match exchange(&mut self.sender, request.clone()).await {
            Err(_) => {
                self.resent = self.resent.saturating_add(1);
                self.sender = connect(self.port).await?;
                Ok(exchange(&mut self.sender, request).await?)
            }
            Ok(status) => Ok(status),
        }
    }
}

async fn connect(port: u16) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // If it breaks, the next request says so.
    tokio::spawn(connection);
    Ok(sender)
}

async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> hyper::Result<u16> {
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    response.into_body().collect().await?;
    Ok(status)
}
