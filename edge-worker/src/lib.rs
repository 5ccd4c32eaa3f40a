//! The edge worker's core, bound to JavaScript with wasm-bindgen. Nothing is decided here: calls, texts
//! and bytes are carried between the entry modules in `entry/` and `nextapi_edge_core`.
//!
//! # The border
//!
//! What goes in is typed by the methods of [`Edge`]; wasm-bindgen writes their declarations. What comes out
//! is an [`Output`](nextapi_edge_core::Output) as JSON, whose declarations the core generates into
//! `entry/border.ts`. `tsc` holds the entry modules against both. There is one other form: the values of
//! SQL rows, in `storage.rs`.

mod edge;
mod random;
mod storage;
mod time;
mod url;

pub use edge::Edge;
pub use storage::ObjectStorage;

/// Constant time for each allocation, in a few instructions. Blocks that are next to each other are joined
/// when they are free again, but on WASM only within what was asked of the platform at one time: see
/// `make_room` in [`edge`].
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::GlobalTlsf = rlsf::GlobalTlsf::new();
