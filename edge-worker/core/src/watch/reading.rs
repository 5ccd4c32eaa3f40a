//! What the shards have replied, put together.

use super::history::Sample;
use super::rule::Level;
use crate::counts::Counts;
use crate::ledger::figures::Figures;

/// The counts that each shard told last, by its name. They only grow while a shard lives.
pub(super) type Counters = Vec<(String, Counts)>;

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) sample: Sample,
    abandoned: u64,
    breakers_open: u64,
    shards_unreachable: u64,
}

impl Reading {
    /// Puts the shards' figures together, and moves the counters on. Of a shard that is heard of for the first time
    /// only what it counts from now on is news; one whose count went back has begun anew.
    pub(super) fn of(
        shards: Vec<(String, Option<Figures>)>,
        counters: &mut Counters,
        now_ms: u64,
    ) -> Self {
        let mut reading = Self::default();
        let Self { sample, abandoned, breakers_open, shards_unreachable } = &mut reading;
        let mut oldest_ms = None::<u64>;
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        let asked: Vec<_> = shards.iter().map(|(shard, _)| shard.clone()).collect();
        for (shard, figures) in shards {
            let Some(figures) = figures else {
                add(shards_unreachable, 1);
                continue;
            };
            add(&mut sample.waiting, figures.events.get("waiting"));
            add(&mut sample.dead, figures.events.get("dead"));
            add(abandoned, figures.abandoned);
            add(breakers_open, u64::from(figures.breaker.open_since_ms().is_some()));
            if let Some(jobs) = figures.jobs {
                add(&mut sample.jobs_open, jobs.open);
                add(&mut sample.jobs_overdue, jobs.overdue);
            }
            oldest_ms = oldest_ms.into_iter().chain(figures.oldest_waiting_ms).min();
            match counters.iter_mut().find(|(other, _)| *other == shard) {
                Some((_, before)) => {
                    gain(&mut sample.outcomes, before, &figures.outcomes);
                    *before = figures.outcomes;
                }
                None => counters.push((shard, figures.outcomes)),
            }
        }
        sample.at_ms = now_ms;
        sample.oldest_waiting_seconds =
            oldest_ms.map(|oldest_ms| now_ms.saturating_sub(oldest_ms) / 1_000);
        sample.is_complete = *shards_unreachable == 0;
        if sample.is_complete {
            counters.retain(|(shard, _)| asked.contains(shard));
        }
        reading
    }

    /// How a level stands, and whether that is all of it: a shard that has not answered may have more.
    pub(super) fn level(&self, level: Level) -> (u64, bool) {
        let value = match level {
            Level::Waiting => self.sample.waiting,
            Level::OldestWaiting => self.sample.oldest_waiting_seconds.unwrap_or(0),
            Level::Dead => self.sample.dead,
            Level::Abandoned => self.abandoned,
            Level::JobsOpen => self.sample.jobs_open,
            Level::JobsOverdue => self.sample.jobs_overdue,
            Level::BreakersOpen => self.breakers_open,
            Level::ShardsUnreachable => return (self.shards_unreachable, true),
        };
        (value, self.sample.is_complete)
    }
}

/// Adds what was counted between two tellings of a shard.
fn gain(sum: &mut Counts, before: &Counts, after: &Counts) {
    for (name, times) in after.iter() {
        let gained = times.checked_sub(before.get(name)).unwrap_or(times);
        if gained > 0 {
            sum.add(name, gained);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(events: &str, outcomes: &str) -> Figures {
        Figures { events: events.into(), outcomes: outcomes.into(), ..Figures::default() }
    }

    fn of(counters: &mut Counters, shards: &[(&str, Option<Figures>)]) -> Reading {
        let shards = shards.iter().map(|(shard, it)| ((*shard).to_owned(), it.clone())).collect();
        Reading::of(shards, counters, 100_000)
    }

    #[test]
    fn shards_add_up_and_counts_are_news_once() {
        let mut counters = Counters::new();
        let (a, b) = (figures("dead:1,waiting:2", "forwarded:90"), figures("dead:3", ""));
        let a = Figures { oldest_waiting_ms: Some(40_000), ..a };
        let first = of(&mut counters, &[("a", Some(a.clone())), ("b", Some(b))]);
        assert_eq!((first.sample.waiting, first.sample.dead), (2, 4));
        assert_eq!(first.sample.oldest_waiting_seconds, Some(60));
        assert_eq!(first.sample.outcomes, Counts::new(), "from before");
        let more = Figures { outcomes: "duplicate:1,forwarded:92".into(), ..a };
        let second = of(&mut counters, &[("a", Some(more)), ("b", Some(figures("", "paused:5")))]);
        assert_eq!(second.sample.outcomes, "duplicate:1,forwarded:2,paused:5".into());
    }

    #[test]
    fn what_a_silent_shard_has_counted_comes_when_it_speaks_again() {
        let mut counters = Counters::new();
        of(&mut counters, &[("a", Some(figures("", "forwarded:1"))), ("b", Some(figures("", "")))]);
        let silent = of(&mut counters, &[("a", None), ("b", Some(figures("", "")))]);
        assert!(!silent.sample.is_complete);
        assert_eq!(silent.level(Level::ShardsUnreachable), (1, true));
        assert_eq!(silent.level(Level::Dead), (0, false));
        let back = of(&mut counters, &[("a", Some(figures("", "forwarded:8"))), ("b", None)]);
        assert_eq!(back.sample.outcomes, "forwarded:7".into());
    }

    /// A shard that is gone takes its counters along, and nothing is counted backwards.
    #[test]
    fn a_counter_that_went_back_has_begun_anew() {
        let mut counters = Counters::new();
        let both =
            |a: &str| [("a", Some(figures("", a))), ("b", Some(figures("", "forwarded:1000")))];
        of(&mut counters, &both("forwarded:50"));
        let anew = of(&mut counters, &both("forwarded:3"));
        assert_eq!(anew.sample.outcomes, "forwarded:3".into());
        let gone = of(&mut counters, &[("a", Some(figures("", "forwarded:4")))]);
        assert_eq!(gone.sample.outcomes, "forwarded:1".into());
        assert_eq!(counters.len(), 1);
        let again = of(&mut counters, &both("forwarded:4"));
        assert_eq!(again.sample.outcomes, Counts::new());
    }
}
