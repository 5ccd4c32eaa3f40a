//! Steps 4 to 6: from an authentic event to the origin's answer, and a ledger that knows of it.

use std::sync::Arc;

use nextapi_webhook::UnixTime;

use super::settlement::{Grant, granted, pause_ms, settlement};
use super::{
    Input, LEDGER_TIMEOUT_MS, LedgerCall, Machine, OUT_OF_TURN, Output, State, Step, end,
    end_answered, end_attempt, retry_after,
};
use crate::authentic::Authentic;
use crate::counts::Counts;
use crate::forward::{self, Forward, Head};
use crate::isolate::Isolate;
use crate::ledger::Attempt;
use crate::ledger::entry::Token;
use crate::ledger::message::{Call, CallError, Reply};
use crate::ledger::order::Order;
use crate::ledger::shard;
use crate::outcome::{OriginResult, Outcome};
use crate::record::{Record, Settlement};
use crate::request::Request;
use crate::settings::{DeliveryMode, Settings};
use crate::trace::{Random, TraceContext};

/// An authentic delivery on its way to the origin.
#[derive(Clone)]
pub(crate) struct Delivery {
    context: Context,
    phase: Phase,
}

/// What the delivery needs on its way, whatever its phase.
#[derive(Clone)]
struct Context {
    settings: Arc<Settings>,
    /// The event's key.
    key: String,
    /// Where the ledger keeps the event.
    shard: String,
    /// The event's job.
    job_id: Option<String>,
    record: Record,
    trace: TraceContext,
    /// Headers of the request that go along.
    kept: Vec<(String, String)>,
    edge_signature: Option<String>,
    /// The replay that this is part of.
    replay: Option<String>,
    /// Whether nobody waits for a response: the provider has had it, or the object makes the attempt.
    is_answered: bool,
    /// Spreads the tries of many deliveries.
    jitter: u16,
    /// When the phase began.
    started_ms: u64,
    /// The claim, until it has been made a second time.
    claim: Option<LedgerCall>,
}

/// What the delivery waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Phase {
    /// 4. The reply to the claim, or to the acceptance.
    Claiming,
    /// The response, which tells the provider that the event is on disk.
    Responding { token: Token, order: Order },
    /// 5. The origin.
    Forwarding { token: Token },
    /// 6. The reply to commit or release.
    Settling(Settling),
    /// 6. The pause before the next try.
    Pausing(Settling),
}

/// A claim that is being committed or released.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Settling {
    pub(crate) token: Token,
    pub(crate) outcome: Outcome,
    /// The status that the origin answered with.
    status: Option<u16>,
    /// How long the origin wants to be left alone, in milliseconds.
    retry_after_ms: Option<u64>,
    /// Outcomes that are reported along with it.
    counts: Counts,
    /// How many calls were made.
    pub(crate) tries: usize,
}

impl Delivery {
    /// Step 4. `signature_header` is the name of the header in which the signature was found.
    #[allow(clippy::too_many_arguments, reason = "all that is known of a delivery, once")]
    pub(super) fn claim(
        settings: Arc<Settings>,
        request: &Request,
        signature_header: &str,
        authentic: &Authentic,
        body: &[u8],
        record: Record,
        random: &Random,
        now_ms: u64,
    ) -> Step {
        let meta = match settings.policy.jobs {
            Some(_) => authentic.meta_with_job(),
            None => authentic.meta(),
        };
        let now = UnixTime::from_secs(now_ms / 1_000);
        let mut context = Context {
            shard: shard::name(meta.job_id.as_deref(), &authentic.key, settings.ledger_shards),
            job_id: meta.job_id.clone(),
            trace: TraceContext::continuing(request, random),
            kept: forward::kept_headers(request, signature_header),
            edge_signature: forward::edge_signature(&settings, body, now),
            key: authentic.key.to_string(),
            replay: None,
            is_answered: false,
            jitter: random.jitter(),
            started_ms: now_ms,
            claim: None,
            settings,
            record,
        };
        let key = context.key.clone();
        let correlation_id = Some(context.record.correlation_id.clone());
        let call = match context.settings.delivery {
            DeliveryMode::Through => Call::Claim { key, meta, correlation_id },
            DeliveryMode::Durable => Call::Accept {
                key,
                meta,
                head: context.head(),
                body_bytes: u64::try_from(body.len()).unwrap_or(u64::MAX),
                correlation_id,
            },
        };
        let call = context.ledger_call(&call);
        context.claim = Some(call.clone());
        context.call(call, Phase::Claiming)
    }

    /// Step 5, for an attempt that the object makes of an event that it owes.
    pub(super) fn attempt(
        settings: Arc<Settings>,
        attempt: Attempt,
        body: &[u8],
        mut record: Record,
        random: &Random,
        now_ms: u64,
    ) -> Step {
        let Attempt { key, token, order, meta, head, replay } = attempt;
        let Head { correlation_id, trace, kept } = Head::decode(&head);
        let accepted = TraceContext::parse(&trace);
        if let Some(accepted) = &accepted {
            record.note_link(accepted);
        }
        let trace = TraceContext::below(accepted, random);
        record.note_trace(&trace);
        let job_id = meta.job_id.clone();
        record.note_owed(&key, meta, body.len());
        record.tenant = settings.tenant_field.as_ref().and_then(|field| field.read(body));
        if !correlation_id.is_empty() {
            record.correlation_id = correlation_id;
        }
        let now = UnixTime::from_secs(now_ms / 1_000);
        let context = Context {
            // The object calls itself.
            shard: String::new(),
            job_id,
            trace,
            kept,
            edge_signature: forward::edge_signature(&settings, body, now),
            key,
            replay,
            is_answered: true,
            jitter: random.jitter(),
            started_ms: now_ms,
            claim: None,
            settings,
            record,
        };
        context.forward(token, order)
    }

    /// Continues with the result of the last output.
    pub(super) fn handle(self, isolate: &mut Isolate, input: Input, now_ms: u64) -> Step {
        let Self { context, phase } = self;
        match (phase, input) {
            (Phase::Claiming, input) => context.claimed(isolate, only_reply(input), now_ms),
            // Whether or not the response reaches the provider, the event is owed.
            (Phase::Responding { token, order }, _) => context.forward(token, order),
            (Phase::Forwarding { token }, Input::Origin(result)) => {
                context.forwarded(isolate, token, result, None, now_ms)
            }
            (Phase::Forwarding { token }, Input::OriginBusy { status, retry_after }) => {
                let retry_after_ms = retry_after::parse(&retry_after, now_ms);
                context.forwarded(
                    isolate,
                    token,
                    OriginResult::Status(status),
                    retry_after_ms,
                    now_ms,
                )
            }
            // Nobody knows what the origin has.
            (Phase::Forwarding { token }, _) => {
                context.forwarded(isolate, token, OriginResult::Unreachable, None, now_ms)
            }
            (Phase::Settling(settling), input) => {
                context.settled(isolate, settling, only_reply(input), now_ms)
            }
            (Phase::Pausing(settling), _) => context.settle(settling),
        }
    }

    /// What it waits for.
    #[cfg(test)]
    pub(crate) const fn phase(&self) -> &Phase {
        &self.phase
    }
}

impl Context {
    /// Waits in a phase.
    fn wait(self, phase: Phase, output: Output) -> Step {
        let delivery = Delivery { context: self, phase };
        (Some(Machine(State::Delivering(Box::new(delivery)))), output)
    }

    fn ledger_call(&self, call: &Call) -> LedgerCall {
        let with_body = matches!(call, Call::Accept { .. });
        LedgerCall { shard: self.shard.clone(), message: call.encode(), with_body }
    }

    fn call(self, call: LedgerCall, phase: Phase) -> Step {
        let calls = vec![call];
        self.wait(phase, Output::CallLedger { calls, deadline_ms: LEDGER_TIMEOUT_MS })
    }

    /// Milliseconds since the phase began; the next one begins.
    fn lap_ms(&mut self, now_ms: u64) -> u64 {
        let lap_ms = now_ms.saturating_sub(self.started_ms);
        self.started_ms = now_ms;
        lap_ms
    }

    /// What is stored of the delivery beside its body.
    fn head(&self) -> String {
        let head = Head {
            correlation_id: self.record.correlation_id.clone(),
            trace: self.trace.to_string(),
            kept: self.kept.clone(),
        };
        head.encode()
    }

    /// Step 4, answered.
    fn claimed(
        mut self,
        isolate: &mut Isolate,
        reply: Result<Reply, CallError>,
        now_ms: u64,
    ) -> Step {
        // The connection to the object broke, as in a deploy. If the first call has had its effect, the second one
        // is answered as another delivery of the same event would be.
        let is_cut = reply.as_ref().is_err_and(|error| error.retryable && !error.overloaded);
        if is_cut && let Some(claim) = self.claim.take() {
            return self.call(claim, Phase::Claiming);
        }
        self.record.claim_ms = Some(self.lap_ms(now_ms));
        match granted(self.settings.delivery, &reply) {
            Ok(Grant::Forward { token, order }) => self.forward(token, order),
            Ok(Grant::Accepted { token, order }) => {
                let answer = end_answered(isolate, &mut self.record, Outcome::Accepted);
                self.is_answered = true;
                self.wait(Phase::Responding { token, order }, answer)
            }
            Err(outcome) => {
                self.record.ledger_error = reply.err().map(|error| error.message);
                end(isolate, self.record, outcome)
            }
        }
    }

    /// Step 5.
    fn forward(mut self, token: Token, order: Order) -> Step {
        self.record.attempt = Some(token);
        self.record.order = Some(order.name());
        let forward = Forward {
            key: &self.key,
            attempt: token,
            order,
            correlation_id: &self.record.correlation_id,
            trace: &self.trace,
            edge_signature: self.edge_signature.take(),
            replay: self.replay.take(),
        };
        let output = Output::Forward {
            url: self.settings.origin.expose().to_owned(),
            headers: forward.headers(core::mem::take(&mut self.kept), &self.settings),
            deadline_ms: self.settings.origin_timeout_ms,
        };
        self.wait(Phase::Forwarding { token }, output)
    }

    /// Step 5, answered.
    fn forwarded(
        mut self,
        isolate: &mut Isolate,
        token: Token,
        result: OriginResult,
        retry_after_ms: Option<u64>,
        now_ms: u64,
    ) -> Step {
        self.record.origin_ms = Some(self.lap_ms(now_ms));
        let status = match result {
            OriginResult::Status(status) => Some(status),
            OriginResult::TimedOut | OriginResult::Unreachable => None,
        };
        self.record.origin_status = status;
        let outcome = Outcome::from(result);
        // The outcome itself goes along, so it must not be counted a second time.
        if self.is_answered {
            isolate.count_attempt(outcome);
        } else {
            isolate.count(outcome);
        }
        let counts = isolate.take_due_counts(now_ms);
        self.settle(Settling { token, outcome, status, retry_after_ms, counts, tries: 0 })
    }

    /// Step 6.
    fn settle(self, settling: Settling) -> Step {
        let Settling { token, outcome, status, retry_after_ms, ref counts, tries } = settling;
        let (job_id, key) = (self.job_id.clone(), self.key.clone());
        let counts = counts.clone();
        let correlation_id = Some(self.record.correlation_id.clone());
        let call = match outcome {
            Outcome::Forwarded => {
                Call::Commit { job_id, key, token, status, correlation_id, counts }
            }
            _ => Call::Release {
                job_id,
                key,
                token,
                outcome: outcome.code().to_owned(),
                status,
                retry_after_ms,
                jitter: self.jitter,
                correlation_id,
                counts,
            },
        };
        let settling = Settling { tries: tries.saturating_add(1), ..settling };
        let call = self.ledger_call(&call);
        self.call(call, Phase::Settling(settling))
    }

    /// Step 6, answered.
    ///
    /// This never changes the outcome. The provider asks whether the origin has the event, and the
    /// origin's answer has said so: to answer a non-2xx because the ledger could not be told would bring
    /// the event a second time for certain, instead of perhaps.
    fn settled(
        mut self,
        isolate: &mut Isolate,
        settling: Settling,
        reply: Result<Reply, CallError>,
        now_ms: u64,
    ) -> Step {
        let settlement = settlement(settling.outcome, &reply);
        let is_overloaded = reply.as_ref().is_err_and(|error| error.overloaded);
        self.record.settlement = Some(settlement);
        self.record.ledger_error = reply.err().map(|error| error.message);
        if let Some(ms) = pause_ms(settlement, is_overloaded, settling.tries, self.jitter) {
            return self.wait(Phase::Pausing(settling), Output::Wait { ms });
        }
        if !matches!(settlement, Settlement::Committed | Settlement::Released) {
            isolate.give_back(&settling.counts);
        }
        self.record.commit_ms = Some(self.lap_ms(now_ms));
        if self.is_answered {
            return end_attempt(isolate, self.record, settling.outcome);
        }
        end(isolate, self.record, settling.outcome)
    }
}

/// The reply to the one call that was made.
fn only_reply(input: Input) -> Result<Reply, CallError> {
    let out_of_turn = || Err(CallError::from(OUT_OF_TURN));
    match input {
        Input::LedgerReplies(messages) => {
            Reply::decode_all(&messages, 1).pop().unwrap_or_else(out_of_turn)
        }
        _ => out_of_turn(),
    }
}

#[cfg(test)]
impl Machine {
    /// The phase of a delivery on its way to the origin.
    pub(crate) fn phase(&self) -> Option<&Phase> {
        match &self.0 {
            State::Delivering(delivery) => Some(delivery.phase()),
            _ => None,
        }
    }
}
