//! A step of a scenario: what is sent at one moment, and what must be answered.

use anyhow::Context as _;
use nextapi_testkit::{Answer, Deliverer, Delivery};

use crate::Expectation;
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

impl Step {
    /// A step of one delivery.
    pub fn one(what: impl Into<String>, delivery: Delivery, expected: Expectation) -> Self {
        Self { what: what.into(), deliveries: vec![delivery], expected }
    }

    /// Sends all deliveries at the same moment and gives the answers in the order in which they come.
    ///
    /// # Errors
    /// If a delivery gets no answer.
    pub async fn run(&self, deliverer: &Deliverer) -> anyhow::Result<Vec<Answer>> {
        let mut under_way = JoinSet::new();
        for delivery in self.deliveries.clone() {
            let deliverer = deliverer.clone();
            under_way.spawn(async move { deliverer.send(&delivery).await });
        }
        let mut answers = Vec::new();
        while let Some(answer) = under_way.join_next().await {
            answers.push(answer.context("a delivery was not finished")??);
        }
        Ok(answers)
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
    fn equal_answers_are_counted() {
        let answers =
            [answer(409, "in_flight"), answer(200, "forwarded"), answer(409, "in_flight")];
        assert_eq!(summary(&answers), "200 forwarded, 2 × 409 in_flight");
    }
}
