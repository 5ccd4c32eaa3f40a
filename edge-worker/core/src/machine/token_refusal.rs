//! A request for admins with a bearer token that is none of ours.
//!
//! It is counted for its client like a forged delivery, and answered late, like a path that is not there. Both are so
//! whether or not there is a token that could have been guessed. Who comes with the right token never comes here: an
//! attacker cannot lock out an admin whose address they share.

use core::net::IpAddr;

use super::limiting::{check_rate_limit, note_answer};
use super::{Input, Machine, Output, State, Step, respond};
use crate::client_address;
use crate::isolate::Isolate;
use crate::outcome::Outcome;
use crate::record::TokenRecord;
use crate::request::Request;

/// How long after the request its answer is given, in milliseconds. It covers the time of the rate limiter.
pub(super) const ANSWERED_AFTER_MS: u32 = 1_000;

/// A request that is refused, and waits.
#[derive(Clone)]
pub(crate) struct TokenRefusal {
    record: TokenRecord,
    started_ms: u64,
    /// The client, while the rate limiter is asked about it.
    limited: Option<IpAddr>,
}

impl TokenRefusal {
    /// Refuses a request. If the client is known and not blocked yet, the rate limiter is asked first.
    pub(crate) fn begin(
        isolate: &mut Isolate,
        request: &Request,
        correlation_id: String,
        now_ms: u64,
    ) -> Step {
        isolate.count(Outcome::TokenRefused);
        let client = client_address::of(request);
        let is_blocked = |client| isolate.blocked_clients.blocked_seconds(client, now_ms).is_some();
        let limited = client.filter(|client| isolate.bindings.rate_limiter && !is_blocked(*client));
        let record = TokenRecord::new(now_ms, correlation_id, Outcome::TokenRefused, client);
        let refusal = Self { record, started_ms: now_ms, limited };
        match limited {
            Some(client) => refusal.go_on(check_rate_limit(client)),
            None => refusal.wait(now_ms),
        }
    }

    /// The rate limiter has answered, or the wait is over.
    pub(super) fn handle(mut self, isolate: &mut Isolate, input: Input, now_ms: u64) -> Step {
        if let Some(client) = self.limited.take() {
            self.record.limiter_error = note_answer(isolate, client, input, now_ms).err();
            return self.wait(now_ms);
        }
        let response = Outcome::TokenRefused.response();
        respond(&self.record.correlation_id, response, Some(self.record.line()))
    }

    /// Waits for what is left of the time.
    fn wait(self, now_ms: u64) -> Step {
        let elapsed_ms = now_ms.saturating_sub(self.started_ms);
        let elapsed_ms = u32::try_from(elapsed_ms).unwrap_or(u32::MAX);
        self.go_on(Output::Wait { ms: ANSWERED_AFTER_MS.saturating_sub(elapsed_ms) })
    }

    fn go_on(self, output: Output) -> Step {
        (Some(Machine(State::RefusingToken(Box::new(self)))), output)
    }
}
