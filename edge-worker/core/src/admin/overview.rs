//! The figures of all shards, put together.

use super::costs::Money;
use crate::counts::Counts;
use crate::ledger::expired;
use crate::ledger::figures::Figures;
use crate::ledger::job::JobFigures;
use crate::ledger::store::DEAD;
use crate::merge;
use crate::settings::Settings;
use crate::time::rfc3339;
use crate::watch::Findings;

/// The figures of one shard, or why there are none.
pub(crate) type ShardFigures = (String, Result<Figures, String>);

/// The whole ledger.
#[derive(Debug)]
pub(crate) struct Overview {
    /// The shards, in order.
    pub(crate) shards: Vec<ShardFigures>,
    /// Events of all shards that replied, by state.
    pub(crate) events: Counts,
    /// Outcomes, as far as they were reported.
    pub(crate) outcomes: Counts,
    /// Events that the origin may not have and that no retry is expected for any more.
    pub(crate) abandoned: u64,
    /// The numbers of shards that the ledger was used with, each with the time since when, in
    /// milliseconds since 1970; the latest last.
    pub(crate) shard_counts: Vec<(u64, u32)>,
    /// Jobs of all shards that replied; none if jobs are not kept.
    pub(super) jobs: Option<JobFigures>,
    /// What jobs cost, and how many of those that are remembered have two ends that contradict each other; none if
    /// jobs are not kept, or a shard did not tell.
    pub(super) costs: Option<(Money, u64)>,
    /// What the watch has found, or why it did not tell; none if it was not asked.
    pub(super) watch: Option<Result<Findings, String>>,
}

impl Overview {
    /// Puts the shards together.
    pub(super) fn of(shards: Vec<ShardFigures>, costs: Option<(Money, u64)>) -> Self {
        let (mut events, mut outcomes, mut abandoned) = (Counts::new(), Counts::new(), 0_u64);
        let (mut changes, mut jobs) = (Vec::new(), None::<JobFigures>);
        for figures in shards.iter().filter_map(|(_, figures)| figures.as_ref().ok()) {
            events.merge(&figures.events);
            outcomes.merge(&figures.outcomes);
            abandoned = abandoned.saturating_add(figures.abandoned);
            changes.push(figures.shard_counts.clone());
            if let Some(more) = figures.jobs {
                let sum = jobs.get_or_insert_default();
                sum.open = sum.open.saturating_add(more.open);
                sum.overdue = sum.overdue.saturating_add(more.overdue);
                sum.reconciled = sum.reconciled.saturating_add(more.reconciled);
                sum.conflicts = sum.conflicts.saturating_add(more.conflicts);
            }
        }
        // Each shard noticed a change when it was called next; the first to notice dates it.
        let changes = merge::merge(changes, usize::MAX, Ord::cmp);
        let mut shard_counts: Vec<(u64, u32)> = Vec::new();
        for (since_ms, count) in changes {
            if shard_counts.last().is_none_or(|(_, last)| *last != count) {
                shard_counts.push((since_ms, count));
            }
        }
        Self { shards, events, outcomes, abandoned, shard_counts, jobs, costs, watch: None }
    }

    /// Whether all shards have replied.
    pub(crate) fn is_whole(&self) -> bool {
        self.shards.iter().all(|(_, figures)| figures.is_ok())
    }

    /// How many events were deleted undelivered since the ledger was made, by the state that they were in.
    pub(crate) fn expired(&self) -> Counts {
        let mut counts = Counts::new();
        for state in expired::STATES {
            if let times @ 1.. = self.outcomes.get(&expired::expired_name(state)) {
                counts.add(state, times);
            }
        }
        counts
    }

    /// What an admin should know, in words.
    pub(crate) fn warnings(&self, settings: &Settings, now_ms: u64) -> Vec<String> {
        let mut warnings = settings.warnings.clone();
        if self.abandoned > 0 {
            warnings.push(format!(
                "{} events were not delivered, and no retry is expected for them any more: find them \
                 with /_edge/events?state=open, have the provider send them again, or look their jobs \
                 up at its API",
                self.abandoned,
            ));
        }
        let dead = self.events.get(DEAD);
        if dead > 0 {
            warnings.push(format!(
                "{dead} dead letters: events that the origin has refused for good, or that were tried as \
                 often as the settings allow; find them with /_edge/events?state=dead, put the cause \
                 right, and replay them"
            ));
        }
        let overdue = self.jobs.map_or(0, |jobs| jobs.overdue);
        if overdue > 0 {
            let remedy = if settings.reconciles() {
                ""
            } else {
                "; the provider is not asked about them, since NEXTAPI_API_KEY is not set"
            };
            warnings.push(format!(
                "{overdue} jobs are overdue: look at /_edge/jobs?state=overdue{remedy}"
            ));
        }
        if let Some((_, conflicts @ 1..)) = self.costs {
            warnings.push(format!(
                "{conflicts} jobs ended in two ways, and provider and API contradict each other: look at \
                 /_edge/jobs?state=conflict"
            ));
        }
        warnings.extend(self.watch_warning(now_ms));
        let (known, paused) =
            (self.known().count(), self.known().filter(|it| it.is_paused).count());
        if paused > 0 && paused == known {
            warnings.push("deliveries are paused: POST /_edge/resume ends that".to_owned());
        } else if paused > 0 {
            warnings.push(format!(
                "deliveries are paused in {paused} of {known} shards: POST /_edge/resume ends that, and \
                 POST /_edge/pause holds the others back as well"
            ));
        }
        if self.known().any(|figures| figures.paused_replays > 0) {
            let text = "a bulk replay is paused: GET /_edge/replays says which one and why; resume or cancel it";
            warnings.push(text.to_owned());
        }
        let unreachable = self.shards.iter().filter(|(_, figures)| figures.is_err()).count();
        if unreachable > 0 {
            warnings.push(format!(
                "{unreachable} of {} shards did not answer; their deliveries are answered 503 and \
                 come again",
                self.shards.len(),
            ));
        }
        if self.is_sharding_changed(settings, now_ms) {
            let shards = settings.ledger_shards;
            let used: Vec<_> = self
                .shard_counts
                .iter()
                .map(|(since_ms, count)| format!("{count} since {}", rfc3339(*since_ms)))
                .collect();
            warnings.push(format!(
                "LEDGER_SHARDS is {shards}, and the ledger was used with {}: events from before a \
                 change are looked for in the wrong shard, so a repeated delivery of one reaches \
                 the origin again; set it back, or wait until a retention has passed since the change",
                used.join(", "),
            ));
        }
        let unused = self.owed_by_unused(settings);
        if unused > 0 {
            warnings.push(format!(
                "{unused} events wait or are under way in shards that LEDGER_SHARDS no longer reaches: \
                 they are still delivered from there; do not change it again until there are none"
            ));
        }
        if self.is_owed_since_before_a_change() {
            warnings.push(
                "LEDGER_SHARDS was changed while events were waiting: later events of their jobs may \
                 overtake them, and a new shard is not paused; change it only when nothing waits"
                    .to_owned(),
            );
        }
        warnings
    }

    /// What is wrong with the watch, or with where it tells of alerts.
    fn watch_warning(&self, now_ms: u64) -> Option<String> {
        let findings = match self.watch.as_ref()? {
            Ok(findings) => findings,
            Err(error) => {
                return Some(format!(
                    "the watch did not answer ({error}): there is no history, and nobody is told of alerts"
                ));
            }
        };
        if let Some(since_ms) = findings.stands_still_since(now_ms) {
            return Some(format!(
                "the watch has taken no figures since {}: nobody is told of what begins meanwhile; it is \
                 woken by this request, and its failure is in the log",
                rfc3339(since_ms),
            ));
        }
        (findings.failed > 0).then(|| {
            format!(
                "{} alerts of the last day were sent and not taken: look at /_edge/alerts, and put \
                 ALERT_URL right",
                findings.failed,
            )
        })
    }

    /// The figures of the shards that have replied.
    fn known(&self) -> impl Iterator<Item = &Figures> {
        self.shards.iter().filter_map(|(_, figures)| figures.as_ref().ok())
    }

    /// How many events wait or are under way in shards that no new event comes to.
    pub(crate) fn owed_by_unused(&self, settings: &Settings) -> u64 {
        let in_use = usize::try_from(settings.ledger_shards).unwrap_or(usize::MAX);
        let unused = self.shards.iter().skip(in_use).filter_map(|(_, it)| it.as_ref().ok());
        let owed = |it: &Figures| it.events.get("waiting").saturating_add(it.events.get("claimed"));
        unused.map(owed).fold(0, u64::saturating_add)
    }

    /// Whether an event waits that was accepted under another number of shards.
    fn is_owed_since_before_a_change(&self) -> bool {
        let [_, .., (changed_ms, _)] = self.shard_counts.as_slice() else { return false };
        let mut waiting = self.known().filter_map(|figures| figures.oldest_waiting_ms);
        waiting.any(|since_ms| since_ms < *changed_ms)
    }

    /// Whether the number of shards was another one, so recently that it matters.
    pub(crate) fn is_sharding_changed(&self, settings: &Settings, now_ms: u64) -> bool {
        let (shards, retention_ms) = (settings.ledger_shards, settings.policy.retention_ms);
        match self.shard_counts.as_slice() {
            [] => false,
            [(_, count)] => *count != shards,
            [.., (since_ms, count)] => {
                *count != shards || now_ms < since_ms.saturating_add(retention_ms)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings_with;

    const RETENTION_MS: u64 = 36 * 60 * 60 * 1_000;

    fn overview_of(shards: Vec<ShardFigures>) -> Overview {
        Overview::of(shards, None)
    }

    fn shard(counts: &[(u64, u32)], events: &str, outcomes: &str) -> ShardFigures {
        let figures = Figures {
            events: events.into(),
            outcomes: outcomes.into(),
            shard_counts: counts.to_vec(),
            ..Figures::default()
        };
        (String::from("shard-0"), Ok(figures))
    }

    fn warnings(overview: &Overview, shards: u32, now_ms: u64) -> Vec<String> {
        let shards = shards.to_string();
        let settings = settings_with(&[("LEDGER_SHARDS", &shards), ("RETENTION_HOURS", "36")]);
        overview.warnings(&settings, now_ms)
    }

    #[test]
    fn figures_add_up() {
        let overview = overview_of(vec![
            shard(&[(5, 16)], "done:3,open:1", "forwarded:3"),
            (String::from("shard-1"), Err("broken".to_owned())),
            shard(&[(9, 16)], "done:2", "duplicate:1,forwarded:2"),
        ]);
        assert_eq!(overview.events, "done:5,open:1".into());
        assert_eq!(overview.outcomes, "duplicate:1,forwarded:5".into());
        assert_eq!(overview.shard_counts, [(5, 16)]);
        assert_eq!(warnings(&overview, 16, 50).len(), 1, "the shard that did not answer");
    }

    #[test]
    fn abandoned_events_and_misspelled_settings_are_warned_of() {
        let abandoned = |abandoned| Ok(Figures { abandoned, ..Figures::default() });
        let shards = [("shard-0".to_owned(), abandoned(2)), ("shard-1".to_owned(), abandoned(1))];
        let overview = overview_of(shards.to_vec());
        let settings = settings_with(&[("LEDGER_SHARD", "4")]);
        let warnings = overview.warnings(&settings, 50);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].starts_with("LEDGER_SHARD is not a setting"), "{warnings:?}");
        assert!(warnings[1].starts_with("3 events were not delivered"), "{warnings:?}");
    }

    #[test]
    fn a_change_of_the_shards_is_dated_by_the_first_that_noticed() {
        let overview = overview_of(vec![
            shard(&[(5, 16), (40, 8)], "", ""),
            shard(&[(7, 16), (31, 8)], "", ""),
            shard(&[(6, 16)], "", ""),
        ]);
        assert_eq!(overview.shard_counts, [(5, 16), (31, 8)]);
    }

    #[test]
    fn a_change_is_warned_of_until_a_retention_has_passed() {
        let overview = overview_of(vec![shard(&[(5, 16), (40, 8)], "", "")]);
        let found = warnings(&overview, 8, RETENTION_MS + 39);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("LEDGER_SHARDS is 8"), "{found:?}");
        assert!(found[0].contains("16 since 1970-01-01T00:00:00.005Z, 8 since"), "{found:?}");
        assert!(warnings(&overview, 8, RETENTION_MS + 40).is_empty());
        let changed_back = warnings(&overview, 16, RETENTION_MS + 40);
        assert_eq!(changed_back.len(), 1, "changed back, and no claim since");
    }

    #[test]
    fn what_unused_shards_owe_is_warned_of() {
        let figures = |events: &str| {
            ("shard".to_owned(), Ok(Figures { events: events.into(), ..Figures::default() }))
        };
        let overview = overview_of(vec![
            figures("waiting:5"),
            figures("claimed:1,done:9,waiting:2"),
            figures("dead:0"),
        ]);
        let found = warnings(&overview, 1, 50);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("3 events wait or are under way in shards"), "{found:?}");
        assert!(warnings(&overview, 2, 50).is_empty());
    }

    #[test]
    fn a_change_while_events_wait_is_warned_of_until_they_are_gone() {
        let waiting_since = |since_ms, changed_ms| {
            let figures = Figures {
                oldest_waiting_ms: since_ms,
                shard_counts: vec![(5, 16), (changed_ms, 32)],
                ..Figures::default()
            };
            let overview = overview_of(vec![("shard-0".to_owned(), Ok(figures))]);
            warnings(&overview, 32, RETENTION_MS * 2)
        };
        assert!(waiting_since(Some(39), 40)[0].starts_with("LEDGER_SHARDS was changed while"));
        assert!(waiting_since(Some(40), 40).is_empty());
        assert!(waiting_since(None, 40).is_empty());
    }

    #[test]
    fn a_pause_of_some_shards_is_told_from_one_of_all() {
        let paused = |states: &[bool]| {
            let shard = |is_paused: &bool| {
                ("shard".to_owned(), Ok(Figures { is_paused: *is_paused, ..Figures::default() }))
            };
            warnings(&overview_of(states.iter().map(shard).collect()), 16, 50)
        };
        assert!(paused(&[false, false]).is_empty());
        assert!(paused(&[true, true])[0].starts_with("deliveries are paused: "));
        assert!(paused(&[true, false])[0].starts_with("deliveries are paused in 1 of 2 shards"));
    }

    #[test]
    fn a_watch_that_stands_still_is_warned_of() {
        let mut overview = overview_of(vec![shard(&[], "", "")]);
        let checked_ms = Some(1_000);
        overview.watch = Some(Ok(Findings { checked_ms, ..Findings::default() }));
        assert!(warnings(&overview, 16, 300_999).is_empty());
        let found = warnings(&overview, 16, 301_000);
        assert!(found[0].contains("no figures since 1970-01-01T00:00:01.000Z"), "{found:?}");
    }

    #[test]
    fn nothing_is_wrong_with_a_ledger_that_is_new_or_never_changed() {
        assert!(warnings(&overview_of(vec![shard(&[], "", "")]), 16, 50).is_empty());
        assert!(warnings(&overview_of(vec![shard(&[(5, 16)], "", "")]), 16, 50).is_empty());
        assert_eq!(warnings(&overview_of(vec![shard(&[(5, 16)], "", "")]), 8, 50).len(), 1);
    }

    #[test]
    fn jobs_add_up_and_overdue_ones_and_contradictions_are_warned_of() {
        let figures = |jobs| ("shard".to_owned(), Ok(Figures { jobs, ..Figures::default() }));
        let jobs =
            |overdue| figures(Some(JobFigures { open: 5, overdue, reconciled: 2, conflicts: 1 }));
        let costs = |conflicts| Some((Money::default(), conflicts));
        let overview = Overview::of(vec![jobs(3), jobs(1), figures(None)], costs(2));
        let expected = JobFigures { open: 10, overdue: 4, reconciled: 4, conflicts: 2 };
        assert_eq!(overview.jobs, Some(expected));
        let found = warnings(&overview, 16, 50);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("4 jobs are overdue: look at /_edge/jobs?state=overdue;"));
        assert!(found[0].ends_with("since NEXTAPI_API_KEY is not set"), "{found:?}");
        assert!(found[1].starts_with("2 jobs ended in two ways"), "{found:?}");
        assert!(found[1].ends_with("/_edge/jobs?state=conflict"), "{found:?}");
        let key = [("NEXTAPI_API_KEY", "nxa_live_sk_x"), ("EDGE_SIGNING_SECRET", "s")];
        let found = overview.warnings(&settings_with(&key), 50);
        assert!(found[0].ends_with("/_edge/jobs?state=overdue"), "{found:?}");
        // One that was remembered once, and is no more.
        let overview = Overview::of(vec![jobs(0)], costs(0));
        assert!(warnings(&overview, 16, 50).is_empty());
        assert_eq!(overview_of(vec![figures(None)]).jobs, None);
    }
}
