//! Clients blocked for a while after too many invalid signatures.
//!
//! The platform's rate limiter has one operation, which counts a failure and says whether the client is
//! over its limit. A client that is over is remembered here, in the isolate's memory, and refused before
//! anything is read or hashed. The provider, whose signatures are valid, never costs a call.

use core::net::IpAddr;

/// How long a client is blocked after a failure that was over its limit.
const BLOCKED_MS: u64 = 60_000;

/// Clients that are remembered at most. A client that is pushed out is back at the rate limiter's
/// own count, which refuses it again after its next failure.
const MOST_CLIENTS: usize = 1_024;

const MILLISECONDS_PER_SECOND: u64 = 1_000;

/// The clients that are blocked, in the order in which they were.
#[derive(Debug, Default)]
pub(crate) struct BlockedClients {
    /// The client and since when, in milliseconds since 1970.
    blocked: Vec<(IpAddr, u64)>,
}

impl BlockedClients {
    /// Nobody is blocked.
    pub(crate) const fn new() -> Self {
        Self { blocked: Vec::new() }
    }

    /// Blocks a client from now on.
    pub(crate) fn block(&mut self, client: IpAddr, now_ms: u64) {
        self.blocked.retain(|&(other, since_ms)| {
            other != client && remaining_ms(since_ms, now_ms).is_some()
        });
        if self.blocked.len() >= MOST_CLIENTS {
            self.blocked.remove(0);
        }
        self.blocked.push((client, now_ms));
    }

    /// Seconds until deliveries of a client are looked at again, at least 1; none if they are now.
    pub(crate) fn blocked_seconds(&self, client: IpAddr, now_ms: u64) -> Option<u64> {
        let &(_, since_ms) = self.blocked.iter().find(|(other, _)| *other == client)?;
        Some(remaining_ms(since_ms, now_ms)?.div_ceil(MILLISECONDS_PER_SECOND))
    }
}

/// What is left of the time; none if it is over, or if the clock was set back: nobody is refused for
/// longer than was meant.
fn remaining_ms(since_ms: u64, now_ms: u64) -> Option<u64> {
    let elapsed_ms = now_ms.checked_sub(since_ms)?;
    BLOCKED_MS.checked_sub(elapsed_ms).filter(|remaining_ms| *remaining_ms > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_MS: u64 = 1_700_000_000_000;

    fn client(number: u32) -> IpAddr {
        core::net::Ipv4Addr::from(number).into()
    }

    #[test]
    fn a_client_is_refused_for_a_minute() {
        let mut blocked_clients = BlockedClients::new();
        assert_eq!(blocked_clients.blocked_seconds(client(1), NOW_MS), None);
        blocked_clients.block(client(1), NOW_MS);
        for (later_ms, seconds) in [
            (0, Some(60)),
            (1, Some(60)),
            (1_000, Some(59)),
            (59_001, Some(1)),
            (59_999, Some(1)),
            (60_000, None),
            (1_000_000, None),
        ] {
            let found = blocked_clients.blocked_seconds(client(1), NOW_MS + later_ms);
            assert_eq!(found, seconds, "{later_ms}");
        }
        assert_eq!(blocked_clients.blocked_seconds(client(2), NOW_MS), None);
    }

    #[test]
    fn another_failure_starts_the_minute_again() {
        let mut blocked_clients = BlockedClients::new();
        blocked_clients.block(client(1), NOW_MS);
        blocked_clients.block(client(1), NOW_MS + 30_000);
        assert_eq!(blocked_clients.blocked_seconds(client(1), NOW_MS + 89_000), Some(1));
        assert_eq!(blocked_clients.blocked.len(), 1);
    }

    #[test]
    fn a_clock_that_was_set_back_refuses_nobody() {
        let mut blocked_clients = BlockedClients::new();
        blocked_clients.block(client(1), NOW_MS);
        assert_eq!(blocked_clients.blocked_seconds(client(1), NOW_MS - 1), None);
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut blocked_clients = BlockedClients::new();
        let most = u32::try_from(MOST_CLIENTS).unwrap();
        for number in 0..=most {
            blocked_clients.block(client(number), NOW_MS);
        }
        assert_eq!(blocked_clients.blocked.len(), MOST_CLIENTS);
        assert_eq!(blocked_clients.blocked_seconds(client(0), NOW_MS), None);
        assert_eq!(blocked_clients.blocked_seconds(client(1), NOW_MS), Some(60));
        assert_eq!(blocked_clients.blocked_seconds(client(most), NOW_MS), Some(60));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Beside a model: every client's last failure, for as long as it has not been pushed out.
        #[test]
        fn memory_is_bounded_and_the_newest_are_refused(
            notes in proptest::collection::vec((0_u32..1_500, 0_u64..500), 0..4_000),
        ) {
            let mut blocked_clients = BlockedClients::new();
            let mut model = std::collections::BTreeMap::new();
            let mut now_ms = NOW_MS;
            for (number, pause_ms) in notes {
                now_ms = now_ms.saturating_add(pause_ms);
                blocked_clients.block(client(number), now_ms);
                model.insert(number, now_ms);
                prop_assert!(blocked_clients.blocked.len() <= MOST_CLIENTS);
                prop_assert_eq!(blocked_clients.blocked_seconds(client(number), now_ms), Some(60));
            }
            for number in 0..1_500 {
                let newer = |since_ms: u64| model.values().filter(|&&ms| ms >= since_ms).count();
                let found = blocked_clients.blocked_seconds(client(number), now_ms);
                match model.get(&number).filter(|&&ms| now_ms < ms.saturating_add(BLOCKED_MS)) {
                    None => prop_assert_eq!(found, None),
                    // Of those that were noted in the same millisecond, either may be gone.
                    Some(&ms) if newer(ms) <= MOST_CLIENTS => prop_assert!(found.is_some()),
                    Some(_) => {}
                }
            }
        }
    }
}
