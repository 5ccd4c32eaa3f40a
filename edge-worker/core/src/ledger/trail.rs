//! An event's trail: what was done about it, the last [`SHOWN`] deliveries, attempts and interventions.
//!
//! It is a column of the event's row, to which a line is added whenever the row is written for another reason, so
//! these cost no row of their own. A delivery that changes nothing has its row written for its line alone; there are
//! [`MOST_ALIKE`] such lines of each outcome, whoever sends an event how often. Nothing is decided by a trail, and it
//! is read only for who asks for one event or one job.

use core::fmt::Write as _;

use serde::Serialize;

use crate::json::from_json;

use super::entry::{ATTEMPT_LOST, Entry, EventState, Token};

/// How many entries are shown.
pub(crate) const SHOWN: usize = 20;

/// How many deliveries that changed nothing are noted of an event, of each outcome: the first ones.
pub(crate) const MOST_ALIKE: usize = 3;

/// The longest line, in bytes: the longest correlation id has 128, the longest outcome 64, and the rest is numbers.
#[cfg(test)]
const LONGEST_LINE: usize = 256;

/// How many bytes of a trail are kept, by `sql`: one line more than is shown, since the first one may be cut.
#[cfg(test)]
pub(crate) const MOST_BYTES: usize = (SHOWN + 1) * LONGEST_LINE;

/// The longest outcome that is noted, in bytes. All of ours are shorter.
const LONGEST_OUTCOME: usize = 64;

/// The longest correlation id that is noted, in bytes: what [`trace`](crate::trace) takes over.
const LONGEST_CORRELATION_ID: usize = 128;

/// What stands in a line for a part that there is none of.
const NONE: &str = "-";

/// What was done about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// The provider has delivered it, and the row was claimed or stored for it.
    Delivery,
    /// An attempt to forward it has ended.
    Attempt,
    /// It was made by reconciliation.
    Made,
    /// An admin has reopened it.
    Reopen,
    /// An admin has had it delivered anew.
    Replay,
    /// The edge has given it up.
    Dead,
}

impl Act {
    const fn name(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Attempt => "attempt",
            Self::Made => "made",
            Self::Reopen => "reopen",
            Self::Replay => "replay",
            Self::Dead => "dead",
        }
    }
}

/// One entry of a trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct TrailEntry {
    /// When it was, in milliseconds since 1970; of an attempt, when it ended.
    pub(crate) at_ms: u64,
    /// What was done: the name of an [`Act`]. A later version may know others.
    pub(crate) act: String,
    /// The number of the attempt, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<Token>,
    /// Code of what came of it.
    pub(crate) outcome: String,
    /// The status that the origin answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The name under which it stands in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) correlation_id: Option<String>,
}

from_json!(TrailEntry {
    at_ms = required,
    act = required,
    attempt = or_default,
    outcome = required,
    status = or_default,
    correlation_id = or_default,
});

impl TrailEntry {
    /// An entry of which nothing else is known.
    pub(crate) fn new(at_ms: u64, act: Act, outcome: &str) -> Self {
        let (act, outcome) = (act.name().to_owned(), outcome.to_owned());
        Self { at_ms, act, outcome, ..Self::default() }
    }

    /// The same under a name in the log.
    pub(crate) fn by(self, correlation_id: Option<String>) -> Self {
        Self { correlation_id, ..self }
    }

    /// A delivery that came to this.
    pub(crate) fn delivery(at_ms: u64, outcome: &str, correlation_id: Option<&str>) -> Self {
        Self::new(at_ms, Act::Delivery, outcome).by(correlation_id.map(str::to_owned))
    }

    /// The end of an attempt.
    pub(crate) fn attempt(at_ms: u64, attempt: Token, outcome: &str, status: Option<u16>) -> Self {
        Self { attempt: Some(attempt), status, ..Self::new(at_ms, Act::Attempt, outcome) }
    }

    /// The attempt that an event is claimed for, if it ended with its lease: nobody has reported another end.
    pub(crate) fn lost(entry: &Entry) -> Option<Self> {
        let EventState::Claimed { lease_end_ms } = entry.state else { return None };
        Some(Self::attempt(lease_end_ms, entry.attempts, ATTEMPT_LOST, None))
    }
}

/// A text that can stand in a line.
fn is_word(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The lines of entries, as they stand in the column: time, act, attempt, outcome, status and correlation id. What
/// cannot stand there, and no version of the Worker sends, is left out.
pub(crate) fn lines(entries: &[TrailEntry]) -> String {
    let mut lines = String::new();
    for TrailEntry { at_ms, act, attempt, outcome, status, correlation_id } in entries {
        let number =
            |number: Option<u64>| number.map_or_else(|| NONE.to_owned(), |it| it.to_string());
        let outcome = if is_word(outcome, LONGEST_OUTCOME) { outcome } else { NONE };
        let id = correlation_id.as_deref().filter(|id| is_word(id, LONGEST_CORRELATION_ID));
        let (attempt, status) = (number(*attempt), number(status.map(u64::from)));
        // A String takes whatever is written.
        let _ =
            writeln!(lines, "{at_ms} {act} {attempt} {outcome} {status} {}", id.unwrap_or(NONE));
    }
    lines
}

/// How a delivery that came to this stands in a line; no other line has it.
pub(crate) fn alike(outcome: &str) -> String {
    format!(" {} {NONE} {outcome} ", Act::Delivery.name())
}

/// Reads the last entries of a trail, the oldest first. Nothing is decided by them, so a malformed line is left out:
/// the event is shown all the same.
pub(crate) fn read(lines: &str) -> Vec<TrailEntry> {
    let entries = lines.lines().count();
    in_order(lines.lines().skip(entries.saturating_sub(SHOWN)).filter_map(entry))
}

/// The oldest first. They are written down so, but that an attempt was lost is noticed later.
pub(crate) fn in_order(entries: impl Iterator<Item = TrailEntry>) -> Vec<TrailEntry> {
    let mut ordered = Vec::new();
    for entry in entries {
        let place = ordered.partition_point(|it: &TrailEntry| it.at_ms <= entry.at_ms);
        ordered.insert(place, entry);
    }
    ordered
}

fn entry(line: &str) -> Option<TrailEntry> {
    let mut words = line.split(' ');
    let mut next = || words.next();
    let some = |word: &str| Some(word.to_owned()).filter(|word| word != NONE);
    let entry = TrailEntry {
        at_ms: next()?.parse().ok()?,
        act: next()?.to_owned(),
        attempt: some(next()?).map(|it| it.parse()).transpose().ok()?,
        outcome: next()?.to_owned(),
        status: some(next()?).map(|it| it.parse()).transpose().ok()?,
        correlation_id: some(next()?),
    };
    words.next().is_none().then_some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::event_meta::EventMeta;

    fn longest() -> TrailEntry {
        TrailEntry {
            at_ms: u64::MAX,
            act: Act::Delivery.name().to_owned(),
            attempt: Some(u64::MAX),
            outcome: "o".repeat(LONGEST_OUTCOME),
            status: Some(u16::MAX),
            correlation_id: Some("c".repeat(LONGEST_CORRELATION_ID)),
        }
    }

    #[test]
    fn lines_are_pinned() {
        let entries = [
            TrailEntry::new(5, Act::Delivery, "accepted").by(Some("a:b".to_owned())),
            TrailEntry::attempt(7, 1, "origin_failed", Some(503)),
            TrailEntry::new(9, Act::Dead, "dead"),
        ];
        let text =
            "5 delivery - accepted - a:b\n7 attempt 1 origin_failed 503 -\n9 dead - dead - -\n";
        assert_eq!(lines(&entries), text);
        assert_eq!(read(text), entries.to_vec());
        assert_eq!(read(""), Vec::new());
    }

    /// Whatever a Worker sends, it is one line with six words.
    #[test]
    fn what_cannot_stand_in_a_line_is_left_out() {
        let entry = |outcome: &str, id: &str| {
            let entry = TrailEntry::new(5, Act::Delivery, outcome).by(Some(id.to_owned()));
            lines(&[entry])
        };
        let expected = "5 delivery - - - -\n";
        for odd in ["", "a b", "a\nb", "a\0b", "\u{e9}", &"x".repeat(129)] {
            assert_eq!(entry(odd, odd), expected, "{odd:?}");
        }
    }

    #[test]
    fn what_is_kept_has_all_that_is_shown() {
        assert!(lines(&[longest()]).len() <= LONGEST_LINE);
        let entries: Vec<_> = (0..60).map(|at_ms| TrailEntry { at_ms, ..longest() }).collect();
        let text = lines(&entries);
        let kept = &text[text.len() - MOST_BYTES..];
        assert_eq!(read(kept), entries[40..]);
    }

    #[test]
    fn a_malformed_line_is_left_out() {
        for line in [
            "x",
            "5 delivery - a -",
            "5 delivery - a - - -",
            "x d - a - -",
            "5 d x a - -",
            "5 d - a 99999 -",
        ] {
            let lines = format!("4 delivery - a - -\n{line}\n6 dead - b - -\n");
            let times: Vec<_> = read(&lines).iter().map(|entry| entry.at_ms).collect();
            assert_eq!(times, [4, 6], "{line}");
        }
    }

    #[test]
    fn only_what_is_claimed_can_be_lost() {
        let entry = |state| Entry {
            state,
            attempts: 3,
            first_ms: 1,
            last_ms: 2,
            last_outcome: None,
            meta: EventMeta::default(),
            owed: None,
            noted: Vec::new(),
        };
        let lost = TrailEntry::attempt(9, 3, "attempt_lost", None);
        assert_eq!(TrailEntry::lost(&entry(EventState::Claimed { lease_end_ms: 9 })), Some(lost));
        assert_eq!(TrailEntry::lost(&entry(EventState::Open)), None);
    }
}
