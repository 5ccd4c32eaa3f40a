//! What is sent when a rule begins to hold, and when it ends.

use base16ct::lower::encode_string;
use nextapi_webhook::UnixTime;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::judgement::RuleState;
use super::rule::{Rule, Shown};
use crate::forward;
use crate::header_names::IDEMPOTENCY_KEY;
use crate::json::{from_json, from_json_enum};
use crate::ledger::retry::{Failed, LONGEST_RETRY_AFTER_MS, RetryPolicy};
use crate::settings::Settings;
use crate::time::rfc3339;

/// As events are retried, but more often, since who waits for an alert waits for hours; and not for longer than a day,
/// after which nobody is helped by it.
const RETRY: RetryPolicy = RetryPolicy {
    initial_ms: 5_000,
    max_ms: 5 * 60_000,
    within_ms: 24 * 60 * 60_000,
    attempts: u64::MAX,
};

/// What somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The rule holds.
    Firing,
    /// It holds no longer.
    Resolved,
}

from_json_enum!(Kind { "firing" => Firing, "resolved" => Resolved });

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// What becomes of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fate {
    /// It is sent when its time has come.
    Pending,
    /// Whoever receives alerts has it.
    Sent,
    /// It was refused for good, or tried for as long as it may be.
    Failed,
    /// There is nobody to send it to.
    Unsent,
}

from_json_enum!(Fate {
    "pending" => Pending,
    "sent" => Sent,
    "failed" => Failed,
    "unsent" => Unsent,
});

/// One notification. Its bytes are made once, before the first attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Notification {
    /// The rule, as it prints.
    pub(super) rule: String,
    pub(super) kind: Kind,
    /// When it was made, in milliseconds since 1970.
    pub(super) at_ms: u64,
    /// Names it to whoever receives it: the same for each attempt.
    pub(super) key: String,
    /// The bytes; empty once it has its fate.
    pub(super) body: String,
    /// How many attempts were begun.
    pub(super) attempts: u64,
    /// When the next one is due, in milliseconds since 1970.
    pub(super) next_ms: u64,
    pub(super) fate: Fate,
    /// The status of the last answer.
    pub(super) status: Option<u16>,
}

from_json!(Notification {
    rule = required,
    kind = required,
    at_ms = required,
    key = required,
    body = required,
    attempts = required,
    next_ms = required,
    fate = required,
    status = or_default,
});

/// What is sent. Chat services show `text`.
#[derive(Serialize)]
struct Body<'a> {
    text: String,
    rule: &'a str,
    state: Kind,
    value: Option<Shown>,
    since: String,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

impl Notification {
    /// Makes one. `rule` is none if it is not in the settings any more; `site` is scheme and host of the deployment,
    /// if they are known.
    pub(super) fn new(
        kind: Kind,
        rule: Option<&Rule>,
        state: &RuleState,
        since_ms: u64,
        site: Option<&str>,
        now_ms: u64,
    ) -> Self {
        let host = site.and_then(|site| site.split_once("://")).map(|(_, host)| host);
        let mut text = host.map_or_else(String::new, |host| format!("{host}: "));
        text.push_str(kind.name());
        text.push_str(": ");
        text.push_str(&state.rule);
        let known = rule.zip(state.value);
        match known {
            Some((rule, value)) => text.extend([" (now ", &rule.in_words(value), ")"]),
            None if rule.is_none() => text.push_str(" (not watched any more)"),
            None => {}
        }
        text.extend([", since ", &rfc3339(since_ms)]);
        let link = site.map(|site| format!("{site}/_edge/"));
        if let Some(link) = &link {
            text.extend([", ", link]);
        }
        let body = Body {
            text,
            rule: &state.rule,
            state: kind,
            value: known.map(|(rule, value)| rule.shown(value)),
            since: rfc3339(since_ms),
            at: rfc3339(now_ms),
            deployment: host,
            link,
        };
        let digest = Sha256::digest(format!("{}\n{}\n{now_ms}", state.rule, kind.name()));
        Self {
            rule: state.rule.clone(),
            kind,
            at_ms: now_ms,
            key: format!("alert-{}", encode_string(digest.first_chunk::<16>().unwrap_or(&[0; 16]))),
            // Texts and numbers can always be written as JSON.
            body: serde_json::to_string(&body).unwrap_or_default(),
            attempts: 0,
            next_ms: now_ms,
            fate: Fate::Pending,
            status: None,
        }
    }

    /// The headers of an attempt.
    pub(super) fn headers(&self, settings: &Settings, now_ms: u64) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            (IDEMPOTENCY_KEY, self.key.clone()),
            (forward::EDGE_ATTEMPT, self.attempts.to_string()),
        ];
        let now = UnixTime::from_secs(now_ms / 1_000);
        if let Some(signature) = forward::edge_signature(settings, self.body.as_bytes(), now) {
            headers.push((forward::EDGE_SIGNATURE, signature));
        }
        headers
    }

    /// When the next attempt is due. What lies further ahead than any pause is of a clock that was set back since.
    pub(super) fn due_ms(&self, now_ms: u64) -> u64 {
        let latest_ms = now_ms.saturating_add(LONGEST_RETRY_AFTER_MS);
        if self.next_ms > latest_ms { now_ms } else { self.next_ms }
    }

    /// An attempt begins. Should its end stay unknown, it counts as failed.
    pub(super) fn begin_attempt(&mut self, jitter: u16, now_ms: u64) {
        self.attempts = self.attempts.saturating_add(1);
        self.next_ms = self.retry_ms(None, jitter, now_ms).unwrap_or(now_ms);
    }

    /// The attempt was answered, or not. `is_retried` says whether another answer may follow.
    pub(super) fn end_attempt(
        &mut self,
        status: Option<u16>,
        is_retried: bool,
        retry_after_ms: Option<u64>,
        jitter: u16,
        now_ms: u64,
    ) {
        self.status = status;
        if status.is_some_and(|status| (200..300).contains(&status)) {
            self.end(Fate::Sent);
            return;
        }
        match self.retry_ms(retry_after_ms, jitter, now_ms).filter(|_| is_retried) {
            Some(next_ms) => self.next_ms = next_ms,
            None => self.end(Fate::Failed),
        }
    }

    pub(super) fn end(&mut self, fate: Fate) {
        self.fate = fate;
        self.body = String::new();
    }

    fn retry_ms(&self, retry_after_ms: Option<u64>, jitter: u16, now_ms: u64) -> Option<u64> {
        let (tries, since_ms) = (self.attempts, self.at_ms);
        RETRY.next_ms(Failed { tries, since_ms, retry_after_ms, jitter }, now_ms)
    }
}
