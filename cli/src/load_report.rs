//! What came of many deliveries.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;

use nextapi_testkit::Answer;

/// Kinds of answers that are counted by name; what an edge answers are far fewer.
const MAX_KINDS: usize = 100;

/// How often each answer came, and how long the deliveries took. It keeps one duration per answer.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    answers: BTreeMap<String, usize>,
    times: Vec<Duration>,
    unanswered: usize,
    not_2xx: usize,
    took: Duration,
}

impl LoadReport {
    pub(crate) fn add(&mut self, answer: Option<&Answer>, time: Duration) {
        let Some(answer) = answer else {
            self.unanswered = self.unanswered.saturating_add(1);
            return;
        };
        if !(200..300).contains(&answer.status()) {
            self.not_2xx = self.not_2xx.saturating_add(1);
        }
        let mut kind = answer.to_string();
        if !self.answers.contains_key(&kind) && self.answers.len() >= MAX_KINDS {
            "other".clone_into(&mut kind);
        }
        let count = self.answers.entry(kind).or_default();
        *count = count.saturating_add(1);
        self.times.push(time);
    }

    pub(crate) fn finish(&mut self, took: Duration) {
        self.times.sort_unstable();
        self.took = took;
    }

    /// How many deliveries have ended, answered or not.
    #[must_use]
    pub fn count(&self) -> usize {
        self.times.len().saturating_add(self.unanswered)
    }

    /// How many got no answer: refused, cut, or given up.
    #[must_use]
    pub const fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Whether there was an answer to each, and each was 2xx.
    #[must_use]
    pub const fn is_all_2xx(&self) -> bool {
        self.not_2xx == 0 && self.unanswered == 0
    }

    /// How often each answer came: by status and code, such as `200 forwarded`.
    #[must_use]
    pub const fn answers(&self) -> &BTreeMap<String, usize> {
        &self.answers
    }

    /// The time within which that many percent of the answered deliveries were answered, by nearest
    /// rank; nothing if there was no answer.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = self.times.len().saturating_mul(percent).div_ceil(100);
        self.times.get(rank.saturating_sub(1)).copied()
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        let deliveries = if self.count() == 1 { "delivery" } else { "deliveries" };
        writeln!(f, "{} {deliveries} in {seconds:.3} s", self.count())?;
        for (answer, count) in &self.answers {
            writeln!(f, "  {count:>7}  {answer}")?;
        }
        if self.unanswered > 0 {
            writeln!(f, "  {:>7}  no answer", self.unanswered)?;
        }
        f.write_str("latency:")?;
        for percent in [50, 90, 95, 99, 100] {
            let time = self.percentile(percent).map_or_else(|| "-".to_owned(), milliseconds);
            let name = if percent == 100 { "max".to_owned() } else { format!("p{percent}") };
            write!(f, " {name} {time}")?;
        }
        Ok(())
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn answer(status: u16, code: &str) -> Answer {
        let body = format!("{{\"status\":\"{code}\"}}");
        Answer::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), body.into())
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let mut report = LoadReport::default();
        assert_eq!(report.percentile(50), None);
        for time in (1..=200).rev() {
            report.add(Some(&answer(200, "forwarded")), millis(time));
        }
        report.finish(millis(1));
        let percentiles = [0, 1, 50, 99, 100].map(|percent| report.percentile(percent));
        assert_eq!(percentiles, [1, 2, 100, 198, 200].map(|time| Some(millis(time))));
    }

    #[test]
    fn answers_are_counted_and_what_has_none_is_told_apart() {
        let mut report = LoadReport::default();
        for code in ["forwarded", "duplicate", "duplicate"] {
            report.add(Some(&answer(200, code)), millis(2));
        }
        assert!(report.is_all_2xx());
        report.add(None, millis(9));
        assert!(!report.is_all_2xx());
        report.finish(millis(1500));
        let expected = "4 deliveries in 1.500 s\n        2  200 duplicate\n        1  200 \
                        forwarded\n        1  no answer\nlatency: p50 2.0 ms p90 2.0 ms p95 2.0 ms \
                        p99 2.0 ms max 2.0 ms";
        assert_eq!(report.to_string(), expected);
    }

    #[test]
    fn one_is_a_delivery() {
        let mut report = LoadReport::default();
        report.add(Some(&answer(200, "forwarded")), millis(1));
        assert!(report.to_string().starts_with("1 delivery in "), "{report}");
    }

    #[test]
    fn another_status_is_not_2xx_and_kinds_are_bounded() {
        let mut report = LoadReport::default();
        for code in 0..200 {
            report.add(Some(&answer(503, &code.to_string())), millis(1));
        }
        assert!(!report.is_all_2xx());
        assert_eq!((report.answers().len(), report.answers()["other"]), (101, 100));
    }
}
