//! Drives a round of the reconciler or of the watch, in tests, as its object does.

use core::fmt::Debug;

use crate::ledger::message::{Call, Reply};
use crate::reconciler::RoundCall;
use crate::trace::Random;

/// When the first round begins, in milliseconds since 1970.
pub(crate) const NOW_MS: u64 = 1_700_000_000_000;

/// The random bytes of every round.
pub(crate) fn random() -> Random {
    Random::from_bytes(&[7; 40])
}

/// Drives a round to its end, or until it is cut off after so many outputs, as by a crash; whether it came to its end.
///
/// `begun` is what `begin` of the machine gave, `handle` is its method. `carry_out` gives the result of an output and
/// the time at which it came, or nothing if the output was the end.
pub(crate) fn drive<Round, Input, Output: Debug>(
    begun: (Option<Round>, Output),
    handle: impl Fn(Round, Input, u64) -> (Option<Round>, Output),
    steps: usize,
    mut carry_out: impl FnMut(Output) -> Option<(Input, u64)>,
) -> bool {
    let (mut round, mut output) = begun;
    for _ in 0..steps {
        assert!(!format!("{output:?}").contains("canary"), "{output:?}");
        let Some((input, now_ms)) = carry_out(output) else {
            assert!(round.is_none(), "there is no machine after the end");
            return true;
        };
        (round, output) = handle(round.expect("a machine waits for its input"), input, now_ms);
    }
    false
}

/// The ledger's replies as the driver joins them, with an error in place of each that does not come.
pub(crate) fn replies(
    calls: &[RoundCall],
    mut reply: impl FnMut(&RoundCall, Call) -> Option<Reply>,
) -> String {
    let reply = |call| match reply(call, Call::decode(&call.message).unwrap()) {
        Some(reply) => reply.encode(),
        None => r#"{"error":{"message":"no reply"}}"#.to_owned(),
    };
    calls.iter().map(reply).collect::<Vec<_>>().join("\n")
}
