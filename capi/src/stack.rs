//! What a call leaves on the stack.

use core::mem::MaybeUninit;

use zeroize::Zeroize as _;

/// Words that are overwritten: at least as many as a call through [`clean`] uses, or `tests/c/stack.c`
/// finds what was left. Where pointers are small, so is the stack.
const WORDS: usize = if size_of::<usize>() > 4 { 192 } else { 128 };

/// Makes a call that computes with keys, and overwrites the stack that it has used.
///
/// What is computed with a key stays where it belongs and is wiped there; but the compiler keeps copies
/// where it has no register left, which no program can name. Registers are not overwritten.
pub(crate) fn clean<R>(call: impl FnOnce() -> R) -> R {
    let result = below(call);
    overwrite();
    result
}

/// A function of its own, so that the call's stack lies where [`overwrite`] has its own.
#[inline(never)]
fn below<R>(call: impl FnOnce() -> R) -> R {
    call()
}

#[inline(never)]
fn overwrite() {
    for word in &mut [MaybeUninit::<u64>::uninit(); WORDS] {
        word.zeroize();
    }
}
