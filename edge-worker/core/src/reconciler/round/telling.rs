//! 3 and 4. What the shards are told, and the ends that are made.

use nextapi_client::Job;

use super::{Phase, Round, Turn, call};
use crate::ledger::message::{Call, CallError, Reply};
use crate::ledger::shard;
use crate::merge;
use crate::reconciler::RoundCall;
use crate::reconciler::place::{Place, Shown};

impl Round {
    /// Asks which jobs the ledger knows by their videos' ids.
    pub(super) fn name(mut self, shown: Vec<Shown>, jobs: Vec<Job>, now_ms: u64) -> Turn {
        let by_video = |job: &Job| {
            let job_id = job.video_id.as_deref()?.to_owned();
            Some(Shown { place: self.place(job_id), job: Ok(job.clone()) })
        };
        let named: Vec<_> = jobs.iter().filter_map(by_video).collect();
        if named.is_empty() {
            return self.take_names(shown, jobs, &[], Vec::new(), now_ms);
        }
        let (shards, calls) = observations(&named, true);
        self.phase = Phase::Naming { shown, jobs, shards };
        self.call(calls)
    }

    pub(super) fn place(&self, job_id: String) -> Place {
        Place { shard: shard::name_of_job(&job_id, self.settings.ledger_shards), job_id }
    }

    pub(super) fn take_names(
        mut self,
        mut shown: Vec<Shown>,
        jobs: Vec<Job>,
        shards: &[String],
        replies: Vec<Result<Reply, CallError>>,
        now_ms: u64,
    ) -> Turn {
        let (mut unknown, mut silent) = (Vec::new(), Vec::new());
        for (shard, reply) in shards.iter().zip(replies) {
            match reply {
                Ok(Reply::Observed { unknown: names, .. }) => unknown.extend(names),
                _ => silent.push(shard.clone()),
            }
        }
        for job in jobs {
            let name = match job.video_id.as_deref().map(|name| (name, self.place(name.to_owned())))
            {
                // It may be known there.
                Some((_, place)) if silent.contains(&place.shard) => {
                    self.memory.is_missed = true;
                    continue;
                }
                Some((name, _)) if !unknown.iter().any(|it| it == name) => name,
                _ => &job.id,
            };
            shown.push(Shown { place: self.place(name.to_owned()), job: Ok(job) });
        }
        self.observe(shown, now_ms)
    }

    /// 3.
    pub(super) fn observe(mut self, shown: Vec<Shown>, now_ms: u64) -> Turn {
        if shown.is_empty() {
            return self.look(now_ms);
        }
        self.report.seen =
            self.report.seen.saturating_add(u32::try_from(shown.len()).unwrap_or(u32::MAX));
        let is_about_all = self.is_about_all();
        let (shards, calls) = observations(&shown, !is_about_all);
        self.phase = Phase::Observing { shown, shards };
        self.call(calls)
    }

    /// 4.
    ///
    /// Before an end is made, it is asked whether it has come under another name of the job's, or to another shard: that
    /// of a job depends on the number of shards.
    pub(super) fn take_ripe(
        mut self,
        shown: Vec<Shown>,
        shards: &[String],
        replies: Vec<Result<Reply, CallError>>,
        now_ms: u64,
    ) -> Turn {
        let mut ripe_in = Vec::new();
        for (shard, reply) in shards.iter().zip(replies) {
            match reply {
                Ok(Reply::Observed { ripe, .. }) => ripe_in.push((shard, ripe)),
                _ => self.memory.is_missed = true,
            }
        }
        let is_ripe = |it: &Shown| {
            ripe_in
                .iter()
                .any(|(shard, ripe)| it.place.shard == **shard && ripe.contains(&it.place.job_id))
        };
        let ripe: Vec<_> = shown.into_iter().filter(is_ripe).collect();
        let (mut calls, mut asked) = (Vec::new(), Vec::new());
        for it in &ripe {
            let before = calls.len();
            let here = Some(it.place.job_id.as_str());
            for place in
                here.into_iter().chain(it.other_names()).map(|name| self.place(name.to_owned()))
            {
                if place != it.place {
                    calls.push(call(place.shard, Call::FindJob { job_id: place.job_id }.encode()));
                }
            }
            asked.push(calls.len().saturating_sub(before));
        }
        if calls.is_empty() {
            return self.make(&ripe, &asked, Vec::new(), now_ms);
        }
        self.phase = Phase::Checking { ripe, asked };
        self.call(calls)
    }

    /// Has the ends stored that came nowhere.
    pub(super) fn make(
        mut self,
        ripe: &[Shown],
        asked: &[usize],
        replies: Vec<Result<Reply, CallError>>,
        now_ms: u64,
    ) -> Turn {
        let mut replies = replies.into_iter();
        let mut calls = Vec::new();
        for (it, asked) in ripe.iter().zip(asked) {
            let (mut is_known, mut has_ended) = (true, false);
            for reply in replies.by_ref().take(*asked) {
                match reply {
                    Ok(Reply::Jobs(jobs)) => {
                        has_ended |= jobs.iter().any(|job| job.end_key.is_some());
                    }
                    _ => is_known = false,
                }
            }
            if has_ended {
                let job_id = it.place.job_id.clone();
                calls.push(call(it.place.shard.clone(), Call::ForgetJob { job_id }.encode()));
            } else if is_known {
                calls.extend(it.make_end(&self.correlation_id, &self.trace, now_ms));
            }
        }
        if calls.is_empty() {
            return self.look(now_ms);
        }
        self.phase = Phase::Making { calls: calls.len() };
        self.call(calls)
    }
}

/// One call for each shard that is concerned, and the shards.
fn observations(shown: &[Shown], is_known_only: bool) -> (Vec<String>, Vec<RoundCall>) {
    let mut shards: Vec<String> = shown.iter().map(|it| it.place.shard.clone()).collect();
    merge::sort(&mut shards);
    shards.dedup();
    let of_shard = |shard: &String| {
        let of_it = shown.iter().filter(|it| it.place.shard == *shard);
        let observations = of_it.map(|it| it.observation(is_known_only)).collect();
        call(shard.clone(), Call::Observe(observations).encode())
    };
    let calls = shards.iter().map(of_shard).collect();
    (shards, calls)
}
