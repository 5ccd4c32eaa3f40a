//! The same meta as a data point for Workers Analytics Engine.

use serde::Serialize;

use super::{Record, Settlement};
use crate::outcome::Outcome;

/// A data point. The order of the columns is pinned: queries name them by number.
///
/// | column | |
/// | --- | --- |
/// | `index1`, `blob1` | outcome |
/// | `blob2` … `blob6` | correlation id, event key, event id, event type, job id |
/// | `blob7`, `blob8` | order, what became of the claim |
/// | `double1` | 1, to be summed up |
/// | `double2` … `double6` | status, bytes of the body, age of the signature in seconds, attempt, origin's status |
/// | `double7` … `double10` | milliseconds of verify, claim, origin and commit |
/// | `double11`, `double12` | credits, index of the key that matched |
///
/// A number that is not known is -1; an age can be negative as well, but then the status is 401 or the
/// signature was a little ahead. A text that is not known is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DataPoint {
    /// The texts, at most 16 KB together. The first one is what points are sampled by as well, when
    /// there are too many to keep all.
    pub blobs: [String; 8],
    /// The numbers, still as text: to read them is JavaScript's, which has the code for it anyway.
    pub doubles: [String; 12],
}

/// Texts from the body are cut to this length, in characters, so that no point is refused as too
/// large.
const LONGEST_TEXT: usize = 256;

impl Record {
    /// The data point of a delivery that ended in this way.
    pub(crate) fn data_point(&self, outcome: Outcome) -> DataPoint {
        let text = |text: Option<&str>| -> String {
            text.unwrap_or_default().chars().take(LONGEST_TEXT).collect()
        };
        let unknown = || "-1".to_owned();
        let number = |number: Option<u64>| number.map_or_else(unknown, |number| number.to_string());
        let size = |size: Option<usize>| size.map_or_else(unknown, |size| size.to_string());
        let age = self.age_seconds.map_or_else(unknown, |seconds| seconds.to_string());
        let credits = self.credits.clone();
        DataPoint {
            blobs: [
                outcome.code().to_owned(),
                text(Some(&self.correlation_id)),
                text(self.event_key.as_deref()),
                text(self.event_id.as_deref()),
                text(self.event_type.as_deref()),
                text(self.job_id.as_deref()),
                text(self.order),
                text(self.settlement.map(Settlement::name)),
            ],
            doubles: [
                "1".to_owned(),
                outcome.status().to_string(),
                size(self.body_bytes),
                age,
                number(self.attempt),
                number(self.origin_status.map(u64::from)),
                number(self.verify_ms),
                number(self.claim_ms),
                number(self.origin_ms),
                number(self.commit_ms),
                credits.unwrap_or_else(unknown),
                size(self.key_index),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use nextapi_webhook::EventKey;

    use super::super::tests::{forwarded, record_of};
    use super::*;

    #[test]
    fn the_columns_are_pinned() {
        let (body, record) = forwarded();
        let point = record.data_point(Outcome::Forwarded);
        let key = EventKey::of_unverified(body).to_string();
        let blobs =
            ["forwarded", "c-1", &key, "evt_1", "job.succeeded", "job_1", "in-order", "committed"];
        assert_eq!(point.blobs.each_ref().map(String::as_str), blobs);
        let bytes = body.len().to_string();
        let doubles = ["1", "200", &bytes, "10", "2", "204", "0", "3", "40", "2", "1.5", "0"];
        assert_eq!(point.doubles.each_ref().map(String::as_str), doubles);
    }

    #[test]
    fn what_is_not_known_is_empty_or_minus_one() {
        let record = Record::new("t".to_owned(), "c-1".to_owned());
        let point = record.data_point(Outcome::SignatureMissing);
        assert_eq!(point.blobs[2..], [const { String::new() }; 6]);
        assert!(point.doubles[2..].iter().all(|number| number == "-1"));
    }

    #[test]
    fn a_point_stays_small() {
        let long = "ä".repeat(1_000);
        let body = format!(r#"{{"id":"{0}","type":"{0}","job_id":"{0}"}}"#, &long[..400]);
        let point = record_of(body.as_bytes()).data_point(Outcome::Forwarded);
        assert!(point.blobs.iter().map(String::len).sum::<usize>() < 16_000);
    }
}
