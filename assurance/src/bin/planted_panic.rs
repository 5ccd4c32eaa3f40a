//! Must not link: the proof of [`no_panic`](../no_panic/index.html) with a panic planted in it.

#![expect(clippy::indexing_slicing, reason = "this is the panic that the linker has to find")]

use core::hint::black_box;

use no_panic::no_panic;

#[no_panic]
#[inline(never)]
fn planted_index(bytes: &[u8], at: usize) -> u8 {
    bytes[at]
}

fn main() {
    println!("{}", planted_index(black_box(b"planted"), black_box(0)));
}
