//! The figures of all shards, put together.

use crate::ledger::figures::Figures;
use crate::ledger::latest;
use crate::tally::Tally;
use crate::time::rfc3339;

/// The figures of one shard, or why there are none.
pub(crate) type Shard = (String, Result<Figures, String>);

/// The whole ledger.
#[derive(Debug)]
pub(crate) struct Overview {
    /// The shards, in order.
    pub(crate) shards: Vec<Shard>,
    /// Rows of all shards that answered, by state.
    pub(crate) rows: Tally,
    /// Outcomes, as far as they were reported.
    pub(crate) outcomes: Tally,
    /// The numbers of shards that the ledger was used with, each with the time since when, in
    /// milliseconds since 1970; the latest last.
    pub(crate) shard_counts: Vec<(u64, u32)>,
}

impl Overview {
    /// Puts the shards together.
    pub(crate) fn of(shards: Vec<Shard>) -> Self {
        let (mut rows, mut outcomes) = (Tally::new(), Tally::new());
        let mut changes = Vec::new();
        for figures in shards.iter().filter_map(|(_, figures)| figures.as_ref().ok()) {
            rows.merge(&figures.rows);
            outcomes.merge(&figures.tally);
            changes.push(figures.shard_counts.clone());
        }
        // Each shard noticed a change when it was called next; the first to notice dates it.
        let changes = latest::merge(changes, usize::MAX, Ord::cmp);
        let mut shard_counts: Vec<(u64, u32)> = Vec::new();
        for (since_ms, count) in changes {
            if shard_counts.last().is_none_or(|(_, last)| *last != count) {
                shard_counts.push((since_ms, count));
            }
        }
        Self { shards, rows, outcomes, shard_counts }
    }

    /// What an operator should know, in words.
    pub(crate) fn warnings(&self, shards: u32, retention_ms: u64, now_ms: u64) -> Vec<String> {
        let mut warnings = Vec::new();
        let unreachable = self.shards.iter().filter(|(_, figures)| figures.is_err()).count();
        if unreachable > 0 {
            warnings.push(format!(
                "{unreachable} of {} shards did not answer; their deliveries are answered 503 and \
                 come again",
                self.shards.len(),
            ));
        }
        if self.is_sharding_changed(shards, retention_ms, now_ms) {
            let used: Vec<_> = self
                .shard_counts
                .iter()
                .map(|(since_ms, count)| format!("{count} since {}", rfc3339(*since_ms)))
                .collect();
            warnings.push(format!(
                "LEDGER_SHARDS is {shards}, and the ledger was used with {}: events from before a \
                 change are looked for in the wrong shard, so a repeated delivery of one reaches \
                 the origin again, and they are missing here; set it back, or wait until a \
                 retention has passed since the change",
                used.join(", "),
            ));
        }
        warnings
    }

    /// Whether the number of shards was another one, so recently that it matters.
    pub(crate) fn is_sharding_changed(&self, shards: u32, retention_ms: u64, now_ms: u64) -> bool {
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

    fn shard(counts: &[(u64, u32)], rows: &str, tally: &str) -> Shard {
        let figures = Figures {
            rows: Tally::decode(rows),
            tally: Tally::decode(tally),
            shard_counts: counts.to_vec(),
            ..Figures::default()
        };
        (String::from("shard-0"), Ok(figures))
    }

    #[test]
    fn figures_add_up() {
        let overview = Overview::of(vec![
            shard(&[(5, 16)], "done:3,open:1", "forwarded:3"),
            (String::from("shard-1"), Err("broken".to_owned())),
            shard(&[(9, 16)], "done:2", "duplicate:1,forwarded:2"),
        ]);
        assert_eq!(overview.rows.encode(), "done:5,open:1");
        assert_eq!(overview.outcomes.encode(), "duplicate:1,forwarded:5");
        assert_eq!(overview.shard_counts, [(5, 16)]);
        assert_eq!(overview.warnings(16, 100, 50).len(), 1, "the shard that did not answer");
    }

    #[test]
    fn a_change_of_the_shards_is_dated_by_the_first_that_noticed() {
        let overview = Overview::of(vec![
            shard(&[(5, 16), (40, 8)], "", ""),
            shard(&[(7, 16), (31, 8)], "", ""),
            shard(&[(6, 16)], "", ""),
        ]);
        assert_eq!(overview.shard_counts, [(5, 16), (31, 8)]);
    }

    #[test]
    fn a_change_is_warned_of_until_a_retention_has_passed() {
        let overview = Overview::of(vec![shard(&[(5, 16), (40, 8)], "", "")]);
        let warnings = overview.warnings(8, 100, 139);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("LEDGER_SHARDS is 8"), "{warnings:?}");
        assert!(warnings[0].contains("16 since 1970-01-01T00:00:00.005Z, 8 since"), "{warnings:?}");
        assert!(overview.warnings(8, 100, 140).is_empty());
        assert_eq!(overview.warnings(16, 100, 140).len(), 1, "changed back, and no claim since");
    }

    #[test]
    fn nothing_is_wrong_with_a_ledger_that_is_new_or_never_changed() {
        assert!(Overview::of(vec![shard(&[], "", "")]).warnings(16, 100, 50).is_empty());
        assert!(Overview::of(vec![shard(&[(5, 16)], "", "")]).warnings(16, 100, 50).is_empty());
        assert_eq!(Overview::of(vec![shard(&[(5, 16)], "", "")]).warnings(8, 100, 50).len(), 1);
    }
}
