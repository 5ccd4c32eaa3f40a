//! What holds the owed events of a shard back.

use super::breaker::{Breaker, Permit};
use super::policy::Policy;
use super::store::Store;

/// How long until a shard that is paused looks around again, in milliseconds. Its resumption sets an earlier
/// alarm.
const LOOK_AGAIN_MS: u64 = 60_000;

/// What holds the owed events of a shard back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Gate {
    /// An admin has paused deliveries.
    pub(crate) is_paused: bool,
    /// The circuit breaker.
    pub(crate) breaker: Breaker,
}

impl Gate {
    /// When owed events of a shard may go out again, in milliseconds since 1970; none if now.
    ///
    /// # Errors
    /// The store's message.
    pub(crate) fn held_until(
        self,
        store: &impl Store,
        policy: &Policy,
        now_ms: u64,
    ) -> Result<Option<u64>, String> {
        let look_again_ms = now_ms.saturating_add(LOOK_AGAIN_MS);
        if self.is_paused {
            return Ok(Some(look_again_ms));
        }
        let is_counting = self.breaker.is_counting() || policy.concurrency.is_some();
        let under_way = if is_counting { store.under_way(now_ms)? } else { 0 };
        let permit = match self.breaker.permit(under_way, now_ms) {
            Permit::Granted if policy.concurrency.is_some_and(|most| under_way >= most) => {
                Permit::NotYet
            }
            permit => permit,
        };
        Ok(match permit {
            Permit::Granted => None,
            Permit::NotBefore(until_ms) => Some(until_ms),
            // The end of an attempt sets an earlier alarm, unless nobody is left to report it.
            Permit::NotYet => Some(store.next_lease_end_ms(now_ms)?.unwrap_or(look_again_ms)),
        })
    }
}

/// Notes how an attempt has ended; whether events may have been held until now, or are from now on.
///
/// # Errors
/// The store's message.
pub(crate) fn note(
    store: &mut impl Store,
    is_alive: bool,
    is_first_try: bool,
    policy: &Policy,
    now_ms: u64,
) -> Result<bool, String> {
    let gate = store.gate()?;
    let breaker = if is_alive {
        gate.breaker.succeeded()
    } else {
        gate.breaker.failed(is_first_try, policy.breaker, now_ms)
    };
    if breaker != gate.breaker {
        store.set_gate(&Gate { breaker, ..gate })?;
    }
    let may_hold = [gate.breaker, breaker].iter().any(|it| it.is_counting());
    Ok(may_hold || policy.concurrency.is_some())
}
