//! Steps 5 to 7: from an authentic event to the origin's answer, and a ledger that knows of it.

use std::rc::Rc;

use super::{Course, Effect, Event, OUT_OF_TURN, Stage, read_headers};
use crate::delivery::{self, Authentic};
use crate::forward::Forward;
use crate::isolate::Isolate;
use crate::ledger::entry::Token;
use crate::ledger::message::{Answer as LedgerAnswer, Unanswered};
use crate::ledger::order::Order;
use crate::ledger::shard;
use crate::outcome::{OriginResult, Outcome};
use crate::record::{Record, Settlement};
use crate::settings::Settings;
use crate::tally::Tally;
use crate::trace::{Random, TraceContext};

/// An authentic delivery, with all that the rest of its way needs.
pub(super) struct Verified {
    pub(super) settings: Rc<Settings>,
    pub(super) authentic: Authentic,
    pub(super) record: Record,
    pub(super) trace: TraceContext,
    pub(super) random: Random,
    /// The header in which the signature was found.
    pub(super) signature_header: String,
    pub(super) edge_signature: Option<String>,
}

/// An attempt to get the delivery to the origin.
pub(super) struct Attempt {
    delivery: Verified,
    /// Where the ledger keeps the event.
    shard: String,
    step: Step,
    /// When the step began.
    started_ms: u64,
}

/// What the attempt waits for.
enum Step {
    /// 5. The answer to the claim.
    Claim,
    /// 6. The headers to forward.
    Headers { token: Token, order: Order },
    /// 6. The origin.
    Origin { token: Token },
    /// 7. The answer to commit or release, or the pause before the next try.
    Settle(Settling),
}

/// A claim that is being committed or released.
struct Settling {
    token: Token,
    outcome: Outcome,
    /// What goes along.
    tally: Tally,
    tries: usize,
}

impl Attempt {
    /// Milliseconds since the step began; the next one begins.
    fn lap_ms(&mut self, now_ms: u64) -> u64 {
        let lap_ms = now_ms.saturating_sub(self.started_ms);
        self.started_ms = now_ms;
        lap_ms
    }
}

impl Course {
    /// Step 5.
    pub(super) fn claim(&mut self, delivery: Verified, now_ms: u64) -> Effect {
        let Verified { authentic, settings, .. } = &delivery;
        let shard = shard::name(authentic.job_id(), &authentic.key, settings.ledger_shards);
        let ask = Effect::Ask(vec![(shard.clone(), authentic.claim())]);
        let attempt = Attempt { delivery, shard, step: Step::Claim, started_ms: now_ms };
        self.stage = Stage::Attempting(Box::new(attempt));
        ask
    }

    /// What came of a step.
    pub(super) fn attempted(
        &mut self,
        isolate: &mut Isolate,
        mut attempt: Box<Attempt>,
        event: Event,
        now_ms: u64,
    ) -> Effect {
        match (core::mem::replace(&mut attempt.step, Step::Claim), event) {
            (Step::Claim, event) => self.claimed(isolate, attempt, one_answer(event), now_ms),
            (Step::Headers { token, order }, event) => {
                self.forward(attempt, token, order, &all_headers(event))
            }
            (Step::Origin { token }, Event::Origin(result)) => {
                self.forwarded(isolate, attempt, token, result, now_ms)
            }
            // Nobody knows what the origin has.
            (Step::Origin { token }, _) => {
                self.forwarded(isolate, attempt, token, OriginResult::Unreachable, now_ms)
            }
            (Step::Settle(settling), Event::Paused) => self.settle(attempt, settling),
            (Step::Settle(settling), event) => {
                self.settled(isolate, attempt, settling, one_answer(event), now_ms)
            }
        }
    }

    fn claimed(
        &mut self,
        isolate: &mut Isolate,
        mut attempt: Box<Attempt>,
        answer: Result<LedgerAnswer, Unanswered>,
        now_ms: u64,
    ) -> Effect {
        attempt.delivery.record.milliseconds.claim = Some(attempt.lap_ms(now_ms));
        match delivery::granted(&answer) {
            Ok((token, order)) => {
                attempt.step = Step::Headers { token, order };
                self.stage = Stage::Attempting(attempt);
                Effect::Headers
            }
            Err(outcome) => {
                attempt.delivery.record.ledger_error =
                    answer.err().map(|unanswered| unanswered.text);
                self.end(isolate, attempt.delivery.record, outcome)
            }
        }
    }

    /// Step 6.
    fn forward(
        &mut self,
        mut attempt: Box<Attempt>,
        token: Token,
        order: Order,
        headers: &str,
    ) -> Effect {
        let delivery = &mut attempt.delivery;
        delivery.record.attempt = Some(token);
        delivery.record.order = Some(order.name());
        let forward = Forward {
            key: &delivery.authentic.key,
            attempt: token,
            order,
            correlation_id: &delivery.record.correlation_id,
            trace: &delivery.trace,
            signature_header: &delivery.signature_header,
            edge_signature: delivery.edge_signature.take(),
        };
        let settings = &delivery.settings;
        let effect = Effect::Forward {
            url: settings.origin.expose().to_owned(),
            headers: forward.headers(read_headers(headers), settings),
            deadline_ms: settings.origin_timeout_ms,
        };
        attempt.step = Step::Origin { token };
        self.stage = Stage::Attempting(attempt);
        effect
    }

    fn forwarded(
        &mut self,
        isolate: &mut Isolate,
        mut attempt: Box<Attempt>,
        token: Token,
        result: OriginResult,
        now_ms: u64,
    ) -> Effect {
        attempt.delivery.record.milliseconds.origin = Some(attempt.lap_ms(now_ms));
        if let OriginResult::Status(status) = result {
            attempt.delivery.record.origin_status = Some(status);
        }
        #[cfg(feature = "planted")]
        crate::planted::strike_after_origin(&attempt.delivery.authentic.key);
        let outcome = Outcome::from(result);
        // The outcome itself goes along, so it must not be counted a second time.
        isolate.count(outcome);
        let tally = isolate.take_due_tally(now_ms);
        self.settle(attempt, Settling { token, outcome, tally, tries: 0 })
    }

    /// Step 7.
    fn settle(&mut self, mut attempt: Box<Attempt>, mut settling: Settling) -> Effect {
        let Settling { token, outcome, ref tally, .. } = settling;
        let call = attempt.delivery.authentic.settle(token, outcome, tally.clone());
        let ask = Effect::Ask(vec![(attempt.shard.clone(), call)]);
        settling.tries = settling.tries.saturating_add(1);
        attempt.step = Step::Settle(settling);
        self.stage = Stage::Attempting(attempt);
        ask
    }

    fn settled(
        &mut self,
        isolate: &mut Isolate,
        mut attempt: Box<Attempt>,
        settling: Settling,
        answer: Result<LedgerAnswer, Unanswered>,
        now_ms: u64,
    ) -> Effect {
        let Settling { outcome, tries, .. } = settling;
        let settlement = delivery::settlement(outcome, &answer);
        let unanswered = answer.err();
        let is_overloaded = unanswered.as_ref().is_some_and(|why| why.is_overloaded);
        attempt.delivery.record.settlement = Some(settlement);
        attempt.delivery.record.ledger_error = unanswered.map(|why| why.text);
        let [random, ..] = attempt.delivery.random.span;
        if let Some(ms) = delivery::pause_before_retry_ms(settlement, is_overloaded, tries, random)
        {
            attempt.step = Step::Settle(settling);
            self.stage = Stage::Attempting(attempt);
            return Effect::Pause { ms };
        }
        if !matches!(settlement, Settlement::Committed | Settlement::Released) {
            isolate.give_back(&settling.tally);
        }
        attempt.delivery.record.milliseconds.commit = Some(attempt.lap_ms(now_ms));
        self.end(isolate, attempt.delivery.record, outcome)
    }
}

/// The answer to the one call that was made.
fn one_answer(event: Event) -> Result<LedgerAnswer, Unanswered> {
    let none = || Unanswered::from(OUT_OF_TURN.to_owned());
    match event {
        Event::Answered(answers) => answers.into_iter().next().unwrap_or_else(|| Err(none())),
        _ => Err(none()),
    }
}

/// All headers. Without them the event goes to the origin all the same: it counts, they do not.
fn all_headers(event: Event) -> String {
    match event {
        Event::Headers(headers) => headers,
        _ => String::new(),
    }
}
