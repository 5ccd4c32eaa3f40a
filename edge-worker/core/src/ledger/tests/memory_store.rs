//! The naive store: rows in a map, every question answered by looking at all of them.

use core::cmp::Reverse;
use std::collections::BTreeMap;

use crate::counts::Counts;
use crate::ledger::audit::AuditEntry;
use crate::ledger::bulk_replay::{BulkReplay, ReplayState, Selection};
use crate::ledger::entry::{ATTEMPT_LOST, Entry, EventState};
use crate::ledger::expired::Expired;
use crate::ledger::figures::Figures;
use crate::ledger::gate::Gate;
use crate::ledger::job_row::Job;
use crate::ledger::kept::{Kept, KeptStore};
use crate::ledger::listing::list_order;
use crate::ledger::listing::{Cursor, Filter};
use crate::ledger::order::JobStage;
use crate::ledger::replays::{self, ReplayStore, Selected};
use crate::ledger::search::{Looked, Search};
use crate::ledger::store::{DEAD, Known, LAST_DUE, Memory, Store};
use crate::ledger::trail::{MOST_ALIKE, SHOWN, TrailEntry, in_order};
use crate::ledger::walk::{Piece, Place, Walk, Walked};

/// The states in which the origin may not have the event.
const UNSETTLED: [&str; 3] = ["claimed", "open", "reopened"];

/// The states of which there is an order by time.
const INDEXED: [&str; 5] = ["waiting", "dead", "open", "dropped", "reopened"];

/// How many numbers of shards the figures tell.
const SHARD_COUNTS: usize = 10;

/// The rows of one shard. It can be compared and hashed, so it can be a part of a model's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct MemoryStore {
    pub(super) rows: BTreeMap<String, Entry>,
    outcomes: BTreeMap<String, u64>,
    shard_counts: Vec<(u64, u32)>,
    alarm_ms: Option<u64>,
    pub(super) gate: Gate,
    walk: Option<Walk>,
    pub(super) kept: BTreeMap<String, Kept>,
    pub(super) replays: BTreeMap<String, BulkReplay>,
    pub(super) jobs: BTreeMap<String, Job>,
    pub(super) audit: Vec<AuditEntry>,
    /// All that was ever noted of each event. None in a model's state: no decision goes by it, and it would make a
    /// state of each way that leads to one.
    trails: Option<BTreeMap<String, Vec<TrailEntry>>>,
}

impl MemoryStore {
    /// A store that keeps trails.
    pub(crate) fn with_trails() -> Self {
        Self { trails: Some(BTreeMap::new()), ..Self::default() }
    }

    /// The entry as its row has it. What is noted goes to its trail.
    fn row(&mut self, key: &str, entry: &Entry) -> Entry {
        if let Some(trails) = &mut self.trails {
            trails.entry(key.to_owned()).or_default().extend(entry.noted.iter().cloned());
        }
        Entry { noted: Vec::new(), ..entry.clone() }
    }

    /// Forgets what was counted.
    pub(crate) fn clear_outcomes(&mut self) {
        self.outcomes.clear();
    }

    /// Forgets where the walk stands.
    pub(crate) fn clear_walk(&mut self) {
        self.walk = None;
    }

    /// The owed events, each with the time when it is due.
    fn due(&self) -> impl Iterator<Item = (u64, &String, &Entry)> {
        self.rows.iter().filter_map(|(key, entry)| Some((entry.due_ms()?, key, entry)))
    }

    /// The ends of the leases of owed events that run.
    fn leases(&self, now_ms: u64) -> impl Iterator<Item = u64> {
        let claimed = self.due().filter(|(.., entry)| entry.state.name() == "claimed");
        claimed.map(|(due_ms, ..)| due_ms).filter(move |due_ms| *due_ms > now_ms)
    }

    /// The dead letters.
    fn dead(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.rows.iter().filter(|(_, entry)| entry.state.name() == DEAD)
    }
}

fn expired(key: String, entry: Entry) -> Expired {
    Expired {
        last_ms: entry.last_ms,
        key,
        state: entry.state.name().to_owned(),
        event_type: entry.meta.event_type,
        job_id: entry.meta.job_id,
        last_outcome: entry.last_outcome,
    }
}

fn place(key: &str, entry: &Entry) -> Place {
    Place { job_id: entry.meta.job_id.clone().unwrap_or_default(), key: key.to_owned() }
}

impl Store for MemoryStore {
    fn read(&self, job_id: Option<&str>, key: &str) -> Result<Option<Entry>, String> {
        Ok(self.find(key)?.filter(|entry| entry.meta.job_id.as_deref() == job_id))
    }

    fn find(&self, key: &str) -> Result<Option<Entry>, String> {
        Ok(self.rows.get(key).cloned())
    }

    fn trail(&self, job_id: Option<&str>, key: &str) -> Result<Vec<TrailEntry>, String> {
        let trail = self.trails.as_ref().and_then(|trails| trails.get(key));
        let trail = trail.filter(|_| self.read(job_id, key).unwrap().is_some());
        let trail = trail.map_or(&[][..], Vec::as_slice);
        Ok(in_order(trail[trail.len().saturating_sub(SHOWN)..].iter().cloned()))
    }

    fn note(
        &mut self,
        job_id: Option<&str>,
        key: &str,
        delivery: &TrailEntry,
    ) -> Result<(), String> {
        if self.read(job_id, key)?.is_none() {
            return Err("there is no such row".to_owned());
        }
        let trail = self.trails.as_mut().map(|trails| trails.entry(key.to_owned()).or_default());
        let Some(trail) = trail else { return Ok(()) };
        let is_alike =
            |it: &&TrailEntry| (&it.act, &it.outcome) == (&delivery.act, &delivery.outcome);
        if trail.iter().filter(is_alike).count() < MOST_ALIKE {
            trail.push(delivery.clone());
        }
        Ok(())
    }

    fn known(&self, job_id: Option<&str>, key: &str) -> Result<Known, String> {
        let furthest = job_id.map_or(Ok(None), |job_id| self.furthest_stage(job_id))?;
        Ok(Known { entry: self.read(job_id, key)?, furthest, gate: self.gate })
    }

    fn insert(&mut self, key: &str, entry: &Entry) -> Result<(), String> {
        if let Some(trails) = &mut self.trails {
            trails.remove(key);
        }
        let entry = self.row(key, entry);
        let before = self.rows.insert(key.to_owned(), entry);
        if before.is_some() { Err("there is such a row".to_owned()) } else { Ok(()) }
    }

    fn update(&mut self, key: &str, entry: &Entry) -> Result<(), String> {
        let entry = self.row(key, entry);
        let row = self.rows.get_mut(key).ok_or("there is no such row")?;
        *row = Entry { meta: row.meta.clone(), first_ms: row.first_ms, ..entry };
        Ok(())
    }

    fn accept(&mut self, key: &str, entry: &Entry) -> Result<(), String> {
        self.update(key, entry)
    }

    fn lane_head(&self, job_id: &str) -> Result<Option<(String, Entry)>, String> {
        let lane = self.rows.iter().filter(|(_, entry)| {
            entry.is_in_lane() && entry.meta.job_id.as_deref() == Some(job_id)
        });
        let first = lane.min_by_key(|(key, entry)| (entry.owed.as_ref().unwrap().seq, *key));
        Ok(first.map(|(key, entry)| (key.clone(), entry.clone())))
    }

    fn next_seq(&self, job_id: &str) -> Result<u64, String> {
        let of_job = |entry: &&Entry| entry.meta.job_id.as_deref() == Some(job_id);
        let owed = self.rows.values().filter(of_job).filter_map(|entry| entry.owed.as_ref());
        Ok(owed.map(|owed| owed.seq).max().unwrap_or(0) + 1)
    }

    fn first_due(&self, now_ms: u64) -> Result<Option<(String, Entry)>, String> {
        let first = self.due().filter(|(due_ms, ..)| *due_ms <= now_ms);
        let first = first.min_by_key(|(due_ms, key, entry)| (*due_ms, place(key, entry)));
        Ok(first.map(|(_, key, entry)| (key.clone(), entry.clone())))
    }

    fn least_tried_due(&self, now_ms: u64) -> Result<Option<(String, Entry)>, String> {
        let last = |state: &'static str| {
            let due = self
                .due()
                .filter(move |(due_ms, _, entry)| *due_ms <= now_ms && entry.state.name() == state);
            let mut due: Vec<_> = due
                .map(|(due_ms, key, entry)| (Reverse((due_ms, place(key, entry))), entry))
                .collect();
            due.sort_by(|(left, _), (right, _)| left.cmp(right));
            due.into_iter().take(LAST_DUE as usize)
        };
        let all = last("claimed").chain(last("waiting"));
        let fewest =
            all.min_by_key(|(order, entry)| (entry.owed.as_ref().unwrap().tries, order.clone()));
        Ok(fewest.map(|(Reverse((_, Place { key, .. })), entry)| (key, entry.clone())))
    }

    fn next_due_ms(&self) -> Result<Option<u64>, String> {
        Ok(self.due().map(|(due_ms, ..)| due_ms).min())
    }

    fn under_way(&self, now_ms: u64) -> Result<u32, String> {
        Ok(u32::try_from(self.leases(now_ms).count()).unwrap())
    }

    fn next_lease_end_ms(&self, now_ms: u64) -> Result<Option<u64>, String> {
        Ok(self.leases(now_ms).min())
    }

    /// Bodies are not kept here; each counts as one byte.
    fn owed_bytes(&self) -> Result<u64, String> {
        Ok(self.rows.values().filter(|entry| entry.owed.is_some()).count() as u64)
    }

    /// Nothing: it counts each time.
    fn remembered(&self) -> Memory {
        Memory::default()
    }

    fn remember(&mut self, _: &Memory) {}

    fn bytes(&self) -> Result<u64, String> {
        self.owed_bytes()
    }

    fn gate(&self) -> Result<Gate, String> {
        Ok(self.gate)
    }

    fn set_gate(&mut self, gate: &Gate) -> Result<(), String> {
        self.gate = *gate;
        Ok(())
    }

    fn furthest_stage(&self, job_id: &str) -> Result<Option<JobStage>, String> {
        let of_job = |entry: &&Entry| entry.meta.job_id.as_deref() == Some(job_id);
        let delivered = self.rows.values().filter(of_job).filter(|it| it.state == EventState::Done);
        Ok(delivered.filter_map(|entry| entry.meta.stage()).max())
    }

    fn walk(&self) -> Result<Option<Walk>, String> {
        Ok(self.walk.clone())
    }

    fn set_walk(&mut self, walk: Option<&Walk>) -> Result<(), String> {
        self.walk = walk.cloned();
        Ok(())
    }

    fn walk_on(&mut self, piece: &Piece) -> Result<Walked, String> {
        let mut places: Vec<_> = self.rows.iter().map(|(key, entry)| place(key, entry)).collect();
        places.retain(|place| *place > piece.after);
        places.sort();
        places.truncate(piece.rows as usize);
        let is_full = places.len() == piece.rows as usize;
        let mut walked =
            Walked { end: places.last().filter(|_| is_full).cloned(), ..Walked::default() };
        for Place { key, .. } in places {
            let entry = self.rows.get_mut(&key).unwrap();
            if entry.owed.is_some() {
                continue;
            }
            if entry.last_ms <= piece.due_ms {
                let entry = self.rows.remove(&key).unwrap();
                walked.deleted += 1;
                walked.expired.extend(Some(expired(key, entry)).filter(|it| !it.is_settled()));
                continue;
            }
            walked.oldest_ms = Some(walked.oldest_ms.unwrap_or(u64::MAX).min(entry.last_ms));
            if let EventState::Claimed { lease_end_ms } = entry.state
                && lease_end_ms <= piece.lost_ms
            {
                if let Some(trails) = &mut self.trails {
                    trails.entry(key).or_default().extend(TrailEntry::lost(entry));
                }
                entry.state = EventState::Open;
                entry.last_outcome = Some(ATTEMPT_LOST.to_owned());
            }
        }
        Ok(walked)
    }

    fn is_empty(&self) -> Result<bool, String> {
        Ok(self.rows.is_empty())
    }

    /// Which of those that are due go first is left open, so a limit below their number may take
    /// others than another store does.
    fn delete_dead(&mut self, due_ms: u64, limit: u32) -> Result<Vec<Expired>, String> {
        let due = self.dead().filter(|(_, entry)| entry.last_ms <= due_ms);
        let due: Vec<_> = due.map(|(key, _)| key.clone()).take(limit as usize).collect();
        let gone = due.into_iter().filter_map(|key| self.rows.remove_entry(&key));
        Ok(gone.map(|(key, entry)| expired(key, entry)).collect())
    }

    fn oldest_dead_ms(&self) -> Result<Option<u64>, String> {
        Ok(self.dead().map(|(_, entry)| entry.last_ms).min())
    }

    fn add(&mut self, outcomes: &Counts) -> Result<(), String> {
        for (outcome, times) in outcomes.iter() {
            *self.outcomes.entry(outcome.to_owned()).or_default() += times;
        }
        Ok(())
    }

    fn note_shards(&mut self, shards: u32, now_ms: u64) -> Result<(), String> {
        match self.shard_counts.last() {
            Some((_, last)) if *last == shards => {}
            Some((since_ms, _)) => self.shard_counts.push((now_ms.max(since_ms + 1), shards)),
            None => self.shard_counts.push((now_ms, shards)),
        }
        Ok(())
    }

    /// No size in bytes: memory has none that means anything.
    fn figures(&self, abandoned_ms: u64) -> Result<Figures, String> {
        let settled = self.rows.values().filter(|entry| entry.owed.is_none());
        let waiting = self.rows.values().filter(|entry| {
            let is_tried_again = entry.owed.as_ref().is_some_and(|owed| owed.tries > 1);
            entry.state.name() == "waiting" || entry.state.name() == "claimed" && is_tried_again
        });
        let waiting_ms = waiting.filter_map(|entry| {
            let owed = entry.owed.as_ref()?;
            Some(if owed.replay.is_none() { entry.first_ms } else { owed.since_ms })
        });
        let mut figures = Figures {
            oldest_ms: settled.map(|entry| entry.last_ms).min(),
            oldest_waiting_ms: waiting_ms.min(),
            is_paused: self.gate.is_paused,
            paused_replays: replays::count_paused(self)?,
            breaker: self.gate.breaker,
            ..Figures::default()
        };
        for entry in self.rows.values() {
            figures.events.count(entry.state.name());
            let is_abandoned =
                UNSETTLED.contains(&entry.state.name()) && entry.last_ms <= abandoned_ms;
            figures.abandoned += u64::from(is_abandoned && entry.owed.is_none());
        }
        self.outcomes.iter().for_each(|(outcome, times)| figures.outcomes.add(outcome, *times));
        let untold = self.shard_counts.len().saturating_sub(SHARD_COUNTS);
        figures.shard_counts.extend(self.shard_counts.iter().skip(untold));
        Ok(figures)
    }

    fn look(&self, search: &Search) -> Result<Looked, String> {
        let filter = &search.filter;
        let state = filter.state.as_deref();
        let is_by_time = state.is_some_and(|it| INDEXED.contains(&it)) && filter.job_id.is_none();
        let in_list = |rows: &mut Vec<(String, Entry)>| {
            rows.sort_by(|(left_key, left), (right_key, right)| {
                list_order((left.last_ms, left_key), (right.last_ms, right_key))
            });
        };
        let most = search.rows.max(1) as usize;
        let mut rows: Vec<_> = self.rows.clone().into_iter().collect();
        let (mut last, mut end) = (None, None);
        if let Some(job_id) = &filter.job_id {
            rows.retain(|(_, entry)| entry.meta.job_id.as_ref() == Some(job_id));
        } else if is_by_time {
            let range = Filter {
                state: filter.state.clone(),
                since_ms: filter.since_ms,
                until_ms: filter.until_ms,
                after: filter.after.clone(),
                ..Filter::default()
            };
            rows.retain(|(key, entry)| range.passes(key, entry, None));
            in_list(&mut rows);
            rows.truncate(most);
            if rows.len() == most {
                last =
                    rows.last().map(|(key, row)| Cursor { last_ms: row.last_ms, key: key.clone() });
            }
        } else {
            rows.sort_by_key(|(key, entry)| place(key, entry));
            rows.retain(|(key, entry)| Some(place(key, entry)) > search.from);
            let most = if filter.after.is_some() { most * 2 } else { most };
            rows.truncate(most);
            end = rows.last().filter(|_| rows.len() == most).map(|(key, entry)| place(key, entry));
            end = end.filter(|end| search.to.as_ref().is_none_or(|to| end < to));
            rows.retain(|(key, entry)| {
                search.to.as_ref().is_none_or(|to| place(key, entry) <= *to)
            });
        }
        let looked = rows.len() as u64;
        rows.retain(|(key, entry)| {
            let job = entry.meta.job_id.as_ref().and_then(|job_id| self.jobs.get(job_id));
            filter.passes(key, entry, job.and_then(|job| job.tenant.as_deref()))
        });
        in_list(&mut rows);
        rows.truncate(filter.limit as usize);
        Ok(Looked { rows, last, end, looked })
    }

    fn alarm_ms(&self) -> Option<u64> {
        self.alarm_ms
    }

    fn set_alarm(&mut self, alarm_ms: Option<u64>) {
        self.alarm_ms = alarm_ms;
    }
}

impl KeptStore for MemoryStore {
    fn keep(&mut self, _job_id: Option<&str>, key: &str, kept: &Kept) -> Result<(), String> {
        self.kept.insert(key.to_owned(), kept.clone());
        Ok(())
    }

    fn kept(&self, key: &str) -> Result<Option<Kept>, String> {
        Ok(self.kept.get(key).cloned())
    }

    fn restore(&mut self, key: &str, entry: &Entry) -> Result<(), String> {
        self.kept.remove(key).ok_or("nothing is kept of the event")?;
        self.update(key, entry)
    }

    fn forget_kept(&mut self, key: &str) -> Result<(), String> {
        self.kept.remove(key);
        Ok(())
    }

    fn kept_bytes(&self) -> Result<u64, String> {
        Ok(self.kept.len() as u64)
    }

    fn delete_kept(&mut self, due_ms: u64, limit: u32) -> Result<u32, String> {
        let due = self.kept.iter().filter(|(_, kept)| kept.kept_ms <= due_ms);
        let due: Vec<_> = due.map(|(key, _)| key.clone()).take(limit as usize).collect();
        for key in &due {
            self.kept.remove(key);
        }
        Ok(u32::try_from(due.len()).unwrap_or(u32::MAX))
    }

    fn oldest_kept_ms(&self) -> Result<Option<u64>, String> {
        Ok(self.kept.values().map(|kept| kept.kept_ms).min())
    }
}

impl MemoryStore {
    fn selected(&self, selection: &Selection) -> impl Iterator<Item = (&String, &Entry)> {
        let matches =
            |wanted: &Option<String>, value: &Option<String>| wanted.is_none() || wanted == value;
        self.rows.iter().filter(move |(_, entry)| {
            entry.state.name() == selection.state
                && (selection.since_ms..=selection.until_ms).contains(&entry.last_ms)
                && matches(&selection.job_id, &entry.meta.job_id)
                && matches(&selection.event_type, &entry.meta.event_type)
        })
    }

    fn has_bytes(&self, key: &str, entry: &Entry) -> bool {
        entry.owed.is_some() || self.kept.contains_key(key)
    }
}

impl ReplayStore for MemoryStore {
    fn replays(&self) -> Result<Vec<BulkReplay>, String> {
        let mut replays: Vec<_> = self.replays.values().cloned().collect();
        replays.sort_by_key(|replay| core::cmp::Reverse(replay.started_ms));
        Ok(replays)
    }

    fn bulk_replay(&self, id: &str) -> Result<Option<BulkReplay>, String> {
        Ok(self.replays.get(id).cloned())
    }

    fn next_running(&self) -> Result<Option<BulkReplay>, String> {
        let running = self.replays.values().filter(|it| it.state == ReplayState::Running);
        Ok(running.min_by_key(|replay| (replay.next_ms, &replay.id)).cloned())
    }

    fn set_replay(&mut self, replay: &BulkReplay) -> Result<(), String> {
        self.replays.insert(replay.id.clone(), replay.clone());
        Ok(())
    }

    fn delete_replay(&mut self, id: &str) -> Result<(), String> {
        self.replays.remove(id);
        Ok(())
    }

    fn next_selected(
        &self,
        selection: &Selection,
        after: Option<&Cursor>,
    ) -> Result<Option<(String, Entry)>, String> {
        let with_bytes = self.selected(selection).filter(|(key, entry)| self.has_bytes(key, entry));
        let behind = with_bytes.filter(|(key, entry)| {
            after.is_none_or(|after| (entry.last_ms, *key) > (after.last_ms, &after.key))
        });
        let first = behind.min_by_key(|(key, entry)| (entry.last_ms, *key));
        Ok(first.map(|(key, entry)| (key.clone(), entry.clone())))
    }

    fn count_selected(&self, selection: &Selection, limit: u32) -> Result<Selected, String> {
        let selected: Vec<_> = self.selected(selection).take(limit as usize).collect();
        let events = selected.iter().filter(|(key, entry)| self.has_bytes(key, entry)).count();
        let (all, events) = (selected.len() as u64, events as u64);
        Ok(Selected { events, without_bytes: all - events })
    }
}
