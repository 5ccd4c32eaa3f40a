//! What of the outbox outlives the process.

use super::event::Next;
use super::{
    DeliveryOutcome, DeliveryReason, DeliveryRecord, Faults, Outbox, Planned, RetrySchedule, Rows,
};
use crate::rows::{Change, Row};

const EVENTS: &str = "events";
const LOG: &str = "deliveries";

impl Outbox {
    /// The outbox as it was when its last changes were written.
    ///
    /// Of an attempt that was under way then, nobody knows whether it arrived. So it is made once
    /// more: it does not count among the documented ones, and its record says that there was no
    /// answer. Only a duplicate on purpose is not made once more.
    pub(crate) fn restore(
        faults: Faults,
        retry: RetrySchedule,
        read: impl Fn(&'static str) -> anyhow::Result<Vec<Row>>,
    ) -> anyhow::Result<Self> {
        let mut outbox = Self::new(faults, retry);
        outbox.log = restore_log(read(LOG)?)?;
        outbox.events = Rows::restore(EVENTS, read(EVENTS)?)?;
        let numbers: Vec<_> = outbox.events.numbered().map(|(number, _)| number).collect();
        for number in numbers {
            outbox.resume(number);
        }
        Ok(outbox)
    }

    fn resume(&mut self, number: u64) {
        if self.events.get(number).is_some_and(|event| event.under_way)
            && let Some(event) = self.events.get_mut(number)
        {
            event.under_way = false;
            event.attempts = event.attempts.saturating_sub(1);
        }
        let Some(event) = self.events.get(number) else { return };
        self.by_id.insert(event.id.clone(), number);
        let mut plan = |at, reason| self.plan.set(at, Planned { event: number, reason });
        match event.next {
            Next::Turn { .. } => {
                self.lanes.entry(event.job_id.clone()).or_default().waiting.push_back(number);
            }
            Next::First { at } => {
                self.lanes.entry(event.job_id.clone()).or_default().busy = true;
                plan(at, DeliveryReason::First);
            }
            Next::Retry { at } => plan(at, DeliveryReason::Retry),
            Next::Nothing => {}
        }
        for _ in 0..event.redeliveries {
            plan(event.emitted, DeliveryReason::Redelivery);
        }
    }

    /// What is to be written.
    pub(crate) fn changes(&self) -> serde_json::Result<Vec<Change>> {
        let mut changes = self.events.changes(EVENTS)?;
        changes.extend(self.log.changes(LOG)?);
        Ok(changes)
    }

    /// Says that every change has been written, or need not be.
    pub(crate) fn written(&mut self) {
        self.events.written();
        self.log.written();
    }
}

fn restore_log(rows: Vec<Row>) -> anyhow::Result<Rows<DeliveryRecord>> {
    let mut log = Rows::<DeliveryRecord>::restore(LOG, rows)?;
    let pending = |(number, record): (u64, &DeliveryRecord)| {
        (record.outcome == DeliveryOutcome::Pending).then_some(number)
    };
    let cut: Vec<_> = log.numbered().filter_map(pending).collect();
    for number in cut {
        if let Some(record) = log.get_mut(number) {
            record.outcome = DeliveryOutcome::NoAnswer;
        }
    }
    Ok(log)
}
