//! What must be answered to deliveries.

use core::fmt;

use nextapi_testkit::Answer;

/// What must be answered to the deliveries of a [`Step`](crate::Step).
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

    /// What a receiver must answer that is not the edge, and has answers of its own form.
    #[must_use]
    pub const fn statuses(self) -> Statuses {
        match self {
            Self::Each(200..=299, _) => Statuses::Success,
            Self::Each(..) => Statuses::Refusal,
            Self::OneForwarded | Self::OneForwardedWhileHeld => Statuses::OneSuccess,
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
    fn an_ordinary_receiver_is_judged_by_its_status() {
        let plain = |status| {
            Answer::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), Vec::new().into())
        };
        for (expected, statuses, met) in [
            (Expectation::FORWARDED, &[204, 200][..], true),
            (Expectation::DUPLICATE, &[200], true),
            (Expectation::FORWARDED, &[204, 500], false),
            (Expectation::Each(401, "signature_mismatch"), &[400, 403], true),
            (Expectation::Each(401, "signature_mismatch"), &[200], false),
            (Expectation::Each(401, "signature_mismatch"), &[500], false),
            (Expectation::OneForwarded, &[204, 204, 409], true),
            (Expectation::OneForwarded, &[409, 409], false),
            (Expectation::OneForwarded, &[200, 500], false),
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
