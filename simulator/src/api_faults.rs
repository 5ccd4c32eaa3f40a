//! What goes wrong on purpose between the API and its clients.

use core::time::Duration;

use anyhow::ensure;
use fastrand::Rng;
use http::StatusCode;

use crate::faults::check_rate;
use crate::moment::Moment;

/// The server errors that are drawn from.
const ERRORS: [StatusCode; 4] = [
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];
/// States that no client knows, each as likely.
const UNKNOWN_STATUSES: [&str; 3] = ["moderating", "post_processing", "archived"];
/// The longest that an answer is held back or a read is behind.
const MAX_WAIT: Duration = Duration::from_hours(1);

/// Faults of the API. A rate is a probability from 0 to 1, by request unless it says otherwise; the
/// default is none at all.
///
/// They meet requests with a known key within its limit. Of the first six, at most one meets a
/// request: the first in this order that is drawn. Chance begins at [`seed`] with every start, so
/// that the same requests in the same order meet the same faults.
///
/// [`seed`]: crate::Behaviour::seed
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ApiFaults {
    /// How often the answer is 500, 502, 503 or 504, and nothing was done.
    pub fail_before: f64,
    /// How often the answer is one of these, and what was asked for was done.
    pub fail_after: f64,
    /// How often the answer to a submission with an idempotency key is a 500 that is kept under the
    /// key, and given again to whoever repeats it. In half of the cases the job was made.
    pub store_error: f64,
    /// How often the connection is closed without a word, after what was asked for was done.
    pub lose_answer: f64,
    /// How often the connection is closed in the middle of the answer's body.
    pub cut_answer: f64,
    /// How often an answer is held back, after what was asked for was done. A refusal is not.
    pub hang: f64,
    /// How long it is held back, at most an hour of the simulator's clock.
    pub hang_for: Duration,
    /// Whether a submission is answered 409 while the answer to the first one under its idempotency
    /// key is held back. Else it gets that answer at once.
    pub conflict_in_flight: bool,
    /// How often a job or a list is read as it was some time ago, as from a replica that lags: jobs
    /// in earlier states, and none that is younger.
    pub stale: f64,
    /// How long ago, at most an hour.
    pub stale_for: Duration,
    /// How often a job that is read, by itself or in a list, has a status that no client knows.
    pub unknown_status: f64,
    /// How often a job vanishes from the list when a page with an offset is asked for, before it is
    /// answered: one of those on the pages before it. It can still be retrieved by its id.
    pub delete_listed: f64,
    /// What `X-RateLimit-Reset` counts.
    pub reset: ResetForm,
    /// How `Retry-After` is written.
    pub retry_after: RetryAfterForm,
}

/// What `X-RateLimit-Reset` counts. All are rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResetForm {
    /// Unix seconds.
    #[default]
    EpochSeconds,
    /// Unix milliseconds.
    EpochMillis,
    /// Seconds from now.
    DeltaSeconds,
}

/// How `Retry-After` is written, which comes with 429 and 503.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryAfterForm {
    /// Seconds from now, rounded up.
    #[default]
    Seconds,
    /// An HTTP date, rounded up to a whole second.
    Date,
}

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiFault {
    FailBefore(StatusCode),
    FailAfter(StatusCode),
    StoreError {
        acts: bool,
    },
    LoseAnswer,
    CutAnswer,
    /// Until then the answer is held back.
    Hang(Moment),
}

impl Default for ApiFaults {
    fn default() -> Self {
        Self {
            fail_before: 0.0,
            fail_after: 0.0,
            store_error: 0.0,
            lose_answer: 0.0,
            cut_answer: 0.0,
            hang: 0.0,
            hang_for: Duration::from_secs(30),
            conflict_in_flight: false,
            stale: 0.0,
            stale_for: Duration::from_secs(5),
            unknown_status: 0.0,
            delete_listed: 0.0,
            reset: ResetForm::default(),
            retry_after: RetryAfterForm::default(),
        }
    }
}

impl ApiFaults {
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        for (name, rate) in [
            ("api-fail-before", self.fail_before),
            ("api-fail-after", self.fail_after),
            ("api-store-error", self.store_error),
            ("api-lose-answer", self.lose_answer),
            ("api-cut-answer", self.cut_answer),
            ("api-hang", self.hang),
            ("api-stale", self.stale),
            ("api-unknown-status", self.unknown_status),
            ("api-delete-listed", self.delete_listed),
        ] {
            check_rate(name, rate)?;
        }
        for (name, time) in [("api-hang-for", self.hang_for), ("api-stale-for", self.stale_for)] {
            ensure!(time <= MAX_WAIT, "{name} is at most an hour");
        }
        Ok(())
    }

    /// What goes wrong with a request that is made `now`; `keyed` says that it has an idempotency key.
    pub(crate) fn draw(&self, random: &mut Rng, keyed: bool, now: Moment) -> Option<ApiFault> {
        if random.f64() < self.fail_before {
            return Some(ApiFault::FailBefore(server_error(random)));
        }
        if random.f64() < self.fail_after {
            return Some(ApiFault::FailAfter(server_error(random)));
        }
        if random.f64() < self.store_error && keyed {
            return Some(ApiFault::StoreError { acts: random.bool() });
        }
        [
            (self.lose_answer, ApiFault::LoseAnswer),
            (self.cut_answer, ApiFault::CutAnswer),
            (self.hang, ApiFault::Hang(now.after(self.hang_for))),
        ]
        .into_iter()
        .find_map(|(rate, fault)| (random.f64() < rate).then_some(fault))
    }

    /// A status that no client knows, for the next job that is read, if it is to have one.
    pub(crate) fn draw_status(&self, random: &mut Rng) -> Option<&'static str> {
        if random.f64() < self.unknown_status {
            UNKNOWN_STATUSES.get(random.usize(..UNKNOWN_STATUSES.len())).copied()
        } else {
            None
        }
    }
}

fn server_error(random: &mut Rng) -> StatusCode {
    let drawn = ERRORS.get(random.usize(..ERRORS.len()));
    drawn.copied().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const NOW: Moment = Moment::from_millis(1_700_000_000_000);

    fn drawn(faults: ApiFaults, keyed: bool) -> Vec<Option<ApiFault>> {
        let mut random = Rng::with_seed(7);
        (0..1_000).map(|_| faults.draw(&mut random, keyed, NOW)).collect()
    }

    #[test]
    fn every_fault_can_be_switched_on_by_itself() {
        let none = ApiFaults::default();
        assert_eq!(drawn(none, true), vec![None; 1_000]);
        for (faults, kinds) in [
            (ApiFaults { fail_before: 0.1, ..none }, 4),
            (ApiFaults { fail_after: 0.1, ..none }, 4),
            (ApiFaults { store_error: 0.1, ..none }, 2),
            (ApiFaults { lose_answer: 0.1, ..none }, 1),
            (ApiFaults { cut_answer: 0.1, ..none }, 1),
            (ApiFaults { hang: 0.1, ..none }, 1),
        ] {
            let drawn = drawn(faults, true);
            assert_eq!(drawn, self::drawn(faults, true), "the same seed, the same faults");
            let met: Vec<_> = drawn.into_iter().flatten().collect();
            assert!((60..140).contains(&met.len()), "{faults:?}: {}", met.len());
            let met: HashSet<_> = met.iter().map(|fault| format!("{fault:?}")).collect();
            assert_eq!(met.len(), kinds, "{met:?}");
        }
    }

    #[test]
    fn an_error_is_stored_only_where_there_is_a_key() {
        let faults = ApiFaults { store_error: 1.0, ..ApiFaults::default() };
        assert_eq!(drawn(faults, false), vec![None; 1_000]);
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let none = ApiFaults::default();
        assert!(none.check().is_ok());
        let long = MAX_WAIT.saturating_add(Duration::from_nanos(1));
        for (faults, named) in [
            (ApiFaults { fail_before: 2.0, ..none }, "api-fail-before"),
            (ApiFaults { fail_after: 2.0, ..none }, "api-fail-after"),
            (ApiFaults { store_error: 2.0, ..none }, "api-store-error"),
            (ApiFaults { lose_answer: -1.0, ..none }, "api-lose-answer"),
            (ApiFaults { cut_answer: f64::NAN, ..none }, "api-cut-answer"),
            (ApiFaults { hang: 2.0, ..none }, "api-hang"),
            (ApiFaults { hang_for: long, ..none }, "api-hang-for"),
            (ApiFaults { stale: 2.0, ..none }, "api-stale"),
            (ApiFaults { stale_for: long, ..none }, "api-stale-for"),
            (ApiFaults { unknown_status: 2.0, ..none }, "api-unknown-status"),
            (ApiFaults { delete_listed: 2.0, ..none }, "api-delete-listed"),
        ] {
            let error = faults.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{named} is ")), "{error}");
        }
    }
}
