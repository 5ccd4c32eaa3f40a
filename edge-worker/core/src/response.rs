//! Responses, still without the platform's types.

use serde::Serialize;

/// The response to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ResponseParts"))]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// A body of JSON; errors have the provider's own shape.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Body<'a> {
    Status(&'a str),
    Error { code: &'static str, message: &'a str },
}

impl Response {
    /// A success: `{"status":"…"}`.
    pub(crate) fn status(status: &str) -> Self {
        Self::of(200, &Body::Status(status))
    }

    /// An error: `{"error":{"code":"…","message":"…"}}`.
    pub(crate) fn error(status: u16, code: &'static str, message: &str) -> Self {
        Self::of(status, &Body::Error { code, message })
    }

    /// A success with a body of JSON.
    pub(crate) fn json(value: &impl Serialize) -> Self {
        Self::of(200, value)
    }

    /// A success with a body of another type.
    pub(crate) fn text(content_type: &str, body: String) -> Self {
        Self { status: 200, headers: vec![("content-type", content_type.to_owned())], body }
    }

    fn of(status: u16, value: &impl Serialize) -> Self {
        // What is written here, texts, numbers, lists and structs, can always be written as JSON. Were
        // that to change, the status would still be right.
        let body = serde_json::to_string(value).unwrap_or_default();
        Self { status, ..Self::text("application/json", body) }
    }

    /// The same with one header more.
    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}
