//! What clients read of jobs.

use serde_json::{Value, json};

use super::Engine;
use super::entry::Entry;
use crate::error::ApiError;
use crate::keys::Environment;
use crate::moment::Moment;
use crate::page::Page;

impl Engine {
    /// A job of the caller's environment, by its id or its video's.
    pub(crate) fn retrieve(
        &mut self,
        environment: Environment,
        id: &str,
        now: Moment,
    ) -> Result<Value, ApiError> {
        self.go_on(now);
        let at = self.draw_moment(now);
        let status = self.behaviour.api_faults.draw_status(&mut self.api_random);
        let entry = self.by_id.get(id).and_then(|number| self.jobs.get(*number));
        entry
            .filter(|entry| entry.environment == environment && entry.created <= at)
            .map(|entry| with_status(entry.to_json(at), status))
            .ok_or_else(|| ApiError::not_found("there is no such job in this environment"))
    }

    /// The jobs of an environment, newest first.
    pub(crate) fn list(&mut self, environment: Environment, page: Page, now: Moment) -> Value {
        self.go_on(now);
        let at = self.draw_moment(now);
        if self.api_random.f64() < self.behaviour.api_faults.delete_listed {
            self.delete_listed(environment, page.offset());
        }
        let faults = self.behaviour.api_faults;
        let random = &mut self.api_random;
        let listed = |entry: &&Entry| {
            entry.environment == environment && entry.created <= at && !entry.deleted
        };
        let jobs = self.jobs.iter().rev().filter(listed);
        page.of(jobs, |entry| with_status(entry.to_json(at), faults.draw_status(random)))
    }

    /// The moment that a read shows: now, or some time ago.
    fn draw_moment(&mut self, now: Moment) -> Moment {
        let faults = self.behaviour.api_faults;
        if self.api_random.f64() < faults.stale { now.before(faults.stale_for) } else { now }
    }

    /// Takes one of the newest jobs, so many of them, out of the list.
    fn delete_listed(&mut self, environment: Environment, newest: usize) {
        let listed = |entry: &Entry| entry.environment == environment && !entry.deleted;
        let jobs = self.jobs.numbered().filter(|(_, entry)| listed(entry));
        let mut numbers: Vec<_> = jobs.map(|(number, _)| number).collect();
        let newest = numbers.split_off(numbers.len().saturating_sub(newest));
        let drawn = self.api_random.choice(newest);
        if let Some(entry) = drawn.and_then(|number| self.jobs.get_mut(number)) {
            entry.deleted = true;
        }
    }
}

/// The job with this status instead of its own.
fn with_status(mut job: Value, status: Option<&str>) -> Value {
    if let (Value::Object(fields), Some(status)) = (&mut job, status) {
        fields.insert("status".to_owned(), json!(status));
    }
    job
}
