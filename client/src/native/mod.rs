//! The driver for tokio and reqwest.

mod builder;
mod client;
mod preflight;
mod public_address;
mod transport;

pub use builder::{ClientBuilder, ClientError};
pub use client::{Client, DriveError, Moment};
pub use preflight::{Preflight, PreflightFinding, PreflightProblem};
