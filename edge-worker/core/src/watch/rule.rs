//! A rule: of what somebody is told.

use core::fmt;

use serde::Serialize;

use crate::counts::Counts;
use crate::isolate::attempt_name;
use crate::ledger::credits::Credits;
use crate::ledger::expired;
use crate::ledger::jobs::END_CONFLICT;
use crate::ledger::made_end::RECONCILED;
use crate::outcome::Outcome;

/// A minute, in milliseconds: how often figures are taken.
pub(crate) const MINUTE_MS: u64 = 60_000;

/// Something that holds while a figure is above a limit. It prints as it is written in `ALERTS`, in its shortest form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The figure.
    pub(crate) subject: Subject,
    /// What it has to be above.
    pub(crate) limit: Limit,
    /// Of a count, how far it looks back; of a level, for how long it has to be above the limit on end. In
    /// milliseconds; none if it was not said.
    pub(crate) for_ms: Option<u64>,
}

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// How often something happened within a while, by its name.
    Count(&'static str),
    /// How something stands now.
    Level(Level),
    /// What jobs cost: of a hundred, 95 cost this or less.
    CostP95,
}

/// A figure that goes up and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Events that wait for an attempt.
    Waiting,
    /// How long the event that waits longest has waited, in seconds.
    OldestWaiting,
    /// Dead letters.
    Dead,
    /// Events that the origin may not have and that no retry is expected for any more.
    Abandoned,
    /// Jobs that have not ended, overdue ones among them.
    JobsOpen,
    /// Jobs that have not ended by their deadline.
    JobsOverdue,
    /// Shards that hold events back because the origin is down.
    BreakersOpen,
    /// Shards that did not answer.
    ShardsUnreachable,
}

impl Level {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::Waiting,
        Self::OldestWaiting,
        Self::Dead,
        Self::Abandoned,
        Self::JobsOpen,
        Self::JobsOverdue,
        Self::BreakersOpen,
        Self::ShardsUnreachable,
    ];

    /// As it stands in a rule.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::OldestWaiting => "oldest_waiting",
            Self::Dead => "dead",
            Self::Abandoned => "abandoned",
            Self::JobsOpen => "jobs_open",
            Self::JobsOverdue => "jobs_overdue",
            Self::BreakersOpen => "breakers_open",
            Self::ShardsUnreachable => "shards_unreachable",
        }
    }
}

/// What is counted beside the outcomes of deliveries and attempts: ends that were made, jobs with two ends that
/// contradict each other, events that were deleted undelivered.
const OTHER_COUNTS: [&str; 3] = [RECONCILED, "conflicts", "expired"];

/// Outcomes that are not counted, so that a rule about them would never fire: while the settings are refused nothing
/// is, and of answers to who has a token only those that refuse it are.
const NEVER_COUNTED: [&str; 7] = [
    "misconfigured",
    "query_invalid",
    "request_invalid",
    "jobs_not_kept",
    "replay_refused",
    "still_owed",
    "body_gone",
];

/// What stands for the price of jobs in a rule.
const COST_P95: &str = "cost_p95";

impl Subject {
    /// The figure of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        if name == COST_P95 {
            return Some(Self::CostP95);
        }
        let level = Level::ALL.into_iter().find(|level| level.name() == name);
        level
            .map(Self::Level)
            .or_else(|| Self::counts().find(|count| *count == name).map(Self::Count))
    }

    /// All names.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        let levels = Level::ALL.into_iter().map(Level::name);
        levels.chain(Self::counts()).chain([COST_P95])
    }

    /// What is counted.
    fn counts() -> impl Iterator<Item = &'static str> {
        let codes = Outcome::CODES.into_iter().filter(|code| !NEVER_COUNTED.contains(code));
        codes.chain(OTHER_COUNTS)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Count(name) => name,
            Self::Level(level) => level.name(),
            Self::CostP95 => COST_P95,
        }
    }

    /// Whether it is always 0 if jobs are not kept.
    pub(crate) const fn is_about_jobs(self) -> bool {
        match self {
            Self::Level(level) => matches!(level, Level::JobsOpen | Level::JobsOverdue),
            Self::CostP95 => true,
            Self::Count(_) => false,
        }
    }
}

/// How often it was counted under this name of a rule. An outcome is one of a delivery or of an attempt.
pub(super) fn counted(counts: &Counts, name: &str) -> u64 {
    match name {
        RECONCILED => counts.get(RECONCILED),
        "conflicts" => counts.get(END_CONFLICT),
        "expired" => expired::STATES
            .iter()
            .map(|state| counts.get(&expired::expired_name(state)))
            .fold(0, u64::saturating_add),
        code => counts.get(code).saturating_add(counts.get(&attempt_name(code))),
    }
}

/// What a figure has to be above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// So many.
    Number(u64),
    /// So long, in seconds.
    Seconds(u64),
    /// So much.
    Credits(Credits),
    /// So many hundredths of what was usual in the last week.
    OfWeek(u64),
}

impl Rule {
    /// Whether it never fires, since no more than `most` are counted of each state, and of jobs.
    pub(crate) const fn is_above_what_is_counted(&self, most: u64) -> bool {
        let is_counted_up_to = matches!(
            self.subject,
            Subject::Level(Level::Waiting | Level::Dead | Level::JobsOpen | Level::JobsOverdue)
        );
        matches!(self.limit, Limit::Number(number) if is_counted_up_to && number >= most)
    }

    /// How far a count looks back, in milliseconds.
    pub(super) fn window_ms(&self) -> u64 {
        self.for_ms.unwrap_or(MINUTE_MS)
    }

    /// A value of its figure, as it is shown.
    pub(super) fn shown(&self, value: u64) -> Shown {
        match self.subject {
            Subject::CostP95 => Shown::Credits(Credits::of_millionths(value)),
            Subject::Count(_) | Subject::Level(_) => Shown::Number(value),
        }
    }

    /// The same in words.
    pub(super) fn in_words(&self, value: u64) -> String {
        match (self.subject, self.shown(value)) {
            (Subject::Level(Level::OldestWaiting), _) => format!("{value} s"),
            (_, Shown::Number(number)) => number.to_string(),
            (_, Shown::Credits(credits)) => format!("{credits} credits"),
        }
    }
}

/// A value in JSON: credits are texts, since JSON's numbers are binary fractions to most who read them.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Shown {
    /// A number, or seconds.
    Number(u64),
    /// An amount.
    Credits(Credits),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > ", self.subject.name())?;
        match self.limit {
            Limit::Number(number) => write!(f, "{number}")?,
            Limit::Seconds(seconds) => write_duration(f, seconds)?,
            Limit::Credits(credits) => write!(f, "{credits}")?,
            Limit::OfWeek(hundredths) => {
                // As many hundredths of a credit are written in the same way.
                let factor = Credits::of_millionths(hundredths.saturating_mul(10_000));
                write!(f, "{factor}x week")?;
            }
        }
        if let Some(for_ms) = self.for_ms {
            f.write_str(" for ")?;
            write_duration(f, for_ms / 1_000)?;
        }
        Ok(())
    }
}

/// Units of time, each with its seconds, the longest first.
pub(super) const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

fn write_duration(f: &mut fmt::Formatter<'_>, seconds: u64) -> fmt::Result {
    let fits = |(_, length): &&(&str, u64)| seconds.is_multiple_of(*length);
    let (unit, length) = UNITS.iter().find(fits).unwrap_or(&("s", 1));
    write!(f, "{}{unit}", seconds.checked_div(*length).unwrap_or(seconds))
}
