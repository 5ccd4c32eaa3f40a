//! What the worker and the ledger's object say to each other.
//!
//! A message is text: a word, then one `name=value` a line. JSON would say the same, but its parser
//! would make the worker larger by a sixth.
//!
//! While a new version is rolled out, a worker of one version may talk to an object of the other.
//! So the texts are pinned by tests: a field may be added, since unknown ones are ignored, but what
//! stands there never changes.

#[cfg(test)]
mod tests;

use core::fmt::{Display, Write as _};
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
                .field("limit", &filter.limit),
            Self::Find { key } => Writer::new("find").field("key", key),
        }
        .0
    }

    /// The call that a text stands for, if it is one.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let reader = Reader::new(text);
        let key = || reader.text("key");
        Some(match reader.word {
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
                Writer::new("granted").field("token", token).field("order", &order.name())
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
                    .field("bytes", &figures.bytes)
                    .tally("tally", &figures.tally);
                let writer = match figures.oldest_ms {
                    Some(oldest_ms) => writer.field("oldest_ms", &oldest_ms),
                    None => writer,
                };
                let counts = figures.shard_counts.iter();
                counts.fold(writer, |writer, (since_ms, shards)| {
                    writer.field("shards", &format_args!("{since_ms}:{shards}"))
                })
            }
            Self::Rows(rows) => rows.iter().fold(Writer::new("rows"), |writer, row| {
                writer.field("row", &format_args!("{}:{}", row.last_ms, row.line))
            }),
        }
        .0
    }

    /// The answer that a text stands for, if it is one.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let reader = Reader::new(text);
        Some(match reader.word {
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

/// No message of a delivery needs more room, unless its ids are very long.
const TYPICAL_BYTES: usize = 256;

struct Writer(String);

impl Writer {
    fn new(word: &str) -> Self {
        let mut text = String::with_capacity(TYPICAL_BYTES);
        text.push_str(word);
        Self(text)
    }

    fn field(mut self, name: &str, value: &dyn Display) -> Self {
        let text = &mut self.0;
        let before = text.len();
        for part in ["\n", name, "="] {
            text.push_str(part);
        }
        let begin = text.len();
        // A value of two lines could pass for another field, and NUL divides what is handed over to the
        // platform. Keys and codes are ours, and the verifier reads no fact with a control character
        // in it; should that change, the field is left out.
        let is_written = write!(text, "{value}").is_ok();
        let mut written = text.bytes().skip(begin);
        if !is_written || written.any(|byte| matches!(byte, b'\n' | b'\0')) {
            text.truncate(before);
        }
        self
    }

    fn optional(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.field(name, &value),
            None => self,
        }
    }

    fn tally(self, name: &str, tally: &Tally) -> Self {
        if tally.is_empty() { self } else { self.field(name, &tally.encode()) }
    }
}

struct Reader<'a> {
    word: &'a str,
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let mut lines = text.split('\n');
        let word = lines.next().unwrap_or_default();
        Self { word, fields: lines.filter_map(|line| line.split_once('=')).collect() }
    }

    fn fields(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let fields = self.fields.iter().filter(move |(other, _)| *other == name);
        fields.map(|(_, value)| *value)
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
