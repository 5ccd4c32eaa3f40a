//! Reconciliation: the ends of jobs whose webhooks never came, found by asking the provider's API.
//!
//! One object in the world does this, in *rounds*, from its alarm. A [`Round`] is a machine like that of a
//! delivery: [`Round::begin`] gives the first [`RoundOutput`], and each [`RoundInput`] the next, until
//! [`RoundOutput::End`]. A round
//!
//! 1. asks all shards which jobs are due for a look,
//! 2. asks the API about them: one by one if they are few, else page by page through the list of jobs; with
//!    `RECONCILE_JOBS=all` the list is walked in any case,
//! 3. tells the shards what the API shows. They decide what that means, since they hold the events,
//! 4. makes the ends that are ripe: the shards store them, and deliver them like any event that they owe.
//!
//! A round can end at any point, by a crash as well: shards keep all that counts, and what was not said yet is
//! asked again. What the object itself keeps is its [`Memory`](memory::Memory): when requests may be sent, and
//! how far the list was walked. It is written at the end, after what the walk has found.
//!
//! | file | |
//! | --- | --- |
//! | `round` | the machine |
//! | `look` | one look at the API: a job, or a page |
//! | `place` | where the ledger has a job, and what is said of it there |
//! | `memory`, `budget` | what is kept from round to round, the requests of a minute among it |
//! | `made_end` | the event that is made |
//! | `io` | outputs and inputs |

mod budget;
mod io;
mod look;
mod made_end;
mod memory;
mod place;
mod round;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "times of a test")]
mod tests;

pub use io::{RoundCall, RoundInput, RoundOutput};
pub use round::Round;
