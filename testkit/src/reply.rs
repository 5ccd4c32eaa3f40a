//! How the origin answers a request, or fails to.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::Gate;

/// How the origin answers one request.
///
/// The default is an empty `200 OK`.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) wait: Wait,
    pub(crate) end: End,
    pub(crate) observer: Option<Observer>,
}

/// What is called when an answer goes out.
#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn() + Send + Sync>);

impl Observer {
    pub(crate) fn call(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// What the origin waits for before it answers.
#[derive(Clone, Debug)]
pub(crate) enum Wait {
    Nothing,
    Time(Duration),
    Gate(Gate),
    Forever,
}

/// How the exchange ends.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Whole(Message),
    /// Half of the body is sent, then the connection is closed.
    Half(Message),
    /// The connection is closed without a word.
    Close,
    /// The connection is reset without a word.
    Reset,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Message {
    pub(crate) fn into_response<B>(self, body: impl FnOnce(Bytes) -> B) -> Response<B> {
        let mut response = Response::new(body(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

impl Default for Reply {
    fn default() -> Self {
        Self::status(StatusCode::OK)
    }
}

impl Reply {
    const fn new(end: End) -> Self {
        Self { wait: Wait::Nothing, end, observer: None }
    }

    /// An answer with this status and an empty body.
    #[must_use]
    pub fn status(status: StatusCode) -> Self {
        Self::new(End::Whole(Message { status, ..Message::default() }))
    }

    /// `302 Found` with this `Location`; a location that cannot stand in a header is left out.
    #[must_use]
    pub fn redirect(location: &str) -> Self {
        Self::status(StatusCode::FOUND).with_header(LOCATION, location)
    }

    /// `503 Service Unavailable` with this `Retry-After`.
    #[must_use]
    pub fn unavailable(retry_after: Duration) -> Self {
        Self::status(StatusCode::SERVICE_UNAVAILABLE)
            .with_header(RETRY_AFTER, &retry_after.as_secs().to_string())
    }

    /// No answer at all: the connection stays open until the other side gives up.
    #[must_use]
    pub fn hang() -> Self {
        Self { wait: Wait::Forever, ..Self::close() }
    }

    /// The request is read and the connection closed, without a byte of an answer.
    #[must_use]
    pub const fn close() -> Self {
        Self::new(End::Close)
    }

    /// The request is read and the connection reset (TCP RST), without a byte of an answer.
    #[must_use]
    pub const fn reset() -> Self {
        Self::new(End::Reset)
    }

    /// `200 OK` whose body breaks off in the middle: the connection is closed with half of the
    /// announced bytes still to come.
    #[must_use]
    pub fn half() -> Self {
        let body = Bytes::from_static(b"half of this will never come");
        Self::new(End::Half(Message { body, ..Message::default() }))
    }

    /// The same reply with another header. Replies without a message stay as they are, and a value
    /// that cannot stand in a header is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let End::Whole(message) | End::Half(message) = &mut self.end
            && let Ok(value) = HeaderValue::from_str(value)
        {
            message.headers.append(name, value);
        }
        self
    }

    /// The same reply with this body. Replies without a message stay as they are.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        if let End::Whole(message) | End::Half(message) = &mut self.end {
            message.body = body.into();
        }
        self
    }

    /// The same reply, after this time.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self { wait: Wait::Time(time), ..self }
    }

    /// The same reply, once the gate is open.
    #[must_use]
    pub fn when(self, gate: &Gate) -> Self {
        Self { wait: Wait::Gate(gate.clone()), ..self }
    }

    /// The same reply, which calls `observer` right before the answer's first byte goes out. It is
    /// not called if there is no answer, or if the other side is known to have hung up.
    #[must_use]
    pub fn on_answer(self, observer: impl Fn() + Send + Sync + 'static) -> Self {
        Self { observer: Some(Observer(Arc::new(observer))), ..self }
    }
}
