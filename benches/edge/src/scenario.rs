//! What is sent, and what has to come of it.

use core::fmt;

use nextapi_webhook_benches::size_name;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scenario {
    /// What the deliveries are.
    pub(crate) kind: Kind,
    /// The size of each body, in bytes.
    pub(crate) body: u32,
    /// How many deliveries a segment has: a few tenths of a second.
    pub(crate) deliveries: u32,
    /// How many deliveries may be under way at the same moment.
    pub(crate) connections: u32,
    /// Milliseconds from one delivery to the next, whatever was answered; 0: as soon as a connection is
    /// free.
    pub(crate) every_ms: u32,
    /// Milliseconds that the origin takes to answer.
    pub(crate) origin_ms: u32,
}

/// What a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An event that nobody has seen: verified, claimed, forwarded, committed.
    Fresh,
    /// An event that the origin has: verified, found in the ledger, answered.
    Duplicate,
    /// A signature by another key: refused.
    Forged,
}

/// How many connections keep an engine busy, and let it do the same step of several deliveries in a row.
pub(crate) const BUSY: u32 = 16;
/// So few that the engine waits now and then.
const AT_EASE: u32 = 2;

/// So many that none has to wait for a connection, when deliveries come one by one.
const PLENTY: u32 = 64;

impl Scenario {
    /// Deliveries, each as soon as a connection is free, and an origin that answers at once.
    pub(crate) const fn new(kind: Kind, body: u32, deliveries: u32, connections: u32) -> Self {
        Self { kind, body, deliveries, connections, every_ms: 0, origin_ms: 0 }
    }

    /// The same with an origin that takes its time.
    pub(crate) const fn with_origin(self, origin_ms: u32) -> Self {
        Self { origin_ms, ..self }
    }

    /// The same with a delivery every so often.
    pub(crate) const fn every(self, every_ms: u32) -> Self {
        Self { every_ms, connections: PLENTY, ..self }
    }
}

/// What all workers are compared in. Those with duplicates have as many and as long bodies: the events are
/// delivered once, by the first of them.
pub(crate) const OF_WORKERS: [Scenario; 8] = [
    Scenario::new(Kind::Fresh, 512, 300, BUSY),
    Scenario::new(Kind::Fresh, 4 * 1024, 300, BUSY),
    Scenario::new(Kind::Fresh, 64 * 1024, 200, BUSY),
    Scenario::new(Kind::Fresh, 512, 200, AT_EASE),
    Scenario::new(Kind::Duplicate, 512, 500, BUSY),
    Scenario::new(Kind::Duplicate, 512, 500, AT_EASE),
    Scenario::new(Kind::Forged, 512, 1_000, BUSY),
    Scenario::new(Kind::Forged, 64 * 1024, 400, BUSY),
];

/// How long an origin takes that looks an event up and writes a row or two to a database of its region.
pub(crate) const USUAL_ORIGIN_MS: u32 = 50;
/// Fifty deliveries a second: so few that one seldom waits for another, on a busy machine either.
const EVERY_MS: u32 = 20;

/// What the two modes are compared in.
pub(crate) const OF_MODES: [Scenario; 4] = [
    Scenario::new(Kind::Fresh, 512, 100, BUSY).every(EVERY_MS).with_origin(USUAL_ORIGIN_MS),
    Scenario::new(Kind::Fresh, 512, 100, BUSY).every(EVERY_MS),
    Scenario::new(Kind::Fresh, 512, 200, BUSY).with_origin(USUAL_ORIGIN_MS),
    Scenario::new(Kind::Fresh, 512, 300, BUSY),
];

/// The sizes among which the length is looked for from which on the platform computes the MACs sooner.
const MACS_SIZES: [u32; 7] = [512, 1024, 2 * 1024, 4 * 1024, 8 * 1024, 16 * 1024, 64 * 1024];

/// What the two ways to a MAC are compared in: signatures that hold, and forged ones. Duplicates, since they
/// do nothing that would hide the difference but ask the ledger once.
pub(crate) fn of_macs() -> Vec<Scenario> {
    let scenarios = |kind, deliveries| {
        MACS_SIZES.map(|size| {
            let deliveries = if size < 64 * 1024 { deliveries } else { deliveries / 2 };
            Scenario::new(kind, size, deliveries, BUSY)
        })
    };
    [scenarios(Kind::Duplicate, 300), scenarios(Kind::Forged, 500)].concat()
}

impl Scenario {
    /// Whether a target of its own is about it, not only that of all.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "what `retain` wants")]
    pub(crate) fn has_target(&self) -> bool {
        let is_other = match self.kind {
            Kind::Fresh => self.connections == AT_EASE,
            Kind::Forged => OF_WORKERS.contains(self) && self.body == 512,
            Kind::Duplicate => OF_WORKERS.contains(self),
        };
        !is_other
    }

    /// The status that every delivery has to be answered with.
    pub(crate) const fn status(self) -> u16 {
        match self.kind {
            Kind::Fresh | Kind::Duplicate => 200,
            Kind::Forged => 401,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Fresh => "whole job",
            Kind::Duplicate => "duplicate",
            Kind::Forged => "forged signature",
        };
        write!(f, "{kind}, {}", size_name(self.body))?;
        if self.every_ms > 0 {
            write!(f, ", every {} ms", self.every_ms)?;
        } else if self.connections != BUSY {
            write!(f, ", {} connections", self.connections)?;
        }
        if self.origin_ms > 0 {
            write!(f, ", origin of {} ms", self.origin_ms)?;
        }
        Ok(())
    }
}
