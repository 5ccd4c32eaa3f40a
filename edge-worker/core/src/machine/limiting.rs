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
        (Some(Machine(State::Limiting(Box::new(limiting)))), check_rate_limit(client))
    }

    /// The rate limiter has answered, or not.
    pub(super) fn handle(mut self, isolate: &mut Isolate, input: Input, now_ms: u64) -> Step {
        self.record.limiter_error = note_answer(isolate, self.client, input, now_ms).err();
        end(isolate, self.record, self.outcome)
    }
}

/// Asks the rate limiter about a client, which counts a failure of it.
pub(super) fn check_rate_limit(client: IpAddr) -> Output {
    Output::CheckRateLimit { key: client.to_string(), deadline_ms: LIMITER_TIMEOUT_MS }
}

/// Notes the rate limiter's answer: a client that is over its limit is blocked for a while.
///
/// # Errors
/// Why there is no answer. Nobody is blocked then.
pub(super) fn note_answer(
    isolate: &mut Isolate,
    client: IpAddr,
    input: Input,
    now_ms: u64,
) -> Result<(), String> {
    match input {
        Input::RateLimit(Ok(is_within)) => {
            if !is_within {
                isolate.blocked_clients.block(client, now_ms);
            }
            Ok(())
        }
        Input::RateLimit(Err(error)) => Err(error),
        _ => Err(OUT_OF_TURN.to_owned()),
    }
}
