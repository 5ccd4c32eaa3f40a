//! The attempts of one operation: when to send, when to wait, when to stop.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use crate::json::Object;
use crate::retry::up_to;
use crate::{
    Call, Cap, Disposition, Error, ErrorKind, History, HttpRequest, HttpResponse, Method, Millis,
    Options, Outcome, TransportError, Verdict, WaitReason, classify,
};

/// What a retry takes from the quota, and what it takes after a time-out.
const RETRY_TOKENS: u32 = 5;
const TIMEOUT_TOKENS: u32 = 10;
/// What a success gives back that needed no retry.
const SUCCESS_TOKENS: u32 = 1;

pub(crate) struct Exchange {
    call: Call,
    options: Options,
    history: History,
    /// Requests sent before this run, and in it.
    before: u32,
    sends: u8,
    deadline: Option<Millis>,
    phase: Phase,
    /// What the last retry took.
    taken: u32,
    last: Option<(ErrorKind, Option<u16>)>,
}

enum Phase {
    Ready,
    /// The last outcome allows another attempt. How long to wait is drawn at the next step.
    Retry {
        kind: ErrorKind,
        not_before: Option<Millis>,
    },
    Waiting {
        until: Millis,
        why: WaitReason,
    },
    InFlight {
        until: Millis,
    },
    Succeeded,
    Failed(Error),
    Over,
}

pub(crate) enum Turn {
    Send { timeout: Millis, resend_count: u32 },
    Wait { until: Millis, why: WaitReason },
    Done(Result<(), Error>),
}

impl Exchange {
    pub(crate) const fn new(call: Call, options: Options) -> Self {
        Self {
            call,
            options,
            history: History { maybe_sent: false, not_found: 0, conflicts: 0, internal_errors: 0 },
            before: 0,
            sends: 0,
            deadline: None,
            phase: Phase::Ready,
            taken: 0,
            last: None,
        }
    }

    /// Goes on after a crash: so many requests were sent, and nobody knows what became of them.
    pub(crate) const fn resume(&mut self, sends: u32) {
        self.before = sends;
        self.history.maybe_sent = sends > 0;
    }

    pub(crate) const fn is_in_flight(&self) -> bool {
        matches!(self.phase, Phase::InFlight { .. })
    }

    /// Whether the next step may send a request.
    pub(crate) const fn may_send(&self) -> bool {
        matches!(self.phase, Phase::Ready | Phase::Retry { .. } | Phase::Waiting { .. })
    }

    /// The error of an operation that has handed out its result before.
    pub(crate) const fn finished() -> Error {
        Error::new(Disposition::Refused, ErrorKind::Finished)
    }

    /// What the last attempt has failed with.
    pub(crate) const fn last(&self) -> Option<(ErrorKind, Option<u16>)> {
        self.last
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.before.saturating_add(self.sends.into())
    }

    /// Ends it, whatever it was about to do.
    pub(crate) fn fail(&mut self, disposition: Disposition, kind: ErrorKind) {
        let mut error = Error::new(disposition, kind);
        error.attempts = self.attempts();
        error.status = self.last.and_then(|(_, status)| status);
        self.phase = Phase::Failed(error);
    }

    pub(crate) fn step(&mut self, now: Millis, entropy: u64) -> Turn {
        let deadline =
            *self.deadline.get_or_insert(now.saturating_add(self.options.retry.operation_timeout));
        self.options.correlation_id.get_or_insert_with(|| format!("nxc_{entropy:016x}"));
        if let Phase::Retry { kind, not_before } = self.phase {
            self.plan_retry(now, entropy, deadline, kind, not_before);
        }
        if let Phase::Waiting { until, .. } = self.phase
            && now >= until
        {
            self.phase = Phase::Ready;
        }
        if matches!(self.phase, Phase::Ready) {
            let (kind, _) = self.last.unwrap_or((ErrorKind::RateLimited, None));
            if now >= deadline {
                self.give_up(kind, Cap::Time, None);
            } else if let Some(free) = self.options.limits.not_before(now) {
                // Another operation was refused for the limit of the same API key.
                self.wait(now, deadline, free, entropy, ErrorKind::RateLimited);
            } else {
                self.sends = self.sends.saturating_add(1);
                let timeout = self.options.retry.attempt_timeout.min(deadline.saturating_sub(now));
                self.phase = Phase::InFlight { until: now.saturating_add(timeout) };
                return Turn::Send { timeout, resend_count: self.attempts().saturating_sub(1) };
            }
        }
        match &mut self.phase {
            Phase::Waiting { until, why } => Turn::Wait { until: *until, why: *why },
            Phase::InFlight { until } => Turn::Wait { until: *until, why: WaitReason::Answer },
            Phase::Succeeded => {
                self.phase = Phase::Over;
                Turn::Done(Ok(()))
            }
            Phase::Failed(error) => {
                let error = error.clone();
                self.phase = Phase::Over;
                Turn::Done(Err(error))
            }
            Phase::Ready | Phase::Retry { .. } | Phase::Over => Turn::Done(Err(Self::finished())),
        }
    }

    fn plan_retry(
        &mut self,
        now: Millis,
        entropy: u64,
        deadline: Millis,
        kind: ErrorKind,
        not_before: Option<Millis>,
    ) {
        let retry = &self.options.retry;
        let tokens = if kind == ErrorKind::TimedOut { TIMEOUT_TOKENS } else { RETRY_TOKENS };
        if self.sends >= retry.max_attempts {
            self.give_up(kind, Cap::Attempts, not_before);
        } else if let Some(moment) = not_before.filter(|moment| *moment > now) {
            if self.wait(now, deadline, moment, entropy, kind) {
                self.pay(kind, tokens);
            }
        } else {
            let until = now.saturating_add(retry.backoff(self.sends, entropy));
            if until >= deadline {
                self.give_up(kind, Cap::Time, None);
            } else {
                self.phase = Phase::Waiting { until, why: WaitReason::Backoff };
                self.pay(kind, tokens);
            }
        }
    }

    /// Waits for a moment that somebody named, and a little longer, so that not all who wait go on at once.
    fn wait(
        &mut self,
        now: Millis,
        deadline: Millis,
        moment: Millis,
        entropy: u64,
        kind: ErrorKind,
    ) -> bool {
        let retry = &self.options.retry;
        let limited = kind == ErrorKind::RateLimited;
        let spread = if limited { retry.reset_spread } else { retry.initial_backoff };
        let until = moment.saturating_add(up_to(spread, entropy));
        if moment.saturating_sub(now) > retry.max_server_delay {
            self.give_up(kind, Cap::ServerDelay, Some(moment));
            return false;
        }
        if until >= deadline {
            self.give_up(kind, Cap::Time, Some(moment));
            return false;
        }
        let why = if limited { WaitReason::RateLimit } else { WaitReason::Backoff };
        self.phase = Phase::Waiting { until, why };
        true
    }

    fn pay(&mut self, kind: ErrorKind, tokens: u32) {
        if self.options.limits.take(tokens) {
            self.taken = tokens;
        } else {
            self.give_up(kind, Cap::Quota, None);
        }
    }

    fn give_up(&mut self, kind: ErrorKind, cap: Cap, retry_at: Option<Millis>) {
        let unknown = self.call == Call::Submit && self.history.maybe_sent;
        self.fail(if unknown { Disposition::Unknown } else { Disposition::Exhausted }, kind);
        if let Phase::Failed(error) = &mut self.phase {
            error.cap = Some(cap);
            error.retry_at = retry_at;
        }
    }

    /// Takes an answer in. Whether the body is what was asked for, the caller knows.
    pub(crate) fn on_response(
        &mut self,
        now: Millis,
        response: &HttpResponse<'_>,
        readable: bool,
    ) -> bool {
        let outcome = Outcome::of(response, readable, now);
        self.on_outcome(now, &outcome);
        if let Phase::Failed(error) = &mut self.phase {
            error.says(
                Object::read(response.body).and_then(|it| it.object("error")?.text("message")),
            );
        }
        matches!(self.phase, Phase::Succeeded)
    }

    pub(crate) fn on_error(&mut self, now: Millis, error: TransportError) {
        self.on_outcome(now, &Outcome::Transport(error));
    }

    fn on_outcome(&mut self, now: Millis, outcome: &Outcome) {
        if !self.is_in_flight() {
            return;
        }
        let verdict = classify(self.call, &self.history, outcome, now);
        self.history.note(outcome);
        let limits = Arc::clone(&self.options.limits);
        if let Outcome::Answer { limit, .. } = outcome
            && let Some(reset) = limit.reset
            && limit.remaining == Some(0)
        {
            limits.hold_until(now.saturating_add(reset), now);
        }
        let (disposition, kind) = match verdict {
            Verdict::Success => {
                limits.give(if self.taken > 0 { self.taken } else { SUCCESS_TOKENS });
                self.phase = Phase::Succeeded;
                return;
            }
            Verdict::Retry { kind, not_before } => {
                self.last = Some((kind, outcome.status()));
                if let (ErrorKind::RateLimited, Some(moment)) = (kind, not_before) {
                    limits.hold_until(moment, now);
                }
                if self.options.veto.is_some_and(|veto| veto(self.call, outcome)) {
                    self.give_up(kind, Cap::Veto, not_before);
                } else {
                    self.phase = Phase::Retry { kind, not_before };
                }
                return;
            }
            Verdict::Refused(kind) => (Disposition::Refused, kind),
            Verdict::Blocked(kind) => (Disposition::Blocked, kind),
            Verdict::Unknown(kind) => (Disposition::Unknown, kind),
        };
        self.last = Some((kind, outcome.status()));
        self.fail(disposition, kind);
    }

    /// A request with the headers that all have.
    pub(crate) fn request(
        &self,
        method: Method,
        path: String,
        timeout: Millis,
        resend_count: u32,
    ) -> HttpRequest {
        let id = self.options.correlation_id.clone().unwrap_or_default();
        let headers: Vec<_> = vec![
            ("accept", "application/json".into()),
            ("x-nextapi-environment", self.options.environment.as_str().into()),
            ("x-correlation-id", id),
        ];
        HttpRequest {
            method,
            path,
            headers,
            body: Arc::from([]),
            timeout,
            max_response_bytes: MAX_RESPONSE_BYTES,
            resend_count,
        }
    }
}

/// A page of a hundred jobs has some 60 KB.
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// Where jobs are, behind the base URL.
pub(crate) const JOBS: &str = "/video/generations";
