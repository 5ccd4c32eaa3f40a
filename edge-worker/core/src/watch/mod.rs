//! The watch: figures of the ledger minute by minute, and alerts when a rule about them begins to hold or ends.
//!
//! One object in the world does this, in *rounds*, from its alarm. A [`WatchRound`] is a machine like that of the
//! reconciler: [`WatchRound::begin`] gives the first [`WatchOutput`], and each [`WatchInput`] the next, until
//! [`WatchOutput::End`]. A round
//!
//! 1. asks all shards for their figures once a minute, those of former numbers of shards in a second step,
//! 2. makes a sample of them, and judges every rule by it,
//! 3. sends the notifications that are due, one after the other. Before each the memory is kept.
//!
//! A round can end at any point, by a crash as well. What a sample has changed is on disk before anybody is told of
//! it, and the bytes of a notification are frozen then: one that was cut off is sent again as it was, under the same
//! `Idempotency-Key`. Shards that do not answer make a rule neither begin nor end to hold.
//!
//! | file | |
//! | --- | --- |
//! | `round` | the machine |
//! | `rule`, `parse` | a rule, and how it is written |
//! | `reading` | what the shards have replied, put together |
//! | `history` | samples, bounded |
//! | `judgement` | whether a rule holds |
//! | `notification` | what is sent, and when again |
//! | `memory` | what is kept from round to round |
//! | `page` | what admins see of it |
//! | `io` | outputs and inputs |

mod history;
mod io;
mod judgement;
mod memory;
mod notification;
mod page;
mod parse;
mod reading;
mod round;
mod rule;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "times of a test")]
mod tests;

pub use io::{WatchInput, WatchOutput};
pub(crate) use page::Findings;
pub use page::{WatchPage, page};
pub(crate) use parse::rules;
pub use round::WatchRound;
pub(crate) use rule::Rule;
