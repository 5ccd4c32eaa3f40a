//! A delivery without a valid signature, which the rate limiter counts before it is refused.

use core::net::IpAddr;

use super::{Input, Machine, OUT_OF_TURN, Output, State, Step, end};
use crate::isolate::Isolate;
use crate::outcome::Outcome;
use crate::record::Record;

/// How long the rate limiter may take, in milliseconds. It answers from its own location.
const LIMITER_TIMEOUT_MS: u32 = 500;

/// A delivery that is refused, and waits for the rate limiter.
#[derive(Clone)]
pub(super) struct Limiting {
    record: Record,
    outcome: Outcome,
    client: IpAddr,
}

impl Limiting {
    /// Refuses a delivery; if there is a `client` to count it for, the rate limiter is asked first.
    pub(super) fn refuse(
        isolate: &mut Isolate,
        record: Record,
        outcome: Outcome,
        client: Option<IpAddr>,
    ) -> Step {
        let Some(client) = client else { return end(isolate, record, outcome) };
        let limiting = Self { record, outcome, client };
        let output =
            Output::CheckRateLimit { key: client.to_string(), deadline_ms: LIMITER_TIMEOUT_MS };
        (Some(Machine(State::Limiting(Box::new(limiting)))), output)
    }

    /// The rate limiter has answered, or not.
    pub(super) fn handle(mut self, isolate: &mut Isolate, input: Input, now_ms: u64) -> Step {
        match input {
            Input::RateLimit(Ok(true)) => {}
            Input::RateLimit(Ok(false)) => isolate.blocked_clients.block(self.client, now_ms),
            Input::RateLimit(Err(error)) => self.record.limiter_error = Some(error),
            _ => self.record.limiter_error = Some(OUT_OF_TURN.to_owned()),
        }
        end(isolate, self.record, self.outcome)
    }
}
