//! Both ends of NextAPI webhooks, and the edge between them, for tests and demonstrations.
//!
//! - The sender's side: a [`Job`] gives [`EventBody`]s of every documented shape, a [`Delivery`]
//!   carries one, a [`Deliverer`] posts it, an [`Answer`] comes back. A [`RawConnection`] sends what
//!   no HTTP client would.
//! - The receiver's side: an [`Origin`] records every request that reaches it and answers with the
//!   [`Reply`]s it was told to give, broken connections included.
//! - In between, a [`LocalEdge`]: the built worker in the real engine, `workerd`.

mod answer;
mod credits;
mod deliverer;
mod delivery;
mod edge_settings;
mod gate;
mod generation;
mod job;
mod local_edge;
mod local_edge_builder;
mod log_lines;
mod memory;
mod origin;
mod random;
mod raw_connection;
mod received;
mod reference_edge;
mod reply;
mod reply_body;
mod secrets;
mod server;
mod workerd;
mod wrangler;

pub use answer::Answer;
pub use credits::Credits;
pub use deliverer::Deliverer;
pub use delivery::{Delivery, SignatureHeader};
pub use gate::Gate;
pub use generation::Generation;
pub use job::{EventBody, Job, Shape, Status};
pub use local_edge::LocalEdge;
pub use local_edge_builder::LocalEdgeBuilder;
pub use memory::Memory;
pub use origin::{Origin, OriginBuilder};
pub use random::random_hex;
pub use raw_connection::{RawAnswer, RawConnection, chunked};
pub use received::Received;
pub use reference_edge::ReferenceEdge;
pub use reply::Reply;
pub use reply_body::ReplyBody;
pub use secrets::{MAX_SECRETS, Secrets};
