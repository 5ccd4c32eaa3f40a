//! What the worker and the ledger's object say to each other.
//!
//! A message is text: a word, then one `name=value` a line. JSON would say the same, but its parser
//! would make the worker larger by a sixth.
//!
//! While a new version is rolled out, a worker of one version may talk to an object of the other.
//! So the texts are pinned by tests: a field may be added, since unknown ones are ignored, but what
//! stands there never changes.

use core::fmt::Display;

use super::entry::{Facts, Token};

/// What the worker asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// The right to forward an event.
    Claim {
        /// The event's key.
        key: String,
        /// What the event is.
        facts: Facts,
    },
    /// The origin has the event.
    Commit {
        /// The event's key.
        key: String,
        /// What the claim was answered with.
        token: Token,
    },
    /// The attempt failed.
    Release {
        /// The event's key.
        key: String,
        /// What the claim was answered with.
        token: Token,
        /// The code of the attempt's outcome.
        outcome: String,
    },
}

/// What the object answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// To a claim: forward the event.
    Granted {
        /// The number of this attempt, counted from 1; commit and release need it.
        token: Token,
    },
    /// To a claim: another attempt is under way.
    InFlight {
        /// Milliseconds until its lease ends.
        remaining_ms: u64,
    },
    /// To a claim: the origin has the event.
    Duplicate,
    /// To a commit or a release: it is so.
    Ok,
    /// To a commit or a release: the token is not that of the running attempt.
    Refused,
}

impl Call {
    /// The call as text.
    pub(crate) fn encode(&self) -> String {
        match self {
            Self::Claim { key, facts } => Writer::new("claim")
                .field("key", key)
                .optional("event_id", facts.event_id.as_deref())
                .optional("event_type", facts.event_type.as_deref())
                .optional("job_id", facts.job_id.as_deref()),
            Self::Commit { key, token } => {
                Writer::new("commit").field("key", key).field("token", token)
            }
            Self::Release { key, token, outcome } => Writer::new("release")
                .field("key", key)
                .field("token", token)
                .field("outcome", outcome),
        }
        .0
    }

    /// The call that a text stands for, if it is one.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let reader = Reader(text);
        let key = reader.field("key")?.to_owned();
        Some(match reader.word() {
            "claim" => Self::Claim {
                key,
                facts: Facts {
                    event_id: reader.field("event_id").map(str::to_owned),
                    event_type: reader.field("event_type").map(str::to_owned),
                    job_id: reader.field("job_id").map(str::to_owned),
                },
            },
            "commit" => Self::Commit { key, token: reader.number("token")? },
            "release" => Self::Release {
                key,
                token: reader.number("token")?,
                outcome: reader.field("outcome")?.to_owned(),
            },
            _ => return None,
        })
    }
}

impl Answer {
    /// The answer as text.
    pub(crate) fn encode(self) -> String {
        match self {
            Self::Granted { token } => Writer::new("granted").field("token", token),
            Self::InFlight { remaining_ms } => {
                Writer::new("in_flight").field("remaining_ms", remaining_ms)
            }
            Self::Duplicate => Writer::new("duplicate"),
            Self::Ok => Writer::new("ok"),
            Self::Refused => Writer::new("refused"),
        }
        .0
    }

    /// The answer that a text stands for, if it is one.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let reader = Reader(text);
        Some(match reader.word() {
            "granted" => Self::Granted { token: reader.number("token")? },
            "in_flight" => Self::InFlight { remaining_ms: reader.number("remaining_ms")? },
            "duplicate" => Self::Duplicate,
            "ok" => Self::Ok,
            "refused" => Self::Refused,
            _ => return None,
        })
    }
}

struct Writer(String);

impl Writer {
    fn new(word: &str) -> Self {
        Self(word.to_owned())
    }

    fn field(mut self, name: &str, value: impl Display) -> Self {
        let value = value.to_string();
        // A value of two lines could pass for another field. Keys and codes are ours, and the
        // verifier reads no fact with a line feed in it; should that change, the field is left out.
        if !value.contains('\n') {
            for part in ["\n", name, "=", &value] {
                self.0.push_str(part);
            }
        }
        self
    }

    fn optional(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }
}

struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn word(&self) -> &'a str {
        self.0.split('\n').next().unwrap_or_default()
    }

    fn field(&self, name: &str) -> Option<&'a str> {
        let fields = self.0.split('\n').skip(1).filter_map(|line| line.split_once('='));
        fields.into_iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> String {
        "event-00".to_owned()
    }

    #[test]
    fn calls_are_pinned() {
        let some = |text: &str| Some(text.to_owned());
        let facts = Facts {
            event_id: some("evt_1"),
            event_type: some("job.succeeded"),
            job_id: some("job_1"),
        };
        let release = Call::Release { key: key(), token: 2, outcome: "origin_failed".to_owned() };
        for (call, text) in [
            (
                Call::Claim { key: key(), facts },
                "claim\nkey=event-00\nevent_id=evt_1\nevent_type=job.succeeded\njob_id=job_1",
            ),
            (Call::Claim { key: key(), facts: Facts::default() }, "claim\nkey=event-00"),
            (Call::Commit { key: key(), token: 2 }, "commit\nkey=event-00\ntoken=2"),
            (release, "release\nkey=event-00\ntoken=2\noutcome=origin_failed"),
        ] {
            assert_eq!(call.encode(), text);
            assert_eq!(Call::decode(text), Some(call));
        }
    }

    #[test]
    fn answers_are_pinned() {
        for (answer, text) in [
            (Answer::Granted { token: 1 }, "granted\ntoken=1"),
            (Answer::InFlight { remaining_ms: 29_500 }, "in_flight\nremaining_ms=29500"),
            (Answer::Duplicate, "duplicate"),
            (Answer::Ok, "ok"),
            (Answer::Refused, "refused"),
        ] {
            assert_eq!(answer.encode(), text);
            assert_eq!(Answer::decode(text), Some(answer));
        }
    }

    #[test]
    fn what_a_later_version_adds_is_no_hindrance() {
        let text = "granted\nage=5\ntoken=1\nline without a sign";
        assert_eq!(Answer::decode(text), Some(Answer::Granted { token: 1 }));
    }

    #[test]
    fn anything_else_is_no_message() {
        for text in ["", "\n", "Ok", "ok ", "granted", "granted\ntoken=", "granted\ntoken=-1"] {
            assert_eq!(Answer::decode(text), None, "{text:?}");
        }
        for text in ["", "claim", "commit\nkey=k", "release\nkey=k\ntoken=1", "other\nkey=k"] {
            assert_eq!(Call::decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_value_cannot_pass_for_another_field() {
        let facts = Facts { event_id: Some("1\njob_id=2".to_owned()), ..Facts::default() };
        let text = Call::Claim { key: key(), facts }.encode();
        assert_eq!(Call::decode(&text), Some(Call::Claim { key: key(), facts: Facts::default() }));
    }

    proptest! {
        #[test]
        fn every_claim_arrives_as_it_was_sent(
            event_id in proptest::option::of("[^\n]*"),
            event_type in proptest::option::of("[^\n]*"),
            job_id in proptest::option::of("[^\n]*"),
        ) {
            let facts = Facts { event_id, event_type, job_id };
            let call = Call::Claim { key: key(), facts };
            prop_assert_eq!(Call::decode(&call.encode()), Some(call));
        }

        #[test]
        fn no_text_makes_decoding_panic(text in ".*") {
            let _ = Call::decode(&text);
            let _ = Answer::decode(&text);
        }
    }
}
