//! A step of a scenario: what is sent at one moment, and what must be answered.

use core::fmt;

use anyhow::Context as _;
use nextapi_testkit::{Answer, Deliverer, Delivery, Gate};
use tokio::task::JoinSet;

/// Deliveries that are sent at the same moment, and what must be answered.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is sent, in a few words.
    pub what: String,
    /// What is sent. Usually one delivery.
    pub deliveries: Vec<Delivery>,
    /// What must be answered.
    pub expected: Expectation,
}

/// What must be answered to the deliveries of a [`Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// This status and code, to each.
    Each(u16, &'static str),
    /// To one `200 forwarded`. To the others, as they are deliveries of the same event,
    /// `409 in_flight`, or `200 duplicate` if they come after the first is through.
    OneForwarded,
    /// To one `200 forwarded`, to the others `409 in_flight`: the origin holds its answer until they
    /// are answered.
    OneForwardedWhileHeld,
}

impl Expectation {
    /// The origin has the event.
    pub const FORWARDED: Self = Self::Each(200, "forwarded");
    /// The origin already had the event.
    pub const DUPLICATE: Self = Self::Each(200, "duplicate");

    /// How many of that many deliveries must reach the origin, whatever it makes of them.
    #[must_use]
    pub fn arrivals(self, deliveries: usize) -> usize {
        match self {
            Self::Each(_, "forwarded" | "origin_failed" | "origin_rejected") => deliveries,
            Self::Each(..) => 0,
            Self::OneForwarded | Self::OneForwardedWhileHeld => 1,
        }
    }

    /// Whether the answers, in any order, are as they must be.
    #[must_use]
    pub fn is_met_by(self, answers: &[Answer]) -> bool {
        let count = |status: u16, code: &str| {
            let is_meant = |answer: &&Answer| {
                answer.status() == status && answer.code().as_deref() == Some(code)
            };
            // The provider is told when to come back.
            let says_when =
                |answer: &&Answer| status != 409 || answer.header("retry-after").is_some();
            answers.iter().filter(is_meant).filter(says_when).count()
        };
        let others = answers.len().saturating_sub(1);
        match self {
            Self::Each(status, code) => count(status, code) == answers.len(),
            Self::OneForwarded => {
                let refused = count(409, "in_flight").saturating_add(count(200, "duplicate"));
                count(200, "forwarded") == 1 && refused == others
            }
            Self::OneForwardedWhileHeld => {
                count(200, "forwarded") == 1 && count(409, "in_flight") == others
            }
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Each(status, code) => write!(f, "{status} {code}"),
            Self::OneForwarded => f.write_str(
                "200 forwarded once, else 409 in_flight (with Retry-After) or 200 duplicate",
            ),
            Self::OneForwardedWhileHeld => {
                f.write_str("200 forwarded once, else 409 in_flight (with Retry-After)")
            }
        }
    }
}

impl Step {
    /// A step of one delivery.
    pub fn one(what: impl Into<String>, delivery: Delivery, expected: Expectation) -> Self {
        Self { what: what.into(), deliveries: vec![delivery], expected }
    }

    /// Sends all deliveries at the same moment and gives the answers in the order in which they
    /// come. `last` is opened when only one of them is still to come.
    ///
    /// # Errors
    /// If a delivery gets no answer.
    pub async fn run(&self, deliverer: &Deliverer, last: &Gate) -> anyhow::Result<Vec<Answer>> {
        let mut under_way = JoinSet::new();
        for delivery in self.deliveries.clone() {
            let deliverer = deliverer.clone();
            under_way.spawn(async move { deliverer.send(&delivery).await });
        }
        let mut answers = Vec::new();
        loop {
            if under_way.len() <= 1 {
                last.open();
            }
            match under_way.join_next().await {
                Some(answer) => answers.push(answer.context("a delivery was not finished")??),
                None => return Ok(answers),
            }
        }
    }
}

/// The answers in one line, equal ones counted: `200 forwarded, 7 × 409 in_flight`.
#[must_use]
pub fn summary(answers: &[Answer]) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for answer in answers {
        let answer = answer.to_string();
        match counts.iter_mut().find(|(counted, _)| *counted == answer) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => counts.push((answer, 1)),
        }
    }
    counts.sort();
    let texts = counts.into_iter().map(|(answer, count)| match count {
        1 => answer,
        _ => format!("{count} × {answer}"),
    });
    texts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use core::slice::from_ref;

    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::*;

    fn answer(status: u16, code: &str) -> Answer {
        let mut headers = HeaderMap::new();
        if status == 409 {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        let body = format!("{{\"status\":\"{code}\"}}");
        Answer::new(StatusCode::from_u16(status).unwrap(), headers, body.into())
    }

    #[test]
    fn each_answer_counts() {
        let forwarded = answer(200, "forwarded");
        assert!(Expectation::FORWARDED.is_met_by(from_ref(&forwarded)));
        assert!(!Expectation::DUPLICATE.is_met_by(from_ref(&forwarded)));
        assert!(!Expectation::FORWARDED.is_met_by(&[forwarded, answer(202, "forwarded")]));
    }

    #[test]
    fn exactly_one_is_forwarded() {
        let forwarded = answer(200, "forwarded");
        let in_flight = answer(409, "in_flight");
        let duplicate = answer(200, "duplicate");
        let expected = Expectation::OneForwarded;
        assert!(expected.is_met_by(&[in_flight.clone(), forwarded.clone(), duplicate.clone()]));
        assert!(!expected.is_met_by(&[forwarded.clone(), forwarded.clone()]));
        assert!(!expected.is_met_by(&[in_flight.clone(), duplicate.clone()]));

        let held = Expectation::OneForwardedWhileHeld;
        assert!(held.is_met_by(&[in_flight, forwarded.clone()]));
        assert!(!held.is_met_by(&[duplicate, forwarded]));
    }

    #[test]
    fn in_flight_must_say_when_to_come_back() {
        let body = r#"{"error":{"code":"in_flight","message":""}}"#.into();
        let silent = Answer::new(StatusCode::CONFLICT, HeaderMap::new(), body);
        assert!(!Expectation::OneForwarded.is_met_by(&[silent, answer(200, "forwarded")]));
    }

    #[test]
    fn equal_answers_are_counted() {
        let answers =
            [answer(409, "in_flight"), answer(200, "forwarded"), answer(409, "in_flight")];
        assert_eq!(summary(&answers), "200 forwarded, 2 × 409 in_flight");
    }
}
