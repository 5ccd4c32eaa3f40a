//! Waiting for the end of a job.

use alloc::boxed::Box;

use crate::retry::up_to;
use crate::{
    BlockedReason, Bucket, Cap, Disposition, Error, ErrorKind, HttpResponse, Job, Millis,
    Operation, Options, Retrieve, Status, Step, TransportError, WaitReason,
};

/// How often to look at a job, and for how long. The defaults are a choice, not a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollConfig {
    /// The wait after the first look; it doubles from there. Default: 2 s.
    pub first: Millis,
    /// The longest wait between two looks. Default: 30 s.
    pub max: Millis,
    /// How long to wait for the end in all, even if every look succeeds. Default: 1 h.
    pub deadline: Millis,
    /// How long a job may stay as it is, in status and progress. Default: 30 min.
    pub stall_after: Millis,
}

impl Default for PollConfig {
    fn default() -> Self {
        Self { first: 2_000, max: 30_000, deadline: 3_600_000, stall_after: 1_800_000 }
    }
}

/// A job that looks wrong, in a status that is not known or done without a URL, is believed after so many looks,
/// which must be spread over at least that long.
const ODD_LOOKS: u8 = 3;
const ODD_TIME: Millis = 60_000;

/// Waits for the end of a job by looking at it. The result is the job, succeeded or failed; how it goes meanwhile,
/// [`job`](Self::job) tells after each step.
///
/// Looks that fail for now do not end it; the deadline does, even if every look succeeds. The error is then
/// [`ErrorKind::NotOver`], or if the last look has failed, why it has. Waits have jitter, so that
/// those who wait for many jobs do not look at the same moment.
pub struct Poller {
    options: Options,
    config: PollConfig,
    state: PollerState,
    job: Option<Job>,
    bucket: Bucket,
    look: Option<Retrieve>,
    /// Why the last look that is over has shown nothing, and the status of its last answer.
    failed: Option<(ErrorKind, Option<u16>)>,
    next_at: Millis,
    over: bool,
}

/// What has to outlive a crash for a poller to go on where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PollerState {
    /// The job's id.
    pub id: Box<str>,
    /// Whether the provider has known it.
    pub seen: bool,
    /// When the first look was.
    pub started_at: Option<Millis>,
    /// How many looks there were.
    pub looks: u32,
    /// What the job was like at the last change.
    pub status: Option<Status>,
    /// How far it was then, in per cent.
    pub progress: Option<u8>,
    /// When that was.
    pub changed_at: Option<Millis>,
    /// How many looks up to the last found something odd, and when the first of these was.
    pub odd: u8,
    /// When the first of these was.
    pub odd_since: Millis,
}

impl Poller {
    /// Waits for the end of the job of this id. `seen` says that the provider has known it, as it has after a
    /// submission.
    #[must_use]
    pub fn new(id: &str, seen: bool, config: PollConfig, options: Options) -> Self {
        let state = PollerState {
            id: id.into(),
            seen,
            started_at: None,
            looks: 0,
            status: None,
            progress: None,
            changed_at: None,
            odd: 0,
            odd_since: 0,
        };
        Self::resume(state, config, options)
    }

    /// Goes on after a crash, with the next look at once. The deadline counts from the first start.
    #[must_use]
    pub const fn resume(state: PollerState, config: PollConfig, options: Options) -> Self {
        let bucket = Bucket::InProgress;
        Self {
            options,
            config,
            state,
            job: None,
            bucket,
            look: None,
            failed: None,
            next_at: 0,
            over: false,
        }
    }

    /// What has to outlive a crash.
    #[must_use]
    pub const fn state(&self) -> &PollerState {
        &self.state
    }

    /// The job, as far as it has come. It never goes backwards.
    #[must_use]
    pub const fn job(&self) -> Option<&Job> {
        self.job.as_ref()
    }

    /// What can be done about the job.
    #[must_use]
    pub const fn bucket(&self) -> Bucket {
        self.bucket
    }

    /// Takes a look in: the job, if it is over, or why nobody should wait any longer.
    fn observe(&mut self, now: Millis, mut job: Job) -> Option<Result<Job, Error>> {
        let state = &mut self.state;
        state.seen = true;
        // What goes backwards comes from a replica that lags behind.
        if state.status.as_ref().is_none_or(|earlier| job.status.may_follow(earlier)) {
            if state.status.as_ref() == Some(&job.status) {
                job.progress = job.progress.max(state.progress);
            }
            if state.status.as_ref() != Some(&job.status) || job.progress != state.progress {
                state.status = Some(job.status.clone());
                state.progress = job.progress;
                state.changed_at = Some(now);
            }
            let job = self.job.insert(job);
            self.bucket = job.bucket();
            if let Bucket::Terminal(_) = self.bucket {
                return Some(Ok(job.clone()));
            }
            let odd = match job.status {
                Status::Succeeded => Some(ErrorKind::NoUrl),
                Status::Unknown(_) => Some(ErrorKind::UnknownStatus),
                _ => None,
            };
            let Some(kind) = odd else {
                state.odd = 0;
                return self.stalled(now);
            };
            if state.odd == 0 {
                state.odd_since = now;
            }
            state.odd = state.odd.saturating_add(1);
            if state.odd >= ODD_LOOKS && now.saturating_sub(state.odd_since) >= ODD_TIME {
                return Some(Err(Error::new(Disposition::Blocked, kind)));
            }
        }
        self.stalled(now)
    }

    fn stalled(&self, now: Millis) -> Option<Result<Job, Error>> {
        let since = now.saturating_sub(self.state.changed_at?);
        (since >= self.config.stall_after)
            .then(|| Err(Error::new(Disposition::Blocked, ErrorKind::Stalled)))
    }

    fn end(&mut self, result: Result<Job, Error>) -> Step<Job> {
        self.over = true;
        let result = result.map_err(|mut error| {
            error.attempts = error.attempts.max(self.state.looks);
            if let Some(reason) = blocked_reason(&error) {
                self.bucket = Bucket::Blocked(reason);
            }
            error
        });
        Step::Done(result)
    }
}

impl Operation for Poller {
    type Output = Job;

    fn step(&mut self, now: Millis, entropy: u64) -> Step<Job> {
        if self.over {
            return Step::Done(Err(Error::new(Disposition::Refused, ErrorKind::Finished)));
        }
        let deadline =
            self.state.started_at.get_or_insert(now).saturating_add(self.config.deadline);
        loop {
            if let Some(look) = &mut self.look {
                match look.step(now, entropy) {
                    Step::Send(mut request) if now < deadline => {
                        request.timeout = request.timeout.min(deadline.saturating_sub(now));
                        return Step::Send(request);
                    }
                    Step::Wait { until, why: WaitReason::Answer } => {
                        return Step::Wait { until, why: WaitReason::Answer };
                    }
                    Step::Wait { until, why } if now < deadline => {
                        return Step::Wait { until: until.min(deadline), why };
                    }
                    Step::Send(_) | Step::Wait { .. } => {}
                    Step::Done(result) => {
                        self.look = None;
                        self.failed = result.as_ref().err().map(|error| (error.kind, error.status));
                        let doublings = self.state.looks.saturating_sub(1).min(32);
                        let longest =
                            self.config.first.saturating_mul(1 << doublings).min(self.config.max);
                        let half = longest / 2;
                        self.next_at =
                            now.saturating_add(half).saturating_add(up_to(half, entropy));
                        let end = match result {
                            Ok(job) => self.observe(now, job),
                            Err(error) if error.disposition == Disposition::Exhausted => {
                                self.next_at = self.next_at.max(error.retry_at.unwrap_or(0));
                                None
                            }
                            Err(error) => Some(Err(error)),
                        };
                        if let Some(result) = end {
                            return self.end(result);
                        }
                    }
                }
            }
            if now >= deadline {
                // If nobody could look, nobody knows whether the job is over.
                let failed = self.look.as_ref().and_then(Retrieve::last).or(self.failed);
                let (kind, status) = failed.unwrap_or((ErrorKind::NotOver, None));
                let mut error = Error::new(Disposition::Exhausted, kind);
                (error.cap, error.status) = (Some(Cap::Time), status);
                return self.end(Err(error));
            }
            if now < self.next_at {
                return Step::Wait { until: self.next_at.min(deadline), why: WaitReason::Poll };
            }
            self.state.looks = self.state.looks.saturating_add(1);
            self.look = Some(Retrieve::new(&self.state.id, self.state.seen, self.options.clone()));
        }
    }

    fn on_response(&mut self, now: Millis, response: HttpResponse<'_>) {
        if let Some(look) = &mut self.look {
            look.on_response(now, response);
        }
    }

    fn on_error(&mut self, now: Millis, error: TransportError) {
        if let Some(look) = &mut self.look {
            look.on_error(now, error);
        }
    }
}

const fn blocked_reason(error: &Error) -> Option<BlockedReason> {
    match (error.disposition, error.kind) {
        (Disposition::Blocked, kind) => match kind {
            ErrorKind::InsufficientCredits => Some(BlockedReason::Credits),
            ErrorKind::NotFound => Some(BlockedReason::NotFound),
            ErrorKind::UnknownStatus => Some(BlockedReason::UnknownStatus),
            ErrorKind::NoUrl => Some(BlockedReason::NoUrl),
            ErrorKind::Stalled => Some(BlockedReason::Stalled),
            _ => Some(BlockedReason::Credentials),
        },
        _ => None,
    }
}
