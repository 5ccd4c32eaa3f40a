//! An effect as the entry module reads it: one text, made of texts of which the first says what to do.
//! Each text that crosses between WASM and JavaScript takes time, whatever its length.
//!
//! | texts | what to do |
//! | --- | --- |
//! | `read`, limit, `bounded` or `unbounded` | read the body |
//! | `headers` | give all headers |
//! | `ask`, deadline, then shard and call, again and again | call objects, all at once |
//! | `forward`, deadline, URL, then name and value, again and again | send the body to the origin |
//! | `pause`, time | wait |
//! | `limit`, deadline, key | ask the rate limiter |
//! | `answer`, status, log or empty, body, then name and value, again and again | answer |
//!
//! Limits are in bytes, times in milliseconds. `entry/index.js` is the only reader.

use crate::course::Effect;
use crate::forward::CORRELATION_ID;
use crate::settings::LEDGER_TIMEOUT_MS;

/// How long the rate limiter may take, in milliseconds. It answers from its own location.
const LIMITER_TIMEOUT_MS: u32 = 500;

/// What stands between texts that are handed over as one. None of them can have it: not a header, not a
/// URL, not JSON, and not a call of the ledger.
pub(super) const DIVIDER: char = '\0';

/// One text made of several.
pub(super) fn join<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut list = String::with_capacity(TYPICAL_BYTES);
    for (index, text) in texts.into_iter().enumerate() {
        if index > 0 {
            list.push(DIVIDER);
        }
        list.push_str(text);
    }
    list
}

/// No step but a forward with long headers needs more room, which it then gets.
const TYPICAL_BYTES: usize = 1_024;

/// The text that stands for an effect.
pub(super) fn encode(effect: Effect) -> String {
    let mut list = String::with_capacity(TYPICAL_BYTES);
    let mut push = |text: &str| {
        if !list.is_empty() {
            list.push(DIVIDER);
        }
        list.push_str(text);
    };
    match effect {
        Effect::Read { limit, is_bounded } => {
            push("read");
            push(&limit.to_string());
            push(if is_bounded { "bounded" } else { "unbounded" });
        }
        Effect::Headers => push("headers"),
        Effect::Ask(calls) => {
            push("ask");
            push(&LEDGER_TIMEOUT_MS.to_string());
            for (shard, call) in calls {
                push(&shard);
                push(&call.encode());
            }
        }
        Effect::Forward { url, headers, deadline_ms } => {
            push("forward");
            push(&deadline_ms.to_string());
            push(&url);
            for (name, value) in headers {
                push(&name);
                push(&value);
            }
        }
        Effect::Pause { ms } => {
            push("pause");
            push(&ms.to_string());
        }
        Effect::Limit { key } => {
            push("limit");
            push(&LIMITER_TIMEOUT_MS.to_string());
            push(&key);
        }
        Effect::Answer { answer, correlation_id, log, point: _ } => {
            push("answer");
            push(&answer.status.to_string());
            push(&log.unwrap_or_default());
            push(&answer.body);
            push("content-type");
            push(answer.content_type);
            push(CORRELATION_ID);
            push(&correlation_id);
            if let Some((name, value)) = &answer.extra_header {
                push(name);
                push(value);
            }
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::message::Call;
    use crate::outcome::Outcome;

    #[test]
    fn lists_are_pinned() {
        let call = Call::Forget { key: "event-00".to_owned() };
        let answer = Outcome::LedgerUnavailable.answer();
        let body = answer.body.clone();
        for (effect, list) in [
            (Effect::Read { limit: 5, is_bounded: true }, vec!["read", "5", "bounded"]),
            (Effect::Read { limit: 5, is_bounded: false }, vec!["read", "5", "unbounded"]),
            (Effect::Headers, vec!["headers"]),
            (
                Effect::Ask(vec![
                    ("shard-0".to_owned(), call.clone()),
                    ("shard-1".to_owned(), call),
                ]),
                vec![
                    "ask",
                    "3000",
                    "shard-0",
                    "forget\nkey=event-00",
                    "shard-1",
                    "forget\nkey=event-00",
                ],
            ),
            (
                Effect::Forward {
                    url: "https://origin.example/".to_owned(),
                    headers: vec![("a".to_owned(), "1".to_owned())],
                    deadline_ms: 7_000,
                },
                vec!["forward", "7000", "https://origin.example/", "a", "1"],
            ),
            (Effect::Pause { ms: 50 }, vec!["pause", "50"]),
            (Effect::Limit { key: "192.0.2.7".to_owned() }, vec!["limit", "500", "192.0.2.7"]),
            (
                Effect::Answer {
                    answer,
                    correlation_id: "c-1".to_owned(),
                    log: Some("{}".to_owned()),
                    point: None,
                },
                vec![
                    "answer",
                    "503",
                    "{}",
                    &body,
                    "content-type",
                    "application/json",
                    "x-correlation-id",
                    "c-1",
                    "retry-after",
                    "5",
                ],
            ),
        ] {
            assert_eq!(encode(effect).split(DIVIDER).collect::<Vec<_>>(), list);
        }
    }
}
