//! Steps 5 to 7: from an authentic event to the origin's answer, and a ledger that knows of it.

use std::rc::Rc;

use super::{Course, Effect, Event, Head, OUT_OF_TURN, Stage};
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
pub(super) struct Attempt {
    settings: Rc<Settings>,
    authentic: Authentic,
    record: Record,
    trace: TraceContext,
    random: Random,
    head: Head,
    signature_header: String,
    edge_signature: Option<String>,
    shard: String,
    step: Step,
    /// When the step began.
    started_ms: u64,
}

/// What the attempt waits for.
enum Step {
    /// 5. The answer to the claim.
    Claim,
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
    #[allow(clippy::too_many_arguments, reason = "all that the rest of the way needs")]
    pub(super) fn new(
        settings: Rc<Settings>,
        authentic: Authentic,
        record: Record,
        trace: TraceContext,
        random: Random,
        head: Head,
        signature_header: String,
        edge_signature: Option<String>,
    ) -> Self {
        let job_id = authentic.job_id();
        let shard = shard::name(job_id, &authentic.key, settings.ledger_shards);
        Self {
            settings,
            authentic,
            record,
            trace,
            random,
            head,
            signature_header,
            edge_signature,
            shard,
            step: Step::Claim,
            started_ms: 0,
        }
    }

    /// Milliseconds since the step began; the next one begins.
    fn lap_ms(&mut self, now_ms: u64) -> u64 {
        let lap_ms = now_ms.saturating_sub(self.started_ms);
        self.started_ms = now_ms;
        lap_ms
    }
}

impl Course {
    /// Step 5.
    pub(super) fn claim(&mut self, mut attempt: Attempt, now_ms: u64) -> Effect {
        attempt.started_ms = now_ms;
        let call = attempt.authentic.claim(attempt.settings.ledger_shards);
        let ask = Effect::Ask(vec![(attempt.shard.clone(), call)]);
        self.stage = Stage::Attempting(attempt);
        ask
    }

    /// What came of a step.
    pub(super) fn attempted(
        &mut self,
        isolate: &mut Isolate,
        mut attempt: Attempt,
        event: Event,
        now_ms: u64,
    ) -> Effect {
        match (core::mem::replace(&mut attempt.step, Step::Claim), event) {
            (Step::Claim, event) => self.claimed(isolate, attempt, one_answer(event), now_ms),
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
        mut attempt: Attempt,
        answer: Result<LedgerAnswer, Unanswered>,
        now_ms: u64,
    ) -> Effect {
        attempt.record.milliseconds.claim = Some(attempt.lap_ms(now_ms));
        match delivery::granted(&answer) {
            Ok((token, order)) => self.forward(attempt, token, order),
            Err(outcome) => {
                attempt.record.ledger_error = answer.err().map(|unanswered| unanswered.text);
                self.end(isolate, attempt.record, outcome)
            }
        }
    }

    /// Step 6.
    fn forward(&mut self, mut attempt: Attempt, token: Token, order: Order) -> Effect {
        attempt.record.attempt = Some(token);
        attempt.record.order = Some(order.name());
        let forward = Forward {
            key: &attempt.authentic.key,
            attempt: token,
            order,
            correlation_id: &attempt.record.correlation_id,
            trace: &attempt.trace,
            signature_header: &attempt.signature_header,
            edge_signature: attempt.edge_signature.take(),
        };
        let delivered = core::mem::replace(&mut attempt.head, Head::new("", "", ""));
        let settings = &attempt.settings;
        let effect = Effect::Forward {
            url: settings.origin.expose().to_owned(),
            headers: forward.headers(delivered.into_headers(), settings),
            deadline_ms: settings.origin_timeout_ms,
        };
        attempt.step = Step::Origin { token };
        self.stage = Stage::Attempting(attempt);
        effect
    }

    fn forwarded(
        &mut self,
        isolate: &mut Isolate,
        mut attempt: Attempt,
        token: Token,
        result: OriginResult,
        now_ms: u64,
    ) -> Effect {
        attempt.record.milliseconds.origin = Some(attempt.lap_ms(now_ms));
        if let OriginResult::Status(status) = result {
            attempt.record.origin_status = Some(status);
        }
        #[cfg(feature = "planted")]
        crate::planted::strike_after_origin(&attempt.authentic.key);
        let outcome = Outcome::from(result);
        // The outcome itself goes along, so it must not be counted a second time.
        isolate.count(outcome);
        let tally = isolate.take_tally();
        self.settle(attempt, Settling { token, outcome, tally, tries: 0 })
    }

    /// Step 7.
    fn settle(&mut self, mut attempt: Attempt, mut settling: Settling) -> Effect {
        let Settling { token, outcome, ref tally, .. } = settling;
        let call = attempt.authentic.settle(token, outcome, tally.clone());
        let ask = Effect::Ask(vec![(attempt.shard.clone(), call)]);
        settling.tries = settling.tries.saturating_add(1);
        attempt.step = Step::Settle(settling);
        self.stage = Stage::Attempting(attempt);
        ask
    }

    fn settled(
        &mut self,
        isolate: &mut Isolate,
        mut attempt: Attempt,
        settling: Settling,
        answer: Result<LedgerAnswer, Unanswered>,
        now_ms: u64,
    ) -> Effect {
        let Settling { outcome, tries, .. } = settling;
        let settlement = delivery::settlement(outcome, &answer);
        let unanswered = answer.err();
        let is_overloaded = unanswered.as_ref().is_some_and(|why| why.is_overloaded);
        attempt.record.settlement = Some(settlement);
        attempt.record.ledger_error = unanswered.map(|why| why.text);
        let [random, ..] = attempt.random.span;
        if let Some(ms) = delivery::pause_before_retry_ms(settlement, is_overloaded, tries, random)
        {
            attempt.step = Step::Settle(settling);
            self.stage = Stage::Attempting(attempt);
            return Effect::Pause { ms };
        }
        if !matches!(settlement, Settlement::Committed | Settlement::Released) {
            isolate.give_back(&settling.tally);
        }
        attempt.record.milliseconds.commit = Some(attempt.lap_ms(now_ms));
        self.end(isolate, attempt.record, outcome)
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
