//! What happened, in the order in which it happened.

use core::fmt::{self, Write as _};
use core::time::Duration;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::conduct::Conduct;

/// An event's number in the plan.
pub(crate) type EventNumber = usize;
/// A delivery's number among those of its event. Each try is a delivery of its own.
pub(crate) type DeliveryNumber = usize;

#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) entries: Vec<Entry>,
    /// What the edge's log says of the deliveries. It was read at the end, so it has no place among
    /// the entries.
    pub(crate) log: Vec<LogEntry>,
    /// How many events the edge says that it still owes, when all is over.
    pub(crate) owed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Since the beginning.
    pub(crate) at: Duration,
    pub(crate) fact: Fact,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// Something happened to one delivery.
    Delivery {
        event: EventNumber,
        delivery: DeliveryNumber,
        step: Step,
    },
    /// The origin got a request that no delivery can have caused.
    Stray,
    EngineKilled,
    EngineBack,
    OriginGone,
    OriginBack,
    /// The operator's pause was answered 200.
    Paused,
    /// The engine's files cannot grow.
    DiskFull,
    DiskFree,
    /// The operator has dead letters delivered anew.
    Replaying,
    /// The operator is about to resume.
    Resuming,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The provider begins.
    Sent,
    /// The origin has the whole request.
    Received(Reception),
    /// The origin's answer goes out.
    OriginAnswered(u16),
    /// The provider has the edge's answer.
    Answered { status: u16, code: String },
    /// The provider has no answer: no connection, cut, or out of patience.
    Unanswered,
}

/// What the origin has seen of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reception {
    pub(crate) attempt: Option<u64>,
    pub(crate) idempotency_key: Option<String>,
    /// Whether the body is the event's, byte for byte.
    pub(crate) is_same_body: bool,
    /// What the origin is going to do.
    pub(crate) conduct: Conduct,
    /// The replay that it is part of.
    pub(crate) replay: Option<String>,
}

/// What the edge's log says of one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogEntry {
    pub(crate) event: EventNumber,
    pub(crate) delivery: DeliveryNumber,
    pub(crate) outcome: String,
    pub(crate) attempt: Option<u64>,
    pub(crate) settlement: Option<String>,
    /// Whether it is of an attempt, after the delivery was answered.
    pub(crate) is_attempt: bool,
}

/// Writes a history. Clones write the same one.
#[derive(Clone)]
pub(crate) struct Recorder {
    begin: Instant,
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { begin: Instant::now(), entries: Arc::default() }
    }

    pub(crate) fn note(&self, fact: Fact) {
        // The time is taken under the lock, so that times rise with the order.
        let mut entries = self.entries.lock().unwrap();
        entries.push(Entry { at: self.begin.elapsed(), fact });
    }

    pub(crate) fn note_step(&self, event: EventNumber, delivery: DeliveryNumber, step: Step) {
        self.note(Fact::Delivery { event, delivery, step });
    }

    /// How much there is so far, in words.
    pub(crate) fn summary(&self) -> String {
        let entries = self.entries.lock().unwrap();
        let count = |is: fn(&Fact) -> bool| entries.iter().filter(|entry| is(&entry.fact)).count();
        let sent = count(|fact| matches!(fact, Fact::Delivery { step: Step::Sent, .. }));
        let received = count(|fact| matches!(fact, Fact::Delivery { step: Step::Received(_), .. }));
        let killed = count(|fact| *fact == Fact::EngineKilled);
        format!("{sent} deliveries, {received} requests at the origin, {killed} kills")
    }

    /// Everything so far.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap().clone()
    }
}

impl History {
    /// All that concerns one event, a line each, for whoever has to understand it. Of the crashes
    /// there are only the two before and the two after anything of its own.
    pub(crate) fn of(&self, event: EventNumber) -> String {
        let is_own = |entry: &&Entry| match entry.fact {
            Fact::Delivery { event: of, .. } => of == event,
            _ => false,
        };
        let concerns =
            |entry: &&Entry| is_own(entry) || !matches!(entry.fact, Fact::Delivery { .. });
        let entries: Vec<_> = self.entries.iter().filter(concerns).collect();
        let mut lines = format!("event {event}\n");
        for (index, entry) in entries.iter().enumerate() {
            let near = index.saturating_sub(2)..entries.len().min(index + 3);
            if entries[near].iter().any(is_own) {
                writeln!(lines, "  {:>9.3} s  {}", entry.at.as_secs_f64(), entry.fact).unwrap();
            }
        }
        for entry in self.log.iter().filter(|entry| entry.event == event) {
            writeln!(lines, "  {entry}").unwrap();
        }
        lines
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivery { delivery, step, .. } => write!(f, "delivery {delivery}: {step}"),
            Self::Stray => f.write_str("the origin gets a request that belongs to no delivery"),
            Self::EngineKilled => f.write_str("the engine is killed"),
            Self::EngineBack => f.write_str("the engine is back"),
            Self::OriginGone => f.write_str("the origin is gone, its connections cut"),
            Self::OriginBack => f.write_str("the origin is back"),
            Self::DiskFull => f.write_str("the disk is full"),
            Self::DiskFree => f.write_str("the disk has room"),
            Self::Replaying => f.write_str("dead letters are replayed"),
            Self::Paused => f.write_str("deliveries are paused"),
            Self::Resuming => f.write_str("deliveries are resumed"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent => f.write_str("sent"),
            Self::Received(reception) => write!(f, "{reception}"),
            Self::OriginAnswered(status) => write!(f, "the origin's {status} goes out"),
            Self::Answered { status, code } => {
                write!(f, "the provider is answered {status} {code}")
            }
            Self::Unanswered => f.write_str("the provider has no answer"),
        }
    }
}

impl fmt::Display for Reception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempt = self.attempt.map_or_else(|| "?".to_owned(), |attempt| attempt.to_string());
        let key = self.idempotency_key.as_deref().unwrap_or("no key");
        let body = if self.is_same_body { "" } else { ", another body" };
        write!(f, "the origin gets attempt {attempt} ({key}{body}) and {}", self.conduct)
    }
}

impl fmt::Display for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the log says of delivery {}: {}", self.delivery, self.outcome)?;
        if let Some(attempt) = self.attempt {
            write!(f, ", attempt {attempt}")?;
        }
        if let Some(settlement) = &self.settlement {
            write!(f, ", {settlement}")?;
        }
        Ok(())
    }
}
