//! How the simulator behaves.

use core::time::Duration;

use anyhow::bail;
use nextapi_testkit::Credits;

use crate::api_faults::ApiFaults;
use crate::faults::{Faults, Shapes, check_rate};

/// How the simulator behaves. The default is a provider without faults whose jobs take two seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behaviour {
    /// How long a job takes from submission to its end. It waits for a quarter of that time.
    pub job_duration: Duration,
    /// How many jobs fail: a probability from 0 to 1.
    pub failure_rate: f64,
    /// What the documented waits before a retry (1 min, 5 min, 30 min, 2 h, 12 h) are multiplied
    /// by.
    pub retry_scale: f64,
    /// The credits that each environment begins with.
    pub credits: Credits,
    /// The shape of the bodies.
    pub shapes: Shapes,
    /// What goes wrong on purpose with deliveries.
    pub faults: Faults,
    /// What goes wrong on purpose between the API and its clients.
    pub api_faults: ApiFaults,
    /// Where chance begins: with the same seed, the first job meets the same fate, and so do the
    /// second and all that follow, whatever the network does. Ids are new in every run all the same,
    /// so that no filter takes this run's events for those of the last.
    pub seed: Option<u64>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            job_duration: Duration::from_secs(2),
            failure_rate: 0.0,
            retry_scale: 1.0,
            credits: Credits::whole(10_000),
            shapes: Shapes::default(),
            faults: Faults::default(),
            api_faults: ApiFaults::default(),
            seed: None,
        }
    }
}

impl Behaviour {
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        check_rate("failure-rate", self.failure_rate)?;
        if !(self.retry_scale.is_finite() && self.retry_scale >= 0.0) {
            bail!("retry-scale must be a number that is not negative, not {}", self.retry_scale);
        }
        self.faults.check()?;
        self.api_faults.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_make_no_sense_are_refused_by_name() {
        assert!(Behaviour::default().check().is_ok());
        let base = Behaviour::default();
        for (behaviour, named) in [
            (Behaviour { failure_rate: 2.0, ..base }, "failure-rate"),
            (Behaviour { retry_scale: -1.0, ..base }, "retry-scale"),
            (Behaviour { retry_scale: f64::INFINITY, ..base }, "retry-scale"),
            (Behaviour { faults: Faults { lose: -1.0, ..base.faults }, ..base }, "lose"),
            (Behaviour { api_faults: ApiFaults { hang: 2.0, ..base.api_faults }, ..base }, "hang"),
        ] {
            let error = behaviour.check().unwrap_err();
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}
