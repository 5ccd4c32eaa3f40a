//! What of the engine outlives the process.

use super::{Behaviour, Engine, Entry, General, IdempotencyStore, Outbox, RetrySchedule, Rows};
use crate::rows::{Change, Row};

const GENERAL: &str = "general";
const JOBS: &str = "jobs";

impl Engine {
    /// The engine as it was when its last changes were written, or a new one if none were. `read`
    /// gives the rows of a table.
    ///
    /// The behaviour may be another one. The credits and the seed in it are for a new engine only.
    pub(crate) fn restore(
        behaviour: Behaviour,
        run: String,
        read: impl Fn(&'static str) -> anyhow::Result<Vec<Row>>,
    ) -> anyhow::Result<Self> {
        let mut engine = Self::new(behaviour, run);
        if let Some((_, general)) =
            Rows::<General>::restore(GENERAL, read(GENERAL)?)?.forget_oldest()
        {
            engine.general = general;
            engine.is_new = false;
        }
        engine.idempotency = IdempotencyStore::restore(&read)?;
        let retry = RetrySchedule::new(behaviour.retry_scale);
        engine.outbox = Outbox::restore(behaviour.faults, retry, &read)?;
        let jobs: Rows<Entry> = Rows::restore(JOBS, read(JOBS)?)?;
        for (number, entry) in jobs.numbered() {
            for id in [entry.job.id(), entry.job.video_id()] {
                engine.by_id.insert(id.to_owned(), number);
            }
        }
        let numbers: Vec<_> = jobs.numbered().map(|(number, _)| number).collect();
        engine.jobs = jobs;
        for number in numbers {
            engine.plan(number);
        }
        Ok(engine)
    }

    /// What has to be written so that [`restore`](Self::restore) gives the engine as it is now.
    pub(crate) fn changes(&self) -> serde_json::Result<Vec<Change>> {
        let mut changes = self.jobs.changes(JOBS)?;
        changes.extend(self.idempotency.changes()?);
        changes.extend(self.outbox.changes()?);
        // It changes together with a job, if at all.
        if self.is_new || !changes.is_empty() {
            let row = Some(serde_json::to_vec(&self.general)?);
            changes.push(Change { table: GENERAL, number: 0, row });
        }
        Ok(changes)
    }

    /// Says that every change has been written, or need not be.
    pub(crate) fn written(&mut self) {
        self.is_new = false;
        self.jobs.written();
        self.idempotency.written();
        self.outbox.written();
    }
}

#[cfg(test)]
mod tests;
