//! The panic handler of a library without the standard library. Nothing here can panic, which
//! `make capi` checks in the very libraries that it makes, so this is never linked; the compiler
//! asks for it all the same.

use core::panic::PanicInfo;

#[panic_handler]
fn stop(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
