//! The log line of a request for admins that is refused because of its token.

use core::net::IpAddr;

use serde::Serialize;

use crate::outcome::Outcome;
use crate::settings::Holder;
use crate::time::rfc3339;

/// What is known of such a request: who came, never with which token.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TokenRecord {
    time: String,
    pub(crate) correlation_id: String,
    outcome: &'static str,
    #[serde(rename = "error.type")]
    error_type: &'static str,
    #[serde(rename = "http.response.status_code")]
    status: u16,
    /// The client, as the rate limiter knows it: an IPv4 address, or a /64 of IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<IpAddr>,
    /// Whose token it was, if it is one of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// That token's role.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    /// Why the rate limiter did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limiter_error: Option<String>,
}

impl TokenRecord {
    /// The record of a request that came now.
    pub(crate) fn new(
        now_ms: u64,
        correlation_id: String,
        outcome: Outcome,
        client: Option<IpAddr>,
    ) -> Self {
        Self {
            time: rfc3339(now_ms),
            correlation_id,
            outcome: outcome.code(),
            error_type: outcome.code(),
            status: outcome.status(),
            client,
            by: None,
            role: None,
            limiter_error: None,
        }
    }

    /// The same, with whose token it was.
    pub(crate) fn with_holder(mut self, holder: &Holder) -> Self {
        self.by = Some(holder.name().to_owned());
        self.role = Some(holder.role().name());
        self
    }

    /// The line.
    pub(crate) fn line(&self) -> String {
        // Texts and numbers can always be written as JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}
