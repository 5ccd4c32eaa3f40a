//! The shards, played: which jobs they follow, and what they were told.

use std::collections::BTreeMap;

use crate::ledger::job::{DueJob, JobSummary, Observation};
use crate::ledger::message::{Call, Reply};
use crate::ledger::shard;
use crate::reconciler::RoundCall;

#[derive(Default)]
pub(super) struct Ledger {
    pub(super) shards: u32,
    /// Jobs that the ledger follows, each with when it became known.
    pub(super) known: BTreeMap<String, u64>,
    /// What was observed last of each job.
    pub(super) observed: BTreeMap<String, Observation>,
    /// The ends that were made, by job: key and body.
    pub(super) made: BTreeMap<String, (String, String)>,
    /// What the last of them keeps beside its body.
    pub(super) head: String,
    /// Shards that do not reply.
    pub(super) silent: Vec<String>,
    /// A shard that does not reply to one observation.
    pub(super) silent_once: Option<String>,
    /// Jobs whose end has come, by a webhook.
    pub(super) came: Vec<String>,
    /// Jobs that are followed no longer.
    pub(super) forgotten: Vec<String>,
}

impl Ledger {
    /// The name of a job's shard.
    pub(super) fn shard_of(&self, job_id: &str) -> String {
        shard::name_of_job(job_id, self.shards)
    }

    /// The reply of a shard; none if it is silent.
    pub(super) fn reply(
        &mut self,
        RoundCall { shard, body, .. }: &RoundCall,
        call: Call,
        now_ms: u64,
    ) -> Option<Reply> {
        let is_observation = matches!(call, Call::Observe(_));
        let is_silent_now = is_observation && self.silent_once.as_ref() == Some(shard);
        if is_silent_now {
            self.silent_once = None;
        }
        if is_silent_now || self.silent.contains(shard) {
            return None;
        }
        Some(match call {
            Call::DueJobs { limit } => {
                let is_due = |(id, _): &(&String, &u64)| {
                    self.shard_of(id) == *shard && !self.made.contains_key(*id) && !self.is_over(id)
                };
                let due = self.known.iter().filter(is_due);
                let due =
                    due.map(|(id, known_ms)| DueJob { job_id: id.clone(), known_ms: *known_ms });
                Reply::DueJobs { jobs: due.take(limit as usize).collect(), next_ms: None }
            }
            Call::Observe(observations) => self.observe(shard, observations, now_ms),
            Call::MakeEnd { observation, key, meta, body_bytes, head } => {
                self.head = head;
                let body = body.clone().unwrap();
                assert_eq!(body_bytes, body.len() as u64);
                assert_eq!(meta.job_id.as_ref(), Some(&observation.job_id));
                match self.made.insert(observation.job_id, (key, body)) {
                    None => Reply::Stored,
                    Some(_) => Reply::Duplicate,
                }
            }
            Call::FindJob { job_id } => {
                assert_eq!(self.shard_of(&job_id), *shard);
                let has_ended = self.came.contains(&job_id) || self.made.contains_key(&job_id);
                let ended = JobSummary {
                    end_key: has_ended.then(|| "event-1".to_owned()),
                    ..JobSummary::open(&job_id, 0, 0)
                };
                let is_known = has_ended || self.known.contains_key(&job_id);
                Reply::Jobs(is_known.then_some(ended).into_iter().collect())
            }
            Call::ForgetJob { job_id } => {
                self.known.remove(&job_id);
                self.forgotten.push(job_id);
                Reply::Ok
            }
            other => panic!("{other:?}"),
        })
    }

    fn observe(&mut self, shard: &str, observations: Vec<Observation>, now_ms: u64) -> Reply {
        let (mut ripe, mut unknown) = (Vec::new(), Vec::new());
        for observation in observations {
            assert_eq!(self.shard_of(&observation.job_id), shard);
            let id = observation.job_id.clone();
            if !self.known.contains_key(&id) {
                if observation.is_known_only {
                    unknown.push(id);
                    continue;
                }
                self.known.insert(id.clone(), now_ms);
            }
            let is_end = matches!(observation.status.as_str(), "succeeded" | "failed");
            if is_end && !self.made.contains_key(&id) && !self.came.contains(&id) {
                ripe.push(id.clone());
            }
            self.observed.insert(id, observation);
        }
        Reply::Observed { ripe, unknown }
    }

    /// Whether the API has shown that the job is not to be found: then the ledger would ask later.
    fn is_over(&self, id: &str) -> bool {
        let is_later = |it: &Observation| {
            !matches!(it.status.as_str(), "queued" | "running" | "succeeded" | "failed")
        };
        self.observed.get(id).is_some_and(is_later) || self.came.iter().any(|it| it == id)
    }
}
