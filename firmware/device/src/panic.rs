//! What happens when the program panics or faults, which the host takes for a failure.
//!
//! Nothing here formats a message: that would bring the formatting machinery along, which is larger
//! than everything else.

use core::panic::PanicInfo;

use crate::Uart;

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    stop("panic\n")
}

#[cortex_m_rt::exception]
unsafe fn HardFault(_: &cortex_m_rt::ExceptionFrame) -> ! {
    stop("fault\n")
}

/// Says why, which the host takes for a failure if it ends with `panic` or `fault`, and does nothing any more.
pub fn stop(why: &str) -> ! {
    Uart::new().write(why);
    loop {
        core::hint::spin_loop();
    }
}
