//! What the worker and the ledger's object say to each other.
//!
//! A message is text: a word, then one `name=value` a line. JSON would say the same, but its parser
//! would make the worker larger by a sixth.
//!
//! While a new version is rolled out, a worker of one version may talk to an object of the other.
//! So the texts are pinned by tests: a field may be added, since unknown ones are ignored, but what
//! stands there never changes.

use core::fmt::Display;
use core::str::FromStr;

use super::audit::{Filter, Listed};
use super::entry::{Facts, Token};
use super::figures::Figures;
use super::order::Order;
use crate::tally::Tally;

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
        /// What was counted since the last time.
        tally: Tally,
    },
    /// The attempt failed.
    Release {
        /// The event's key.
        key: String,
        /// What the claim was answered with.
        token: Token,
        /// The code of the attempt's outcome.
        outcome: String,
        /// What was counted since the last time.
        tally: Tally,
    },
    /// The next delivery of an event is to be forwarded, whatever was before.
    Forget {
        /// The event's key.
        key: String,
    },
    /// The figures of the shard.
    Figures {
        /// What was counted since the last time.
        tally: Tally,
    },
    /// The rows that a filter lets pass.
    List(Filter),
    /// The row of an event.
    Find {
        /// The event's key.
        key: String,
    },
}

/// What the object answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// To a claim: forward the event.
    Granted {
        /// The number of this attempt, counted from 1; commit and release need it.
        token: Token,
        /// Whether a newer event of the job was delivered before.
        order: Order,
    },
    /// To a claim, or to an operator: another attempt is under way.
    InFlight {
        /// Milliseconds until its lease ends.
        remaining_ms: u64,
    },
    /// To a claim: the origin has the event.
    Duplicate,
    /// To a claim: the event is late and not to be forwarded.
    LateDropped,
    /// It is so.
    Ok,
    /// To a commit or a release: the token is not that of the running attempt.
    Refused,
    /// There is no such event.
    Absent,
    /// The figures of the shard.
    Figures(Figures),
    /// Rows, those with the latest transition first.
    Rows(Vec<Listed>),
}

/// Why a call has no answer. It may have had its effect or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unanswered {
    /// The reason in words.
    pub(crate) text: String,
    /// The object has more calls than it can work off; another one would make it worse.
    pub(crate) is_overloaded: bool,
}

impl From<String> for Unanswered {
    fn from(text: String) -> Self {
        Self { text, is_overloaded: false }
    }
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
            Self::Commit { key, token, tally } => {
                Writer::new("commit").field("key", key).field("token", token).tally("tally", tally)
            }
            Self::Release { key, token, outcome, tally } => Writer::new("release")
                .field("key", key)
                .field("token", token)
                .field("outcome", outcome)
                .tally("tally", tally),
            Self::Forget { key } => Writer::new("forget").field("key", key),
            Self::Figures { tally } => Writer::new("figures").tally("tally", tally),
            Self::List(filter) => Writer::new("list")
                .optional("state", filter.state.as_deref())
                .optional("job_id", filter.job_id.as_deref())
                .optional("event_type", filter.event_type.as_deref())
                .field("limit", filter.limit),
            Self::Find { key } => Writer::new("find").field("key", key),
        }
        .0
    }

    /// The call that a text stands for, if it is one.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let reader = Reader(text);
        let key = || reader.text("key");
        Some(match reader.word() {
            "claim" => Self::Claim {
                key: key()?,
                facts: Facts {
                    event_id: reader.text("event_id"),
                    event_type: reader.text("event_type"),
                    job_id: reader.text("job_id"),
                },
            },
            "commit" => Self::Commit {
                key: key()?,
                token: reader.number("token")?,
                tally: reader.tally("tally"),
            },
            "release" => Self::Release {
                key: key()?,
                token: reader.number("token")?,
                outcome: reader.text("outcome")?,
                tally: reader.tally("tally"),
            },
            "forget" => Self::Forget { key: key()? },
            "figures" => Self::Figures { tally: reader.tally("tally") },
            "list" => Self::List(Filter {
                state: reader.text("state"),
                job_id: reader.text("job_id"),
                event_type: reader.text("event_type"),
                limit: reader.number("limit")?,
            }),
            "find" => Self::Find { key: key()? },
            _ => return None,
        })
    }
}

impl Answer {
    /// The answer as text.
    pub(crate) fn encode(&self) -> String {
        match self {
            Self::Granted { token, order } => {
                Writer::new("granted").field("token", token).field("order", order.name())
            }
            Self::InFlight { remaining_ms } => {
                Writer::new("in_flight").field("remaining_ms", remaining_ms)
            }
            Self::Duplicate => Writer::new("duplicate"),
            Self::LateDropped => Writer::new("late_dropped"),
            Self::Ok => Writer::new("ok"),
            Self::Refused => Writer::new("refused"),
            Self::Absent => Writer::new("absent"),
            Self::Figures(figures) => {
                let writer = Writer::new("figures")
                    .tally("rows", &figures.rows)
                    .field("bytes", figures.bytes)
                    .tally("tally", &figures.tally);
                let writer = match figures.oldest_ms {
                    Some(oldest_ms) => writer.field("oldest_ms", oldest_ms),
                    None => writer,
                };
                let counts = figures.shard_counts.iter();
                counts.fold(writer, |writer, (since_ms, shards)| {
                    writer.field("shards", format_args!("{since_ms}:{shards}"))
                })
            }
            Self::Rows(rows) => rows.iter().fold(Writer::new("rows"), |writer, row| {
                writer.field("row", format_args!("{}:{}", row.last_ms, row.line))
            }),
        }
        .0
    }

    /// The answer that a text stands for, if it is one.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let reader = Reader(text);
        Some(match reader.word() {
            "granted" => Self::Granted {
                token: reader.number("token")?,
                // An object of an earlier version does not know of any order.
                order: reader.field("order").map_or(Some(Order::InOrder), Order::from_name)?,
            },
            "in_flight" => Self::InFlight { remaining_ms: reader.number("remaining_ms")? },
            "duplicate" => Self::Duplicate,
            "late_dropped" => Self::LateDropped,
            "ok" => Self::Ok,
            "refused" => Self::Refused,
            "absent" => Self::Absent,
            "figures" => Self::Figures(Figures {
                rows: reader.tally("rows"),
                oldest_ms: reader.number("oldest_ms"),
                bytes: reader.number("bytes")?,
                shard_counts: reader
                    .fields("shards")
                    .map(|count| {
                        let (since_ms, shards) = count.split_once(':')?;
                        Some((since_ms.parse().ok()?, shards.parse().ok()?))
                    })
                    .collect::<Option<_>>()?,
                tally: reader.tally("tally"),
            }),
            "rows" => {
                let row = |text: &str| {
                    let (last_ms, line) = text.split_once(':')?;
                    Some(Listed { last_ms: last_ms.parse().ok()?, line: line.to_owned() })
                };
                Self::Rows(reader.fields("row").map(row).collect::<Option<_>>()?)
            }
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
        // A value of two lines could pass for another field, and NUL divides what is handed over to the
        // platform. Keys and codes are ours, and the verifier reads no fact with a control character
        // in it; should that change, the field is left out.
        if !value.bytes().any(|byte| matches!(byte, b'\n' | b'\0')) {
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

    fn tally(self, name: &str, tally: &Tally) -> Self {
        if tally.is_empty() { self } else { self.field(name, tally.encode()) }
    }
}

struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn word(&self) -> &'a str {
        self.0.split('\n').next().unwrap_or_default()
    }

    fn fields(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let fields = self.0.split('\n').skip(1).filter_map(|line| line.split_once('='));
        fields.filter(move |(other, _)| *other == name).map(|(_, value)| value)
    }

    fn field(&self, name: &str) -> Option<&'a str> {
        self.fields(name).next()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.field(name).map(str::to_owned)
    }

    fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.field(name)?.parse().ok()
    }

    fn tally(&self, name: &str) -> Tally {
        self.field(name).map(Tally::decode).unwrap_or_default()
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
        let tally = || Tally::decode("duplicate:2");
        let outcome = "origin_failed".to_owned();
        let release = Call::Release { key: key(), token: 2, outcome, tally: tally() };
        let filter = Filter {
            state: some("open"),
            job_id: some("job_1"),
            event_type: some("job.failed"),
            limit: 50,
        };
        for (call, text) in [
            (
                Call::Claim { key: key(), facts },
                "claim\nkey=event-00\nevent_id=evt_1\nevent_type=job.succeeded\njob_id=job_1",
            ),
            (Call::Claim { key: key(), facts: Facts::default() }, "claim\nkey=event-00"),
            (
                Call::Commit { key: key(), token: 2, tally: tally() },
                "commit\nkey=event-00\ntoken=2\ntally=duplicate:2",
            ),
            (
                Call::Commit { key: key(), token: 2, tally: Tally::default() },
                "commit\nkey=event-00\ntoken=2",
            ),
            (release, "release\nkey=event-00\ntoken=2\noutcome=origin_failed\ntally=duplicate:2"),
            (Call::Forget { key: key() }, "forget\nkey=event-00"),
            (Call::Figures { tally: tally() }, "figures\ntally=duplicate:2"),
            (Call::List(filter), "list\nstate=open\njob_id=job_1\nevent_type=job.failed\nlimit=50"),
            (Call::List(Filter { limit: 1, ..Filter::default() }), "list\nlimit=1"),
            (Call::Find { key: key() }, "find\nkey=event-00"),
        ] {
            assert_eq!(call.encode(), text);
            assert_eq!(Call::decode(text), Some(call));
        }
    }

    #[test]
    fn answers_are_pinned() {
        let figures = Figures {
            rows: Tally::decode("done:3,open:1"),
            oldest_ms: Some(7),
            bytes: 4_096,
            shard_counts: vec![(5, 8), (6, 16)],
            tally: Tally::decode("duplicate:2"),
        };
        let row = |last_ms, line: &str| Listed { last_ms, line: line.to_owned() };
        for (answer, text) in [
            (
                Answer::Granted { token: 1, order: Order::InOrder },
                "granted\ntoken=1\norder=in-order",
            ),
            (Answer::Granted { token: 2, order: Order::Late }, "granted\ntoken=2\norder=late"),
            (Answer::LateDropped, "late_dropped"),
            (Answer::Absent, "absent"),
            (
                Answer::Figures(figures),
                "figures\nrows=done:3,open:1\nbytes=4096\ntally=duplicate:2\noldest_ms=7\n\
                 shards=5:8\nshards=6:16",
            ),
            (Answer::Figures(Figures::default()), "figures\nbytes=0"),
            (
                Answer::Rows(vec![row(9, r#"{"key":"a=b"}"#), row(8, "{}")]),
                "rows\nrow=9:{\"key\":\"a=b\"}\nrow=8:{}",
            ),
            (Answer::Rows(Vec::new()), "rows"),
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
        let text = "granted\nage=5\ntoken=1\nline without a sign\norder=late";
        let granted = Answer::Granted { token: 1, order: Order::Late };
        assert_eq!(Answer::decode(text), Some(granted));
    }

    /// Once no orders were said; later, how many shards there are was said in every claim.
    #[test]
    fn what_an_earlier_version_says_otherwise_is_no_hindrance() {
        let claim = Call::Claim { key: key(), facts: Facts::default() };
        assert_eq!(Call::decode("claim\nkey=event-00\nshards=16"), Some(claim));
        let granted = Answer::Granted { token: 1, order: Order::InOrder };
        assert_eq!(Answer::decode("granted\ntoken=1"), Some(granted));
    }

    #[test]
    fn anything_else_is_no_message() {
        for text in [
            "",
            "\n",
            "Ok",
            "ok ",
            "granted",
            "granted\ntoken=\norder=late",
            "granted\ntoken=-1\norder=late",
            "granted\ntoken=1\norder=other",
            "figures",
            "figures\nbytes=1\nshards=1",
            "rows\nrow=1",
        ] {
            assert_eq!(Answer::decode(text), None, "{text:?}");
        }
        for text in [
            "",
            "claim",
            "commit\nkey=k",
            "release\nkey=k\ntoken=1",
            "list",
            "find",
            "other\nkey=k",
        ] {
            assert_eq!(Call::decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_value_cannot_pass_for_another_field() {
        let facts = Facts { event_id: Some("1\njob_id=2".to_owned()), ..Facts::default() };
        let claim = |facts| Call::Claim { key: key(), facts };
        assert_eq!(Call::decode(&claim(facts).encode()), Some(claim(Facts::default())));
    }

    proptest! {
        #[test]
        fn every_claim_arrives_as_it_was_sent(
            event_id in proptest::option::of("[^\n\0]*"),
            event_type in proptest::option::of("[^\n\0]*"),
            job_id in proptest::option::of("[^\n\0]*"),
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
