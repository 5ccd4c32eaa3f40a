//! A job's way through its states.

use core::time::Duration;

use nextapi_testkit::Status;
use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// Of a job's time, this part is spent waiting: one in so many.
const WAITING_PART: u32 = 4;

/// Where a job is on its way: queued → running → succeeded or failed. The ends are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lifecycle {
    status: Status,
    starts: Moment,
    ends: Moment,
    /// How it will end. Decided at the beginning, so that a seed means the same jobs fail.
    end: Status,
}

impl Lifecycle {
    /// A job queued `now` that takes `duration` in all.
    pub(crate) fn new(now: Moment, duration: Duration, fails: bool) -> Self {
        let waiting = duration.checked_div(WAITING_PART).unwrap_or_default();
        let end = if fails { Status::Failed } else { Status::Succeeded };
        let (starts, ends) = (now.after(waiting), now.after(duration));
        Self { status: Status::Queued, starts, ends, end }
    }

    pub(crate) const fn status(&self) -> Status {
        self.status
    }

    /// As it was at a moment of the past: without the states that it has reached since.
    pub(crate) fn as_of(mut self, moment: Moment) -> Self {
        if moment < self.starts {
            self.status = Status::Queued;
        } else if moment < self.ends && self.status != Status::Queued {
            self.status = Status::Running;
        }
        self
    }

    /// The next state, and when it is reached; `None` at the end.
    pub(crate) const fn next(&self) -> Option<(Moment, Status)> {
        match self.status {
            Status::Queued => Some((self.starts, Status::Running)),
            Status::Running => Some((self.ends, self.end)),
            Status::Succeeded | Status::Failed => None,
        }
    }

    /// Goes on to the next state; at the end, nothing happens.
    pub(crate) const fn advance(&mut self) {
        if let Some((_, status)) = self.next() {
            self.status = status;
        }
    }

    /// How far it is, in per cent: 0 while it waits, 100 when it has succeeded, below that until
    /// then, and `None` when it has failed.
    pub(crate) fn progress(&self, now: Moment) -> Option<u8> {
        match self.status {
            Status::Queued => Some(0),
            Status::Running => {
                let all = self.ends.since(self.starts).as_millis();
                let done = now.since(self.starts).as_millis().saturating_mul(100);
                let percent = done.checked_div(all).unwrap_or(0).min(99);
                u8::try_from(percent).ok()
            }
            Status::Succeeded => Some(100),
            Status::Failed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_millis(1_000_000);

    fn at(seconds: u64) -> Moment {
        START.after(Duration::from_secs(seconds))
    }

    #[test]
    fn queued_running_and_an_end_that_is_final() {
        for (fails, end) in [(false, Status::Succeeded), (true, Status::Failed)] {
            let mut job = Lifecycle::new(START, Duration::from_secs(40), fails);
            assert_eq!(job.status(), Status::Queued);
            assert_eq!(job.next(), Some((at(10), Status::Running)));
            job.advance();
            assert_eq!(job.next(), Some((at(40), end)));
            job.advance();
            assert_eq!((job.status(), job.next()), (end, None));
            job.advance();
            assert_eq!(job.status(), end);
        }
    }

    #[test]
    fn the_past_is_as_it_was_and_the_future_has_not_begun() {
        let mut job = Lifecycle::new(START, Duration::from_secs(40), true);
        assert_eq!(job.as_of(at(50)), job, "it has not gone on yet");
        job.advance();
        assert_eq!(job.as_of(at(50)).status(), Status::Running);
        job.advance();
        for (seconds, status) in [
            (0, Status::Queued),
            (9, Status::Queued),
            (10, Status::Running),
            (39, Status::Running),
            (40, Status::Failed),
        ] {
            assert_eq!(job.as_of(at(seconds)).status(), status, "{seconds}");
        }
    }

    #[test]
    fn progress_grows_and_is_whole_only_at_the_end() {
        let mut job = Lifecycle::new(START, Duration::from_secs(40), false);
        assert_eq!(job.progress(at(9)), Some(0));
        job.advance();
        for (seconds, percent) in [(10, 0), (25, 50), (39, 96), (40, 99), (400, 99)] {
            assert_eq!(job.progress(at(seconds)), Some(percent));
        }
        job.advance();
        assert_eq!(job.progress(at(40)), Some(100));

        let mut job = Lifecycle::new(START, Duration::ZERO, true);
        job.advance();
        assert_eq!(job.progress(START), Some(0), "no time at all");
        job.advance();
        assert_eq!(job.progress(START), None);
    }
}
