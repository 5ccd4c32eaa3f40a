//! A small HTTP/1.1 server that can also misbehave below the level of HTTP.

use core::convert::Infallible;
use core::time::Duration;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::reply::{End, Wait};
use crate::{Reply, ReplyBody};

/// Far above any cap of the edge: whatever is forwarded is to be seen here.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Decides the reply to a request.
pub(crate) type Handler = dyn Fn(Request<Bytes>) -> Reply + Send + Sync;

/// Accepts connections until the future is dropped, which also cuts every open connection.
pub(crate) async fn serve(listener: TcpListener, handler: Arc<Handler>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that was gone before it was accepted concerns nobody else.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve_connection(stream, Arc::clone(&handler)));
                }
            }
            // Only to forget those that have ended.
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(stream: TcpStream, handler: Arc<Handler>) {
    // A second handle on the socket, to reset the connection behind hyper's back.
    let Ok(socket) = stream.as_fd().try_clone_to_owned().map(Arc::new) else { return };
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        let socket = Arc::clone(&socket);
        async move { exchange(request, &*handler, &socket).await }
    });
    // An error here is a connection that the other side cut, or that a reply was told to cut.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Reads the request, asks for the reply and gives it. An error makes hyper drop the connection.
async fn exchange(
    request: Request<Incoming>,
    handler: &Handler,
    socket: &OwnedFd,
) -> io::Result<Response<ReplyBody>> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(io::Error::other)?;
    let reply = handler(Request::from_parts(parts, body.to_bytes()));
    match reply.wait {
        Wait::Nothing => {}
        Wait::Time(time) => tokio::time::sleep(time).await,
        Wait::Gate(gate) => gate.wait().await,
        Wait::Forever => core::future::pending().await,
    }
    if let (Some(observer), End::Whole(_) | End::Half(_)) = (&reply.observer, &reply.end) {
        observer.call();
    }
    match reply.end {
        End::Whole(message) => Ok(message.into_response(ReplyBody::whole)),
        End::Half(message) => Ok(message.into_response(ReplyBody::half)),
        End::Close => Err(io::ErrorKind::ConnectionAborted.into()),
        End::Reset => {
            // With no time to linger, closing the socket sends RST instead of FIN.
            SockRef::from(socket).set_linger(Some(Duration::ZERO))?;
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
}
