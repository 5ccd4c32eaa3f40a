//! The provider and the origin of NextAPI webhooks on a developer's desk, and the edge between
//! them.
//!
//! - The sender's side: a [`Job`] gives [`EventBody`]s of every documented shape, a [`Delivery`]
//!   carries one, a [`Provider`] posts it, an [`Answer`] comes back. A [`Scenario`] is a short story
//!   of deliveries with the answers that the design promises.
//! - The receiver's side: an [`Origin`] records every request that reaches it and answers with the
//!   [`Reply`]s it was told to give, broken connections included.
//! - In the sender's place, a [`StandIn`]: the provider's HTTP API, with jobs that run and webhooks
//!   that are sent, retried and, on purpose, lost.
//! - In between, a [`LocalEdge`]: the built worker in the real engine, `workerd`.
//!
//! The binary `nextapi-hook` is a thin layer over these types; end-to-end tests use them directly.

mod answer;
mod captured_request;
mod delivery;
mod diagnosis;
mod edge_settings;
mod gate;
mod job;
mod load;
mod load_report;
mod local_edge;
mod log_lines;
mod origin;
mod provider;
mod random;
mod received;
mod reply;
mod scenario;
mod secrets;
mod server;
mod standin;
mod step;
mod workerd;
mod wrangler;

pub use answer::Answer;
pub use captured_request::CapturedRequest;
pub use delivery::{Delivery, SignatureHeader};
pub use diagnosis::{Diagnosis, Finding};
pub use gate::Gate;
pub use job::{EventBody, Job, Shape, Status};
pub use load::Load;
pub use load_report::LoadReport;
pub use local_edge::{LocalEdge, LocalEdgeBuilder};
pub use origin::{Origin, OriginBuilder};
pub use provider::Provider;
pub use random::random_hex;
pub use received::Received;
pub use reply::Reply;
pub use scenario::Scenario;
pub use secrets::{MAX_SECRETS, Secrets};
pub use standin::{
    Account, ApiKeys, Behaviour, Credits, DeliveryOutcome, DeliveryReason, DeliveryRecord,
    Environment, Faults, Shapes, StandIn, StandInBuilder,
};
pub use step::{Expectation, Step, summary};
