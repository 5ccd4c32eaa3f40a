//! What a verification costs on the device: instructions and stack.

use crate::Failure;
use crate::board::{Board, instructions};
use crate::delivery::Delivery;
use crate::program::{Build, CORTEX_M4, Hash};

const OLD: &[u8] = b"whsec_old";
const NEW: &[u8] = b"whsec_new";
const NOW: u64 = 1_700_000_000;
/// Bytes of the body whose instructions are counted.
const BODY_BYTES: usize = 512;

/// The cost of one way to verify.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Instructions, for a body of 512 bytes with a sound header.
    pub(crate) instructions: u64,
    /// Bytes of stack, the most that any of the deliveries took.
    pub(crate) stack: u64,
}

/// Costs by the way to verify.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Costs {
    /// In one call, with the body at hand.
    pub(crate) at_once: Cost,
    /// In pieces of 64 bytes. The stream's state is part of the stack.
    pub(crate) in_pieces: Cost,
}

/// Measures with so many keys, one or two; the last one has signed.
pub(crate) fn measure(hash: Hash, keys: usize) -> Result<Costs, Failure> {
    let build = Build { target: CORTEX_M4, hash, small_memory_functions: true };
    let mut board = Board::start(&build.program("measure")?)?;
    let secrets: Vec<Vec<u8>> =
        [NEW, OLD].iter().rev().take(keys).rev().map(|&s| s.to_vec()).collect();
    let answer = board.set(&secrets, 300, 300)?;
    if answer != "set" {
        return Err(format!("the settings were answered by `{answer}`").into());
    }

    let sound = Delivery::signed(OLD, NOW, vec![b'x'; BODY_BYTES])?;
    let accept = format!("accept {}", keys.saturating_sub(1));
    let mut costs = ask(&mut board, &sound, &accept)?;
    for (delivery, expected) in variants(&sound) {
        let Costs { at_once, in_pieces } = ask(&mut board, &delivery, expected.unwrap_or(&accept))?;
        costs.at_once.stack = costs.at_once.stack.max(at_once.stack);
        costs.in_pieces.stack = costs.in_pieces.stack.max(in_pieces.stack);
    }
    Ok(costs)
}

/// Other deliveries, which may take other paths, and what is expected where it is not to be accepted.
fn variants(sound: &Delivery) -> [(Delivery, Option<&'static str>); 6] {
    let zeros = format!(",v={}", "0".repeat(64)).repeat(7);
    let eight = Delivery { header: [&*sound.header, zeros.as_bytes()].concat(), ..sound.clone() };
    let changed = Delivery { body: vec![b'y'; BODY_BYTES], ..sound.clone() };
    let empty = Delivery { body: vec![], ..sound.clone() };
    let late = Delivery { now: NOW.saturating_add(300), ..sound.clone() };
    let malformed = Delivery { header: b"v=0".to_vec(), ..sound.clone() };
    let too_long = Delivery { header: vec![b','; 1_025], ..sound.clone() };
    [
        (eight, None),
        (changed, Some("reject signature_mismatch")),
        (empty, Some("reject signature_mismatch")),
        (late, Some("reject timestamp_expired")),
        (malformed, Some("reject signature_malformed")),
        (too_long, Some("reject signature_malformed")),
    ]
}

fn ask(board: &mut Board, delivery: &Delivery, expected: &str) -> Result<Costs, Failure> {
    let answer = board.deliver(delivery)?;
    let figures =
        answer.strip_prefix(expected).map(|rest| rest.split_whitespace().collect::<Vec<_>>());
    let Some([ticks, stack, ticks_in_pieces, stack_in_pieces]) = figures.as_deref() else {
        return Err(format!("`{answer}` instead of `{expected}` and four numbers").into());
    };
    let number = |digits: &str| u64::from_str_radix(digits, 16);
    let cost = |ticks: &str, stack: &str| -> Result<Cost, Failure> {
        Ok(Cost { instructions: instructions(number(ticks)?), stack: number(stack)? })
    };
    Ok(Costs { at_once: cost(ticks, stack)?, in_pieces: cost(ticks_in_pieces, stack_in_pieces)? })
}
