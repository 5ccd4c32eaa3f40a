//! What the ledger's replies to claim, commit and release mean.

use crate::ledger::entry::Token;
use crate::ledger::message::{CallError, Reply};
use crate::ledger::order::Order;
use crate::outcome::Outcome;
use crate::record::Settlement;
use crate::settings::DeliveryMode;

/// Pauses before a commit is tried again, in milliseconds. Each is made up to twice as long at
/// random. The calls themselves are bounded as well, so that the whole ends within the time that the
/// platform gives to work that outlives its request.
const COMMIT_PAUSES_MS: [u32; 3] = [50, 150, 450];

/// What the ledger lets a delivery do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    /// Forward the event, and respond when the origin has answered.
    Forward { token: Token, order: Order },
    /// The event is on disk: respond, and then forward it.
    Accepted { token: Token, order: Order },
}

/// Step 4: what the reply to a claim or an acceptance means. Without a sound reply nothing is forwarded, and
/// nothing acknowledged. An object of another version may give one that does not belong to what it was asked:
/// what it has granted it need not have stored.
pub(super) fn granted(
    mode: DeliveryMode,
    reply: &Result<Reply, CallError>,
) -> Result<Grant, Outcome> {
    match (mode, reply) {
        (DeliveryMode::Through, &Ok(Reply::Granted { token, order })) => {
            return Ok(Grant::Forward { token, order });
        }
        (DeliveryMode::Durable, &Ok(Reply::Accepted { token, order })) => {
            return Ok(Grant::Accepted { token, order });
        }
        (DeliveryMode::Durable, Ok(Reply::Stored)) => return Err(Outcome::Accepted),
        _ => {}
    }
    match *reply {
        Ok(Reply::Duplicate) => Err(Outcome::Duplicate),
        Ok(Reply::LateDropped) => Err(Outcome::LateDropped),
        Ok(Reply::InFlight { remaining_ms }) => Err(Outcome::in_flight(remaining_ms)),
        Ok(Reply::Paused) => Err(Outcome::Paused),
        _ => Err(Outcome::LedgerUnavailable),
    }
}

/// Step 6: what has become of the claim.
pub(super) fn settlement(outcome: Outcome, reply: &Result<Reply, CallError>) -> Settlement {
    match (outcome, reply) {
        (Outcome::Forwarded, Ok(Reply::Ok)) => Settlement::Committed,
        (Outcome::Forwarded, Ok(Reply::Superseded)) => Settlement::CommitRefused,
        (Outcome::Forwarded, _) => Settlement::CommitFailed,
        (_, Ok(Reply::Ok)) => Settlement::Released,
        (_, Ok(Reply::Superseded)) => Settlement::ReleaseRefused,
        _ => Settlement::ReleaseFailed,
    }
}

/// Step 6: how long to wait before a settlement is tried again after `tries`, or `None` if it was
/// the last try.
///
/// Only a commit is repeated: a release that got lost costs no more than the rest of the lease. And
/// it is not repeated to an object that has too much to do already.
pub(super) fn pause_ms(
    settlement: Settlement,
    is_overloaded: bool,
    tries: usize,
    jitter: u16,
) -> Option<u32> {
    if settlement != Settlement::CommitFailed || is_overloaded {
        return None;
    }
    let pause_ms = *COMMIT_PAUSES_MS.get(tries.checked_sub(1)?)?;
    let extra_ms = pause_ms.saturating_mul(u32::from(jitter)) >> u16::BITS;
    Some(pause_ms.saturating_add(extra_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_grant_lets_an_event_pass() {
        let granted = |reply| granted(DeliveryMode::Through, &reply);
        for order in [Order::InOrder, Order::Late] {
            let expected = Grant::Forward { token: 7, order };
            assert_eq!(granted(Ok(Reply::Granted { token: 7, order })), Ok(expected));
        }
        assert_eq!(granted(Ok(Reply::LateDropped)), Err(Outcome::LateDropped));
        assert_eq!(granted(Ok(Reply::Duplicate)), Err(Outcome::Duplicate));
        assert_eq!(granted(Ok(Reply::Paused)), Err(Outcome::Paused));
        for (remaining_ms, retry_after_seconds) in [(1, 1), (1_000, 1), (1_001, 2), (30_000, 30)] {
            assert_eq!(
                granted(Ok(Reply::InFlight { remaining_ms })),
                Err(Outcome::InFlight { retry_after_seconds }),
            );
        }
        for odd in [
            Ok(Reply::Ok),
            Ok(Reply::Superseded),
            Ok(Reply::Absent),
            Ok(Reply::Accepted { token: 7, order: Order::InOrder }),
            Ok(Reply::Stored),
            Ok(Reply::Full),
            Ok(Reply::Gone),
            Ok(Reply::Events(Vec::new())),
            Err(CallError::from("broken")),
        ] {
            assert_eq!(granted(odd), Err(Outcome::LedgerUnavailable));
        }
    }

    /// What another version says, too: a claim that is granted is no promise that the event is on disk.
    #[test]
    fn only_what_is_stored_is_accepted() {
        let granted = |reply| granted(DeliveryMode::Durable, &reply);
        let (token, order) = (7, Order::Late);
        let accepted = granted(Ok(Reply::Accepted { token, order }));
        assert_eq!(accepted, Ok(Grant::Accepted { token, order }));
        assert_eq!(granted(Ok(Reply::Stored)), Err(Outcome::Accepted));
        assert_eq!(granted(Ok(Reply::Duplicate)), Err(Outcome::Duplicate));
        for odd in [
            Ok(Reply::Granted { token, order }),
            Ok(Reply::Full),
            Ok(Reply::Ok),
            Err(CallError::from("broken")),
        ] {
            assert_eq!(granted(odd), Err(Outcome::LedgerUnavailable));
        }
    }

    #[test]
    fn settlements() {
        let failed = || Err(CallError::from("broken"));
        let (forwarded, rejected) = (Outcome::Forwarded, Outcome::OriginRejected);
        for (outcome, reply, expected) in [
            (forwarded, Ok(Reply::Ok), Settlement::Committed),
            (forwarded, Ok(Reply::Superseded), Settlement::CommitRefused),
            (forwarded, Ok(Reply::Duplicate), Settlement::CommitFailed),
            (forwarded, failed(), Settlement::CommitFailed),
            (rejected, Ok(Reply::Ok), Settlement::Released),
            (rejected, Ok(Reply::Superseded), Settlement::ReleaseRefused),
            (rejected, Ok(Reply::Duplicate), Settlement::ReleaseFailed),
            (rejected, failed(), Settlement::ReleaseFailed),
        ] {
            assert_eq!(settlement(outcome, &reply), expected);
        }
    }

    #[test]
    fn a_failed_commit_is_tried_again_a_few_times() {
        let pauses = |jitter| {
            let pause = |tries| pause_ms(Settlement::CommitFailed, false, tries, jitter);
            (0..=5).map(pause).collect::<Vec<_>>()
        };
        assert_eq!(pauses(0), [None, Some(50), Some(150), Some(450), None, None]);
        assert_eq!(pauses(u16::MAX), [None, Some(99), Some(299), Some(899), None, None]);
    }

    #[test]
    fn an_object_that_has_too_much_to_do_is_left_alone() {
        assert_eq!(pause_ms(Settlement::CommitFailed, true, 1, 0), None);
    }

    #[test]
    fn nothing_else_is_tried_again() {
        for settlement in [
            Settlement::Committed,
            Settlement::CommitRefused,
            Settlement::Released,
            Settlement::ReleaseRefused,
            Settlement::ReleaseFailed,
        ] {
            assert_eq!(pause_ms(settlement, false, 1, 0), None);
        }
    }
}
