//! What a call costs: instructions, and stack.

use core::{arch::asm, hint, ptr};

/// The system timer's registers (Armv7-M ARM, section B3.3; Armv6-M the same).
const CONTROL: usize = 0xe000_e010;
const RELOAD: usize = 0xe000_e014;
const CURRENT: usize = 0xe000_e018;
/// Counting, from the processor's clock.
const COUNT: u32 = 0b101;
/// The timer has 24 bits, and counts down.
const LIMIT: u32 = 0x00ff_ffff;

/// Bytes below the caller's stack that are painted: whoever uses more is said to use as much.
const PAINTED_BYTES: usize = 4_096;
const PAINT: u32 = 0xa5c3_3c5a;

/// The system timer, free running.
#[derive(Debug)]
pub struct Counter(());

impl Counter {
    /// Starts the timer.
    #[must_use]
    pub fn start() -> Self {
        // SAFETY: aligned registers of every Armv6-M and Armv7-M processor with the extension, as
        // the boards here have it; without an interrupt, the timer does nothing but count.
        unsafe {
            ptr::with_exposed_provenance_mut::<u32>(RELOAD).write_volatile(LIMIT);
            ptr::with_exposed_provenance_mut::<u32>(CURRENT).write_volatile(0);
            ptr::with_exposed_provenance_mut::<u32>(CONTROL).write_volatile(COUNT);
        }
        Self(())
    }

    #[expect(clippy::unused_self, reason = "that there is a counter says that it runs")]
    fn now(&self) -> u32 {
        // SAFETY: as above; reading it changes nothing.
        unsafe { ptr::with_exposed_provenance::<u32>(CURRENT).read_volatile() }
    }
}

/// What a call cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Ticks of the system timer. QEMU can be told how many there are to an instruction.
    pub ticks: u32,
    /// Bytes of stack beneath the caller's.
    pub stack: u32,
}

/// Calls, and says what it cost.
#[inline(never)]
pub fn cost_of<T>(counter: &Counter, call: impl FnOnce() -> T) -> (T, Cost) {
    let bottom = paint();
    let before = counter.now();
    let result = apart(call);
    let ticks = before.wrapping_sub(counter.now()) & LIMIT;
    let untouched = untouched(bottom);
    let used = PAINTED_BYTES.wrapping_sub(untouched);
    (result, Cost { ticks, stack: u32::try_from(used).unwrap_or(u32::MAX) })
}

/// Calls, with a stack frame that is not this module's.
#[inline(never)]
fn apart<T>(call: impl FnOnce() -> T) -> T {
    call()
}

/// Paints what lies beneath the stack pointer. Gives the lowest address of it.
#[expect(clippy::inline_always, reason = "a frame of its own would be painted over")]
#[inline(always)]
fn paint() -> usize {
    let top: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) top, options(nomem, nostack, preserves_flags)) };
    let bottom = top.wrapping_sub(PAINTED_BYTES);
    let mut at = bottom;
    while at < top {
        // SAFETY: what lies beneath the stack pointer belongs to nobody: there are no interrupts
        // here, and this function is inlined and calls nothing. The stack has 64 KiB less 300 bytes.
        unsafe { ptr::with_exposed_provenance_mut::<u32>(at).write_volatile(PAINT) };
        at = at.wrapping_add(4);
    }
    hint::black_box(bottom)
}

/// Bytes from the bottom on that still have their paint.
fn untouched(bottom: usize) -> usize {
    let mut untouched: usize = 0;
    while untouched < PAINTED_BYTES {
        let at = bottom.wrapping_add(untouched);
        // SAFETY: the same places as were painted.
        if unsafe { ptr::with_exposed_provenance::<u32>(at).read_volatile() } != PAINT {
            break;
        }
        untouched = untouched.wrapping_add(4);
    }
    untouched
}
