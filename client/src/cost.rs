//! What finished jobs cost.

use alloc::vec::Vec;

use crate::{Credits, Job, Status};

/// What finished jobs cost: the sum, the median and the 95th percentile.
///
/// Failed jobs count with what they were billed, which is nothing once they are refunded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// How many jobs have ended and say what they cost.
    pub jobs: usize,
    /// What they cost together.
    pub total: Credits,
    /// Half of the succeeded jobs cost this or less.
    pub p50: Credits,
    /// Of a hundred succeeded jobs, 95 cost this or less.
    pub p95: Credits,
}

impl Costs {
    /// The costs of those jobs that have ended. Percentiles are by nearest rank, over the succeeded ones.
    #[must_use]
    pub fn of<'a>(jobs: impl IntoIterator<Item = &'a Job>) -> Self {
        let mut costs = Self::default();
        let mut succeeded = Vec::new();
        for job in jobs {
            let (Status::Succeeded | Status::Failed, Some(credits)) = (&job.status, job.credits)
            else {
                continue;
            };
            costs.jobs = costs.jobs.saturating_add(1);
            costs.total = costs.total.saturating_add(credits);
            if job.status == Status::Succeeded {
                succeeded.push(credits);
            }
        }
        succeeded.sort_unstable();
        costs.p50 = percentile(&succeeded, 50).unwrap_or_default();
        costs.p95 = percentile(&succeeded, 95).unwrap_or_default();
        costs
    }
}

/// The percentile by nearest rank of amounts that are sorted, smallest first: the smallest of them that at
/// least `percent` of a hundred do not exceed. `None` if there is none.
#[must_use]
pub fn percentile(sorted: &[Credits], percent: u8) -> Option<Credits> {
    let rank = sorted.len().saturating_mul(percent.min(100).into()).div_ceil(100);
    sorted.get(rank.max(1).saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(numbers: impl Iterator<Item = u64>) -> Vec<Credits> {
        numbers.map(Credits::from_micros).collect()
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let hundred = amounts(1..=100);
        assert_eq!(percentile(&hundred, 50), Some(Credits::from_micros(50)));
        assert_eq!(percentile(&hundred, 95), Some(Credits::from_micros(95)));
        assert_eq!(percentile(&hundred, 0), Some(Credits::from_micros(1)));
        assert_eq!(percentile(&hundred, 255), Some(Credits::from_micros(100)));
        assert_eq!(percentile(&amounts(1..=3), 50), Some(Credits::from_micros(2)));
        assert_eq!(percentile(&amounts(7..=7), 95), Some(Credits::from_micros(7)));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn only_jobs_that_have_ended_count() {
        let job = |status: &str, credits: &str| {
            let body =
                alloc::format!(r#"{{"id":"job_1","status":"{status}","credits":{credits}}}"#);
            Job::read(body.as_bytes()).unwrap()
        };
        let jobs = [
            job("succeeded", "0.1"),
            job("succeeded", "0.2"),
            job("failed", "0"),
            job("running", "9"),
        ];
        let costs = Costs::of(&jobs);
        assert_eq!((costs.jobs, costs.total), (3, Credits::parse("0.3").unwrap()));
        assert_eq!(costs.p50, Credits::parse("0.1").unwrap());
        assert_eq!(costs.p95, Credits::parse("0.2").unwrap());
    }
}
