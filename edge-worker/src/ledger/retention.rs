//! What the ledger forgets, and when it looks.
//!
//! A row is forgotten one retention after its last transition. Until then it also outlives every
//! signature over the event, which the settings see to. A claim that runs is never forgotten: the
//! longest lease is shorter than the shortest retention.
//!
//! The alarm is set when none is pending, for the time at which the oldest row is due, and not moved
//! by later requests: an alarm that every request pushes ahead never rings on a busy object.

/// Rows that one alarm deletes at most, so that it never holds up deliveries for long.
pub(crate) const BATCH: u32 = 500;

/// The least time between two alarms. Rows fall due one by one, and would otherwise be deleted one
/// by one; so some are kept for this much longer.
pub(crate) const LEAST_PAUSE_MS: u64 = 10 * 60 * 1_000;

/// The pause after a full batch: there is probably more.
const PAUSE_AFTER_FULL_BATCH_MS: u64 = 1_000;

/// The pause when the retention is not known, because the settings are refused.
pub(crate) const PAUSE_WITHOUT_SETTINGS_MS: u64 = 60 * 60 * 1_000;

/// Rows whose last transition was at this time or before are due.
pub(crate) fn due_before_ms(now_ms: u64, retention_ms: u64) -> u64 {
    now_ms.saturating_sub(retention_ms)
}

/// The time of the first alarm, set when the first row is about to be written.
pub(crate) fn first_alarm_ms(now_ms: u64, retention_ms: u64) -> u64 {
    now_ms.saturating_add(retention_ms)
}

/// The time of the next alarm after one that deleted `deleted` rows and left rows of which the
/// oldest had its last transition at `oldest_ms`; none if it left no row.
pub(crate) fn next_alarm_ms(
    now_ms: u64,
    retention_ms: u64,
    deleted: u32,
    oldest_ms: Option<u64>,
) -> Option<u64> {
    let due_ms = oldest_ms?.saturating_add(retention_ms);
    let pause_ms = if deleted >= BATCH { PAUSE_AFTER_FULL_BATCH_MS } else { LEAST_PAUSE_MS };
    Some(due_ms.max(now_ms.saturating_add(pause_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 60 * 60 * 1_000;

    #[test]
    fn rows_are_due_one_retention_after_their_last_transition() {
        assert_eq!(due_before_ms(100 * HOUR_MS, 72 * HOUR_MS), 28 * HOUR_MS);
        assert_eq!(first_alarm_ms(28 * HOUR_MS, 72 * HOUR_MS), 100 * HOUR_MS);
    }

    #[test]
    fn nothing_is_due_before_one_retention_has_passed() {
        assert_eq!(due_before_ms(HOUR_MS, 72 * HOUR_MS), 0);
    }

    #[test]
    fn the_next_alarm_is_when_the_oldest_row_is_due() {
        let next = next_alarm_ms(100 * HOUR_MS, 72 * HOUR_MS, 3, Some(50 * HOUR_MS));
        assert_eq!(next, Some(122 * HOUR_MS));
    }

    #[test]
    fn rows_that_fall_due_soon_wait_for_each_other() {
        let now_ms = 100 * HOUR_MS;
        let next = next_alarm_ms(now_ms, 72 * HOUR_MS, 3, Some(28 * HOUR_MS + 5));
        assert_eq!(next, Some(now_ms + LEAST_PAUSE_MS));
    }

    #[test]
    fn a_full_batch_is_followed_soon() {
        let now_ms = 100 * HOUR_MS;
        let next = next_alarm_ms(now_ms, 72 * HOUR_MS, BATCH, Some(HOUR_MS));
        assert_eq!(next, Some(now_ms + PAUSE_AFTER_FULL_BATCH_MS));
    }

    #[test]
    fn an_empty_ledger_needs_no_alarm() {
        assert_eq!(next_alarm_ms(100 * HOUR_MS, 72 * HOUR_MS, 3, None), None);
    }
}
