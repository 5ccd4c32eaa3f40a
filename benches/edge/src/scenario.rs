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
    /// How many deliveries a segment has: some tenths of a second.
    pub(crate) deliveries: u32,
    /// How many deliveries are under way at the same moment.
    pub(crate) connections: u32,
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

const fn scenario(kind: Kind, body: u32, deliveries: u32, connections: u32) -> Scenario {
    Scenario { kind, body, deliveries, connections }
}

/// All scenarios. Those with duplicates have as many and as long bodies: the events are delivered once, by
/// the first of them.
pub(crate) const SCENARIOS: [Scenario; 8] = [
    scenario(Kind::Fresh, 512, 1_000, BUSY),
    scenario(Kind::Fresh, 4 * 1024, 1_000, BUSY),
    scenario(Kind::Fresh, 64 * 1024, 500, BUSY),
    scenario(Kind::Fresh, 512, 500, AT_EASE),
    scenario(Kind::Duplicate, 512, 1_500, BUSY),
    scenario(Kind::Duplicate, 512, 1_500, AT_EASE),
    scenario(Kind::Forged, 512, 4_000, BUSY),
    scenario(Kind::Forged, 64 * 1024, 1_000, BUSY),
];

impl Scenario {
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
        if self.connections == BUSY {
            Ok(())
        } else {
            write!(f, ", {} connections", self.connections)
        }
    }
}
