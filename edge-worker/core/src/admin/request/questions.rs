//! What is asked of which shards.

use super::{AdminRequest, Body};
use crate::admin::replay_request::ReplayRequest;
use crate::admin::route::AdminRoute;
use crate::admin::{audit, query};
use crate::counts::Counts;
use crate::ledger::listing::Filter;
use crate::ledger::message::Call;
use crate::ledger::shard;
use crate::machine::LedgerCall;

impl AdminRequest {
    /// The shards that it concerns if the ledger was used with these numbers of shards.
    pub(super) fn concerned(&self, numbers: &[u32]) -> Vec<String> {
        let job_id = match &self.route {
            AdminRoute::Events { search, .. } => search.filter.job_id.as_ref(),
            AdminRoute::Job(job_id) => Some(job_id),
            _ => match &self.body {
                Some(Body::Replay(request)) => request.selection.job_id.as_ref(),
                Some(Body::Job(job)) => Some(&job.job_id),
                None => None,
            },
        };
        match job_id {
            // All events of a job are in one shard.
            Some(job_id) => {
                numbers.iter().map(|number| shard::name_of_job(job_id, *number)).collect()
            }
            // An event's shard depends on its job, which its key does not reveal.
            None => (0..numbers.iter().copied().max().unwrap_or(0)).map(shard::name_of).collect(),
        }
    }

    /// The same questions to each of these shards.
    pub(super) fn calls(&self, shards: &[String]) -> Vec<LedgerCall> {
        let messages = self
            .questions()
            .into_iter()
            .map(|call| if self.route.is_act() { call.encode_by(&self.by) } else { call.encode() });
        messages.flat_map(|message| to_each(shards, &message)).collect()
    }

    /// What is asked of every shard that it concerns, beside the numbers of shards.
    pub(super) fn questions(&self) -> Vec<Call> {
        match &self.route {
            AdminRoute::Status | AdminRoute::Metrics if self.settings.policy.jobs.is_some() => {
                vec![Call::Figures { counts: Counts::new() }, Call::Totals]
            }
            AdminRoute::Job(job_id) => {
                let filter = Filter {
                    job_id: Some(job_id.clone()),
                    limit: query::MAX_LIMIT.saturating_add(1),
                    with_trails: true,
                    ..Filter::default()
                };
                vec![Call::FindJob { job_id: job_id.clone() }, Call::List(filter)]
            }
            _ => vec![self.call()],
        }
    }

    /// The only question of most requests.
    fn call(&self) -> Call {
        match &self.route {
            // No shard is asked who asks, or for a page of the watch.
            AdminRoute::Whoami
            | AdminRoute::Status
            | AdminRoute::Metrics
            | AdminRoute::Watch(_) => Call::Figures { counts: Counts::new() },
            AdminRoute::Events { search, .. } => Call::Search(search.clone()),
            AdminRoute::Event(key) => Call::Find { key: key.clone() },
            AdminRoute::Reopen(key) => Call::Reopen { key: key.clone() },
            AdminRoute::Replay(key) => {
                Call::Replay { key: key.clone(), id: self.correlation_id.clone() }
            }
            AdminRoute::RegisterJob => match &self.body {
                Some(Body::Job(job)) => Call::RegisterJob(job.clone()),
                // Nothing is asked before the body is read.
                _ => Call::Figures { counts: Counts::new() },
            },
            AdminRoute::Jobs { filter, .. } => Call::Jobs(filter.clone()),
            AdminRoute::Job(job_id) => Call::FindJob { job_id: job_id.clone() },
            AdminRoute::Costs => Call::Costs,
            AdminRoute::Audit { cursor, .. } => {
                Call::Audit { cursor: *cursor, limit: u32::try_from(self.asked()).unwrap_or(0) }
            }
            AdminRoute::NewReplay => {
                let request = match &self.body {
                    Some(Body::Replay(request)) => request.clone(),
                    _ => ReplayRequest::default(),
                };
                if request.start {
                    let is_of_job = request.selection.job_id.is_some();
                    let shards = if is_of_job { 1 } else { self.settings.ledger_shards };
                    Call::StartReplay(request.new_replay(&self.replay_id, shards))
                } else {
                    Call::PlanReplay(request.selection)
                }
            }
            AdminRoute::Replays => Call::Replays { id: None },
            AdminRoute::BulkReplay(id) => Call::Replays { id: Some(id.clone()) },
            AdminRoute::SteerReplay { id, steering } => {
                Call::SteerReplay { id: id.clone(), steering: *steering }
            }
            AdminRoute::Pause { is_paused } => Call::Pause { is_paused: *is_paused },
        }
    }

    /// How many entries of the audit log each shard is asked for.
    pub(in crate::admin) fn asked(&self) -> usize {
        match self.route {
            AdminRoute::Audit { limit, .. } => limit.saturating_add(audit::MORE),
            _ => 0,
        }
    }
}

/// A message for each of these shards.
pub(super) fn to_each(shards: &[String], message: &str) -> Vec<LedgerCall> {
    shards.iter().map(|shard| LedgerCall::new(shard.clone(), message.to_owned())).collect()
}
