//! The instruments that the benches share: deliveries, subjects that check their own answers,
//! interleaved measuring, quartiles, straight lines, charts, and the file that results go into.

mod case;
mod chart;
mod delivery;
mod limit;
mod line;
mod machine;
mod quartiles;
mod results;
mod rounds;
mod subject;

pub use case::{CASES, Case};
pub use chart::{Chart, Series};
pub use delivery::{Delivery, KEY, Signing, keys};
pub use limit::Limit;
pub use line::Line;
pub use machine::Machine;
pub use quartiles::Quartiles;
pub use results::{Results, ResultsError};
pub use rounds::{Measured, measure};
pub use subject::{Subject, WrongAnswer};

/// What a bench stops with.
pub type Failure = Box<dyn core::error::Error>;

/// The bodies that are verified, in bytes. The provider's events have a few hundred; the last is the
/// longest that the edge takes unless it is told otherwise.
pub const SIZES: [u32; 5] = [64, 512, 4 * 1024, 64 * 1024, 256 * 1024];

/// A size as it is written in tables: `512 B`, `4 KiB`.
#[must_use]
pub fn size_name(bytes: u32) -> String {
    if bytes >= 1024 && bytes.is_multiple_of(1024) {
        format!("{} KiB", bytes / 1024)
    } else {
        format!("{bytes} B")
    }
}
