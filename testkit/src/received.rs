//! A request that reached the origin.

use bytes::Bytes;
use http::{HeaderMap, Method, Request};

/// A request that reached the origin, its body byte for byte.
#[derive(Clone, Debug)]
pub struct Received {
    order: usize,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    pub(crate) fn new(order: usize, request: Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        Self {
            order,
            method: parts.method,
            path: parts.uri.path().to_owned(),
            headers: parts.headers,
            body,
        }
    }

    /// Its place in the order in which requests were received in full, counted from 0.
    #[must_use]
    pub const fn order(&self) -> usize {
        self.order
    }

    /// The request's method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The path it was sent to, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// All headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header's value, if there is exactly one and it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }

    /// The body, byte for byte.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// `Idempotency-Key`: the same for every attempt of one event.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.header("idempotency-key")
    }

    /// `X-Edge-Attempt`: how many times the edge has begun to forward the event, this one included.
    #[must_use]
    pub fn attempt(&self) -> Option<u64> {
        self.header("x-edge-attempt")?.parse().ok()
    }

    /// `X-Edge-Signature`: by it the origin knows that the request came through the edge.
    #[must_use]
    pub fn edge_signature(&self) -> Option<&str> {
        self.header("x-edge-signature")
    }
}
