//! The claim that no call can panic.

use std::process::Command;

use crate::Failure;
use crate::subject::{Subject, messages};

const CALLS: Subject = Subject {
    name: "no_panic",
    feature: "no-panic",
    // Whether a function cannot panic is concluded before the last optimisations; what is inlined
    // is seen through in time. This only makes the compiler see more: a call that can panic still
    // leaves its trace.
    rustflags: "-C llvm-args=-inline-threshold=5000",
    profile: &[],
};

const PLANTED: Subject = Subject { name: "planted_panic", ..CALLS };
/// The function of the planted panic.
const PLANTED_FUNCTION: &str = "planted_index";

pub(crate) fn show() -> Result<(), Failure> {
    println!("Claim: no call of the verifier can panic (no-panic, link time).");
    let built = CALLS.build()?;
    if !built.status.success() {
        let messages = messages(&built);
        let found = panicking(&messages);
        if found.is_empty() {
            return Err(messages.into());
        }
        return Err(format!("a panic can be reached in: {}", found.join(", ")).into());
    }
    if !Command::new(CALLS.path()?).status()?.success() {
        return Err("the calls were linked but fail when they are run".into());
    }

    let planted = PLANTED.build()?;
    let messages = messages(&planted);
    if planted.status.success() || panicking(&messages) != [PLANTED_FUNCTION] {
        return Err(format!("the planted panic was not found: {messages}").into());
    }
    println!("  the panic planted in {PLANTED_FUNCTION} was found");
    Ok(())
}

/// The functions that the linker's message names, each once.
fn panicking(messages: &str) -> Vec<&str> {
    let mut found: Vec<&str> = messages
        .split("detected panic in function `")
        .skip(1)
        .filter_map(|rest| rest.split('`').next())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}
