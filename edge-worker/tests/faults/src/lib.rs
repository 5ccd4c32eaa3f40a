//! The edge worker as it is, and a way to panic in the middle of it. `entry/` has the faults; the product
//! knows nothing of them.

#![allow(clippy::panic, reason = "that is what this crate is for")]

use wasm_bindgen::prelude::*;

pub use nextapi_edge::Edge;

/// Panics as the product would.
///
/// # Panics
/// Always.
#[wasm_bindgen(js_name = panicHere)]
pub fn panic_here(place: &str) {
    panic!("fault: {place}");
}
