//! The books: what every job has cost, to the thousandth of a credit.

use nextapi_testkit::{Credits, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::keys::Environment;

/// Amounts of credits, as they were moved: each is a sum that only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// Set aside when a job was submitted.
    pub reserved: Credits,
    /// Of that, taken when it succeeded.
    pub settled: Credits,
    /// Of that, given back when it failed.
    pub refunded: Credits,
}

impl Amounts {
    /// What is still set aside.
    #[must_use]
    pub const fn outstanding(&self) -> Credits {
        self.reserved.saturating_sub(self.settled).saturating_sub(self.refunded)
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            reserved: self.reserved.saturating_add(other.reserved),
            settled: self.settled.saturating_add(other.settled),
            refunded: self.refunded.saturating_add(other.refunded),
        }
    }

    /// As decimal text, which is exact everywhere.
    fn to_json(self) -> Map<String, Value> {
        let amounts = [
            ("reserved", self.reserved),
            ("settled", self.settled),
            ("refunded", self.refunded),
            ("outstanding", self.outstanding()),
        ];
        let text = |(name, amount): (&str, Credits)| (name.to_owned(), json!(amount.to_string()));
        amounts.map(text).into_iter().collect()
    }
}

/// One job in the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobBook {
    /// The job's id.
    pub job_id: String,
    /// Its video's id.
    pub video_id: String,
    /// Whose account it was paid from.
    pub environment: Environment,
    /// Its state.
    pub status: Status,
    /// What was moved for it.
    pub amounts: Amounts,
}

impl JobBook {
    pub(crate) fn to_json(&self) -> Value {
        let mut book = self.amounts.to_json();
        book.insert("job_id".to_owned(), json!(self.job_id));
        book.insert("video_id".to_owned(), json!(self.video_id));
        book.insert("environment".to_owned(), json!(self.environment.as_str()));
        book.insert("status".to_owned(), json!(self.status.as_str()));
        Value::Object(book)
    }
}

/// The jobs of an environment, or of both, in one sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How many jobs there are; no two have the same id.
    pub jobs: u64,
    /// What was moved for all of them.
    pub amounts: Amounts,
}

impl Total {
    pub(crate) fn to_json(self) -> Value {
        let mut total = self.amounts.to_json();
        total.insert("jobs".to_owned(), json!(self.jobs));
        Value::Object(total)
    }
}

/// Every job that was ever made, oldest first, and what it has cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books(pub(crate) Vec<JobBook>);

impl Books {
    /// Each job.
    #[must_use]
    pub fn jobs(&self) -> &[JobBook] {
        &self.0
    }

    /// All jobs of an environment.
    #[must_use]
    pub fn of(&self, environment: Environment) -> Total {
        sum(self.0.iter().filter(|job| job.environment == environment))
    }

    /// All jobs.
    #[must_use]
    pub fn total(&self) -> Total {
        sum(self.0.iter())
    }
}

fn sum<'a>(jobs: impl Iterator<Item = &'a JobBook>) -> Total {
    jobs.fold(Total::default(), |total, job| Total {
        jobs: total.jobs.saturating_add(1),
        amounts: total.amounts.plus(job.amounts),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(environment: Environment, settled: u64, refunded: u64) -> JobBook {
        JobBook {
            job_id: "job_1".to_owned(),
            video_id: "vid_1".to_owned(),
            environment,
            status: Status::Running,
            amounts: Amounts {
                reserved: Credits::from_thousandths(1_050),
                settled: Credits::from_thousandths(settled),
                refunded: Credits::from_thousandths(refunded),
            },
        }
    }

    #[test]
    fn sums_are_exact_and_by_environment() {
        let (live, test) = (Environment::Live, Environment::Test);
        let books =
            Books(vec![job(live, 1_050, 0), job(live, 0, 1_050), job(live, 0, 0), job(test, 0, 0)]);
        let json = |total: Total| total.to_json();
        assert_eq!(
            json(books.of(live)),
            json!({
                "jobs": 3, "reserved": "3.15", "settled": "1.05", "refunded": "1.05",
                "outstanding": "1.05",
            })
        );
        assert_eq!((books.of(test).jobs, books.total().jobs), (1, 4));
        assert_eq!(books.total().amounts.reserved.as_thousandths(), 4_200);
    }
}
