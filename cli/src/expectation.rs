//! What must be answered to deliveries.

use core::fmt;

use nextapi_testkit::Answer;

/// What must be answered to the deliveries of a [`Step`](crate::Step).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// The edge answers for the event, to each: `200 accepted` if it has stored it and owes it to the origin, `200
    /// forwarded` if the origin has it. Which one is a setting of the edge, `DELIVERY`.
    Taken,
    /// The same to one. To the others, as they are deliveries of the same event, `409 in_flight`, or `200 duplicate`
    /// if they come after the first.
    OneTaken,
    /// This status and code, to each.
    Each(u16, &'static str),
}

impl Expectation {
    /// The event is known already.
    pub const DUPLICATE: Self = Self::Each(200, "duplicate");

    /// How many of that many deliveries must reach the origin, whatever it makes of them.
    #[must_use]
    pub const fn arrivals(self, deliveries: usize) -> usize {
        match self {
            Self::Taken => deliveries,
            Self::OneTaken => 1,
            Self::Each(..) => 0,
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
        let taken = count(200, "accepted").saturating_add(count(200, "forwarded"));
        match self {
            Self::Taken => taken == answers.len(),
            Self::OneTaken => {
                let others = count(409, "in_flight").saturating_add(count(200, "duplicate"));
                taken == 1 && others == answers.len().saturating_sub(1)
            }
            Self::Each(status, code) => count(status, code) == answers.len(),
        }
    }

    /// What a receiver must answer that is not the edge, and has answers of its own form.
    #[must_use]
    pub const fn statuses(self) -> Statuses {
        match self {
            Self::Taken | Self::Each(200..=299, _) => Statuses::Success,
            Self::OneTaken => Statuses::OneSuccess,
            Self::Each(..) => Statuses::Refusal,
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("200 accepted or forwarded"),
            Self::OneTaken => f.write_str(
                "200 accepted or forwarded once, else 409 in_flight (with Retry-After) or 200 duplicate",
            ),
            Self::Each(status, code) => write!(f, "{status} {code}"),
        }
    }
}

/// What must be answered by any receiver of webhooks, whatever its answers look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statuses {
    /// 2xx to each.
    Success,
    /// 4xx to each.
    Refusal,
    /// 2xx to at least one, and 409 to the others, as they are deliveries of the same event, or 2xx.
    OneSuccess,
}

impl Statuses {
    /// Whether the answers are as they must be.
    #[must_use]
    pub fn is_met_by(self, answers: &[Answer]) -> bool {
        let is_2xx = |answer: &Answer| (200..300).contains(&answer.status());
        match self {
            Self::Success => answers.iter().all(is_2xx),
            Self::Refusal => answers.iter().all(|answer| (400..500).contains(&answer.status())),
            Self::OneSuccess => {
                answers.iter().any(is_2xx)
                    && answers.iter().all(|answer| is_2xx(answer) || answer.status() == 409)
            }
        }
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "2xx",
            Self::Refusal => "4xx",
            Self::OneSuccess => "2xx once, else 409 or 2xx",
        })
    }
}

/// The codes of all answers of the edge.
const CODES: [&str; 26] = [
    "accepted",
    "body_cut",
    "body_timeout",
    "body_too_large",
    "duplicate",
    "forwarded",
    "in_flight",
    "internal_error",
    "late_dropped",
    "ledger_unavailable",
    "method_not_allowed",
    "misconfigured",
    "not_found",
    "origin_failed",
    "origin_rejected",
    "origin_timeout",
    "origin_unreachable",
    "paused",
    "query_invalid",
    "rate_limited",
    "signature_malformed",
    "signature_mismatch",
    "signature_missing",
    "source_refused",
    "timestamp_ahead",
    "timestamp_expired",
];

/// Whether the answer is in the edge's form, with one of its codes.
#[must_use]
pub fn is_edge_answer(answer: &Answer) -> bool {
    answer.code().is_some_and(|code| CODES.contains(&code.as_str()))
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
        assert!(Expectation::Taken.is_met_by(from_ref(&forwarded)));
        assert!(Expectation::Taken.is_met_by(from_ref(&answer(200, "accepted"))));
        assert!(!Expectation::DUPLICATE.is_met_by(from_ref(&forwarded)));
        assert!(!Expectation::Taken.is_met_by(&[forwarded, answer(202, "forwarded")]));
    }

    #[test]
    fn exactly_one_is_taken() {
        let in_flight = answer(409, "in_flight");
        let duplicate = answer(200, "duplicate");
        let expected = Expectation::OneTaken;
        for taken in [answer(200, "forwarded"), answer(200, "accepted")] {
            assert!(expected.is_met_by(&[in_flight.clone(), taken.clone(), duplicate.clone()]));
            assert!(!expected.is_met_by(&[taken.clone(), taken.clone()]));
        }
        assert!(!expected.is_met_by(&[in_flight, duplicate]));
    }

    #[test]
    fn in_flight_must_say_when_to_come_back() {
        let body = r#"{"error":{"code":"in_flight","message":""}}"#.into();
        let silent = Answer::new(StatusCode::CONFLICT, HeaderMap::new(), body);
        assert!(!Expectation::OneTaken.is_met_by(&[silent, answer(200, "forwarded")]));
    }

    #[test]
    fn an_ordinary_receiver_is_judged_by_its_status() {
        let plain = |status| {
            Answer::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), Vec::new().into())
        };
        for (expected, statuses, met) in [
            (Expectation::Taken, &[204, 200][..], true),
            (Expectation::DUPLICATE, &[200], true),
            (Expectation::Taken, &[204, 500], false),
            (Expectation::Each(401, "signature_mismatch"), &[400, 403], true),
            (Expectation::Each(401, "signature_mismatch"), &[200], false),
            (Expectation::Each(401, "signature_mismatch"), &[500], false),
            (Expectation::OneTaken, &[204, 204, 409], true),
            (Expectation::OneTaken, &[409, 409], false),
            (Expectation::OneTaken, &[200, 500], false),
        ] {
            let answers: Vec<_> = statuses.iter().copied().map(plain).collect();
            assert_eq!(expected.statuses().is_met_by(&answers), met, "{expected}: {statuses:?}");
        }
    }

    #[test]
    fn the_edge_is_known_by_its_codes() {
        assert!(is_edge_answer(&answer(200, "forwarded")));
        assert!(!is_edge_answer(&answer(200, "received")));
        assert!(!is_edge_answer(&Answer::new(StatusCode::OK, HeaderMap::new(), "ok".into())));
    }
}
