//! Tells the linker where the memories of the board are.

fn main() {
    // The folder of `memory.x`, which the linker script of `cortex-m-rt` asks for.
    println!("cargo:rustc-link-search={}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rerun-if-changed=memory.x");
}
