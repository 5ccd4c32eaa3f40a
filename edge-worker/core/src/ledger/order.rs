//! How far a job is, and whether an event of it comes too late.
//!
//! A job goes from queued to running to its end, and its end is final. The provider repeats what was
//! not acknowledged, so an event can arrive after a newer one of the same job was delivered.

use serde::Serialize;

use crate::json::from_json_enum;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum JobStage {
    /// It was accepted.
    Queued,
    /// It is being worked on.
    Running,
    /// It succeeded or failed. Nothing comes after that.
    Ended,
}

impl JobStage {
    /// The stage that an event of this type reports, or that a status stands for where the body has
    /// no type. Of any other type nothing is known, and it is never late.
    pub(crate) fn of(event_type: &str) -> Option<Self> {
        Some(match event_type.strip_prefix("job.").unwrap_or(event_type) {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "succeeded" | "failed" => Self::Ended,
            _ => return None,
        })
    }

    /// The number that stands for it in the tables.
    pub(crate) const fn number(self) -> u64 {
        match self {
            Self::Queued => 1,
            Self::Running => 2,
            Self::Ended => 3,
        }
    }

    /// The stage that a number stands for.
    pub(crate) const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Queued),
            2 => Some(Self::Running),
            3 => Some(Self::Ended),
            _ => None,
        }
    }
}

/// Whether an event is as new as what its job's events have told the origin before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// Nothing newer has been delivered.
    InOrder,
    /// A newer event of the job was delivered before, or the job had ended.
    Late,
}

from_json_enum!(Order { "in-order" => InOrder, "late" => Late });

impl Order {
    /// Compares the stage that an event reports with the furthest one that the origin has been told of
    /// for its job. A second end is late as well: the first one was final.
    pub(crate) fn of(stage: Option<JobStage>, furthest: Option<JobStage>) -> Self {
        match (stage, furthest) {
            (Some(stage), Some(furthest)) if stage < furthest || furthest == JobStage::Ended => {
                Self::Late
            }
            _ => Self::InOrder,
        }
    }

    /// The name: in the header `X-Edge-Order`, in the log and between worker and object.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::InOrder => "in-order",
            Self::Late => "late",
        }
    }
}

/// What becomes of late events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum LateEvents {
    /// They are forwarded, and marked.
    #[default]
    Forward,
    /// They are acknowledged and not forwarded.
    Drop,
}

impl LateEvents {
    /// Whether an event is dropped. The end of a job never is, even if another end was delivered
    /// before: it may report paid work, and a filter cannot decide which of two ends is right.
    pub(crate) fn drops(self, order: Order, stage: Option<JobStage>) -> bool {
        self == Self::Drop && order == Order::Late && stage != Some(JobStage::Ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: [JobStage; 3] = [JobStage::Queued, JobStage::Running, JobStage::Ended];

    #[test]
    fn types_and_statuses_are_stages() {
        for (name, stage) in [
            ("job.queued", Some(JobStage::Queued)),
            ("queued", Some(JobStage::Queued)),
            ("job.running", Some(JobStage::Running)),
            ("running", Some(JobStage::Running)),
            ("job.succeeded", Some(JobStage::Ended)),
            ("succeeded", Some(JobStage::Ended)),
            ("job.failed", Some(JobStage::Ended)),
            ("failed", Some(JobStage::Ended)),
            ("batch.completed", None),
            ("job.", None),
            ("", None),
            ("Running", None),
            ("job.job.running", None),
        ] {
            assert_eq!(JobStage::of(name), stage, "{name}");
        }
    }

    #[test]
    fn an_event_is_late_after_a_newer_one_and_after_the_end() {
        use Order::{InOrder, Late};
        let table = [
            // queued, running, ended: before them.
            (JobStage::Queued, [InOrder, InOrder, InOrder]),
            (JobStage::Running, [Late, InOrder, InOrder]),
            (JobStage::Ended, [Late, Late, Late]),
        ];
        for (furthest, expected) in table {
            let orders = STAGES.map(|stage| Order::of(Some(stage), Some(furthest)));
            assert_eq!(orders, expected, "after {furthest:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_late() {
        for stage in STAGES {
            assert_eq!(Order::of(Some(stage), None), Order::InOrder);
            assert_eq!(Order::of(None, Some(stage)), Order::InOrder);
        }
    }

    #[test]
    fn only_late_events_are_dropped_and_never_an_end() {
        for stage in STAGES.map(Some).into_iter().chain([None]) {
            for order in [Order::InOrder, Order::Late] {
                assert!(!LateEvents::Forward.drops(order, stage));
                let expected = order == Order::Late && stage != Some(JobStage::Ended);
                assert_eq!(LateEvents::Drop.drops(order, stage), expected);
            }
        }
    }

    #[test]
    fn numbers_and_names_are_read_again() {
        for stage in STAGES {
            assert_eq!(JobStage::from_number(stage.number()), Some(stage));
        }
        assert!(STAGES.is_sorted_by_key(|stage| stage.number()), "the tables compare numbers");
        assert_eq!(JobStage::from_number(0), None);
        for order in [Order::InOrder, Order::Late] {
            let json = serde_json::to_string(&order).unwrap();
            assert_eq!(json, format!("\"{}\"", order.name()));
        }
    }
}
