//! An HTTP/1.1 server that can close a connection instead of answering.

use std::io;

use axum::Router;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use nextapi_testkit::Gate;
use tokio::net::{TcpListener, TcpStream};

/// An extension of a response that is not to be sent: the connection is closed without a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoAnswer;

/// Accepts connections until the gate opens; those that are open then end with the answer that is
/// under way.
pub(crate) async fn serve(listener: TcpListener, router: Router, closing: Gate) {
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that was gone before it was accepted concerns nobody else.
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(serve_connection(stream, router.clone(), closing.clone()));
                }
            }
            () = closing.wait() => return,
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router, closing: Gate) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request| {
        let answer = router.call(request);
        async move {
            let response: Response = answer.await.map_err(io::Error::other)?;
            // An error makes hyper drop the connection.
            match response.extensions().get() {
                Some(NoAnswer) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
                None => Ok(response),
            }
        }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = core::pin::pin!(connection);
    // An error here is a connection that the other side cut, or that was to be closed.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = closing.wait() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
