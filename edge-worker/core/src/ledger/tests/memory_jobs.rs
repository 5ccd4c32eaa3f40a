//! Jobs and the audit log in the naive store: every question is answered by looking at all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::memory_store::MemoryStore;
use crate::ledger::audit::{AuditCursor, AuditEntry, AuditStore};
use crate::ledger::costs::{MOST_PRICES, MOST_TENANTS, TenantCosts};
use crate::ledger::credits::Credits;
use crate::ledger::entry::{Entry, EventState};
use crate::ledger::expired_job::ExpiredJob;
use crate::ledger::job::{DueJob, JobFilter};
use crate::ledger::job_row::{Ending, Job};
use crate::ledger::jobs::JobStore;
use crate::ledger::order::JobStage;

impl MemoryStore {
    fn events_of<'a>(&'a self, job_id: &'a str) -> impl Iterator<Item = (&'a String, &'a Entry)> {
        self.rows.iter().filter(move |(_, entry)| entry.meta.job_id.as_deref() == Some(job_id))
    }

    fn last_event_ms(&self, job_id: &str) -> Option<u64> {
        self.events_of(job_id).map(|(_, entry)| entry.first_ms).max()
    }

    fn is_delivered(&self, job_id: &str, job: &Job) -> bool {
        let ends = self.ends(job_id).unwrap();
        let is_done = |(_, entry): &(String, Entry)| entry.state == EventState::Done;
        job.ended_ms.is_some() && (ends.is_empty() || ends.iter().any(is_done))
    }

    /// Adds a job to the costs of its tenant.
    fn add_costs(&self, costs: &mut TenantCosts, job_id: &str, job: &Job, now_ms: u64) {
        let shown = job.shown.as_ref();
        let outcome = match &job.end {
            Some(end) => Some(end.ending),
            None => shown.and_then(|shown| Ending::of(&shown.status)),
        };
        let price = job.end.as_ref().and_then(|end| end.credits);
        let price = price.or(shown.and_then(|shown| shown.credits)).unwrap_or_default();
        let estimated = job.estimated.unwrap_or_default();
        let is_open = job.ended_ms.is_none();
        costs.open += u64::from(is_open);
        costs.overdue += u64::from(is_open && job.deadline_ms <= now_ms);
        costs.conflicts += u64::from(job.is_conflict);
        let add = |sum: &mut Credits, credits| *sum = sum.plus(credits);
        match outcome {
            None => add(&mut costs.reserved, estimated),
            Some(Ending::Failed) => {
                costs.failed += u64::from(!is_open);
                add(&mut costs.refunded, estimated);
            }
            Some(Ending::Succeeded) => {
                costs.succeeded += u64::from(!is_open);
                add(&mut costs.settled, price);
                if !self.is_delivered(job_id, job) {
                    add(&mut costs.paid_not_delivered, price);
                }
            }
        }
    }
}

/// What a job that has succeeded has cost.
fn price(job: &Job) -> Option<Credits> {
    let shown = job.shown.as_ref();
    let outcome = match &job.end {
        Some(end) => Some(end.ending),
        None => shown.and_then(|shown| Ending::of(&shown.status)),
    };
    outcome.filter(|outcome| *outcome == Ending::Succeeded)?;
    let of_end = job.end.as_ref().and_then(|end| end.credits);
    of_end.or(shown.and_then(|shown| shown.credits))
}

/// How long it took until a job's end, rounded up to two digits.
fn seconds_to_end(job: &Job) -> Option<u64> {
    let seconds = job.ended_ms?.saturating_sub(job.known_ms).div_ceil(1_000);
    let mut unit = 1;
    while seconds >= 100 * unit {
        unit *= 10;
    }
    Some(seconds.next_multiple_of(unit))
}

impl JobStore for MemoryStore {
    fn job(&self, job_id: &str) -> Result<Option<Job>, String> {
        Ok(self.jobs.get(job_id).cloned())
    }

    fn set_job(&mut self, job_id: &str, job: &Job) -> Result<(), String> {
        assert_eq!(job.look_ms.is_none(), job.ended_ms.is_some(), "{job:?}");
        assert!(job.ended_ms.is_none() || job.end.is_some(), "{job:?}");
        self.jobs.insert(job_id.to_owned(), job.clone());
        Ok(())
    }

    fn ends(&self, job_id: &str) -> Result<Vec<(String, Entry)>, String> {
        let is_end = |entry: &Entry| entry.meta.stage() == Some(JobStage::Ended);
        let ends = self.events_of(job_id).filter(|(_, entry)| is_end(entry));
        Ok(ends.map(|(key, entry)| (key.clone(), entry.clone())).collect())
    }

    fn due_jobs(&self, quiet_ms: u64, limit: u32, now_ms: u64) -> Result<Vec<DueJob>, String> {
        let mut due: Vec<_> = self
            .jobs
            .iter()
            .filter(|(job_id, job)| {
                job.look_ms.is_some_and(|look_ms| look_ms <= now_ms)
                    && self.last_event_ms(job_id).is_none_or(|ms| ms <= quiet_ms)
            })
            .map(|(job_id, job)| (job.look_ms, job_id.clone(), job.known_ms))
            .collect();
        due.sort();
        due.truncate(limit as usize);
        Ok(due.into_iter().map(|(_, job_id, known_ms)| DueJob { job_id, known_ms }).collect())
    }

    fn next_look_ms(&self, quiet_ms: u64, now_ms: u64) -> Result<Option<u64>, String> {
        let next = self.jobs.iter().filter_map(|(job_id, job)| {
            let look_ms = job.look_ms?;
            if look_ms > now_ms {
                return Some(look_ms);
            }
            let last_ms = self.last_event_ms(job_id).filter(|ms| *ms > quiet_ms)?;
            Some(last_ms + now_ms - quiet_ms)
        });
        Ok(next.min())
    }

    fn list_jobs(&self, filter: &JobFilter, now_ms: u64) -> Result<Vec<(String, Job)>, String> {
        let mut jobs: Vec<_> = self.jobs.clone().into_iter().collect();
        jobs.retain(|(job_id, job)| job.passes(job_id, filter, now_ms));
        jobs.sort_by_key(|(job_id, job)| (core::cmp::Reverse(job.known_ms), job_id.clone()));
        jobs.truncate(filter.limit as usize);
        Ok(jobs)
    }

    fn count_jobs(&self, limit: u32, now_ms: u64) -> Result<(u64, u64), String> {
        let count = |state: &[&str]| {
            let jobs = self.jobs.values().filter(|job| state.contains(&job.state(now_ms)));
            jobs.take(limit as usize).count() as u64
        };
        Ok((count(&["open", "overdue"]), count(&["overdue"])))
    }

    fn costs(&self, now_ms: u64) -> Result<Vec<TenantCosts>, String> {
        let mut tenants = BTreeMap::<_, Vec<_>>::new();
        for (job_id, job) in &self.jobs {
            tenants.entry(job.tenant.clone()).or_default().push((job_id, job));
        }
        let (mut all, mut rest) = (Vec::new(), TenantCosts { is_rest: true, ..Default::default() });
        let is_cut = tenants.len() > MOST_TENANTS as usize;
        for (index, (tenant, jobs)) in tenants.into_iter().enumerate() {
            let mut costs = TenantCosts { tenant, ..Default::default() };
            let costs = if index < MOST_TENANTS as usize { &mut costs } else { &mut rest };
            let mut prices = BTreeMap::<Credits, u64>::new();
            let mut times = BTreeMap::<u64, u64>::new();
            for (job_id, job) in jobs {
                self.add_costs(costs, job_id, job, now_ms);
                if let Some(seconds) = seconds_to_end(job) {
                    *times.entry(seconds).or_default() += 1;
                }
                if let Some(price) = price(job) {
                    *prices.entry(price).or_default() += 1;
                }
            }
            if !costs.is_rest {
                costs.prices = prices.into_iter().collect();
                costs.prices.sort_by_key(|(price, times)| core::cmp::Reverse((*times, *price)));
                costs.prices.truncate(MOST_PRICES as usize);
                costs.seconds_to_end = times.into_iter().collect();
                costs
                    .seconds_to_end
                    .sort_by_key(|(seconds, times)| (core::cmp::Reverse(*times), *seconds));
                all.push(costs.clone());
            }
        }
        all.extend(is_cut.then_some(rest));
        Ok(all)
    }

    fn total_costs(&self, now_ms: u64) -> Result<TenantCosts, String> {
        let mut total = TenantCosts::default();
        for (job_id, job) in &self.jobs {
            self.add_costs(&mut total, job_id, job, now_ms);
        }
        let mut prices: Vec<_> = self.jobs.values().filter_map(price).collect();
        prices.sort();
        let most = MOST_PRICES as usize;
        let is_exact = prices.iter().collect::<BTreeSet<_>>().len() <= most;
        let mut told = BTreeMap::new();
        for (index, price) in prices.iter().enumerate() {
            let ends = (1..=most).map(|part| (part * prices.len()).div_ceil(most));
            let last = ends.min_by_key(|end| if *end > index { *end } else { usize::MAX }).unwrap();
            let price = if is_exact { price } else { &prices[last - 1] };
            *told.entry(*price).or_default() += 1;
        }
        total.prices = told.into_iter().collect();
        Ok(total)
    }

    fn forget_ended_jobs(&mut self, ended_ms: u64, limit: u32) -> Result<u32, String> {
        let mut due: Vec<_> = self
            .jobs
            .iter()
            .filter(|(job_id, job)| {
                job.ended_ms.is_some_and(|ms| ms <= ended_ms)
                    && self.events_of(job_id).next().is_none()
            })
            .map(|(job_id, job)| (job.ended_ms, job_id.clone()))
            .collect();
        due.sort();
        due.truncate(limit as usize);
        for (_, job_id) in &due {
            self.jobs.remove(job_id);
        }
        Ok(u32::try_from(due.len()).unwrap())
    }

    fn forget_open_jobs(
        &mut self,
        deadline_ms: u64,
        limit: u32,
    ) -> Result<Vec<ExpiredJob>, String> {
        let open = self.jobs.iter().filter(|(_, job)| job.ended_ms.is_none());
        let mut due: Vec<_> = open
            .filter(|(_, job)| job.deadline_ms <= deadline_ms)
            .map(|(job_id, job)| ExpiredJob {
                deadline_ms: job.deadline_ms,
                job_id: job_id.clone(),
                tenant: job.tenant.clone(),
                shown: job.shown.as_ref().map(|shown| shown.status.clone()),
            })
            .collect();
        due.sort();
        due.truncate(limit as usize);
        for expired in &due {
            self.jobs.remove(&expired.job_id);
        }
        Ok(due)
    }

    fn forget_job(&mut self, job_id: &str) -> Result<(), String> {
        self.jobs.remove(job_id);
        Ok(())
    }

    fn oldest_jobs_ms(&self) -> Result<(Option<u64>, Option<u64>), String> {
        let open = self.jobs.values().filter(|job| job.ended_ms.is_none());
        let ended_ms = self.jobs.values().filter_map(|job| job.ended_ms).min();
        Ok((ended_ms, open.map(|job| job.deadline_ms).min()))
    }
}

impl AuditStore for MemoryStore {
    fn add_audit(&mut self, entry: &AuditEntry) -> Result<(), String> {
        let same = self.audit.iter().filter(|it| it.at_ms == entry.at_ms).map(|it| it.id);
        let id = same.max().unwrap_or(0) + 1;
        self.audit.push(AuditEntry { id, ..entry.clone() });
        Ok(())
    }

    fn audit(&self, cursor: Option<AuditCursor>, limit: u32) -> Result<Vec<AuditEntry>, String> {
        let is_behind = |entry: &AuditEntry| cursor.is_none_or(|cursor| entry.cursor() < cursor);
        let mut entries: Vec<_> = self.audit.iter().filter(|it| is_behind(it)).cloned().collect();
        entries.sort_by_key(|entry| core::cmp::Reverse(entry.cursor()));
        entries.truncate(limit as usize);
        Ok(entries)
    }

    fn forget_audit(&mut self, due_ms: u64, limit: u32) -> Result<u32, String> {
        let mut due: Vec<_> = self.audit.iter().map(AuditEntry::cursor).collect();
        due.retain(|cursor| cursor.at_ms <= due_ms);
        due.sort();
        due.truncate(limit as usize);
        self.audit.retain(|entry| !due.contains(&entry.cursor()));
        Ok(u32::try_from(due.len()).unwrap())
    }

    fn oldest_audit_ms(&self) -> Result<Option<u64>, String> {
        Ok(self.audit.iter().map(|entry| entry.at_ms).min())
    }
}
