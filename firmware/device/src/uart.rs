//! The board's first UART.

use core::ptr;

/// Where QEMU's and Arm's MPS2 boards have UART 0 (Arm DAI 0386, table 3-3).
const BASE: usize = 0x4000_4000;

/// The registers that are used, as offsets from the base. Arm DDI 0479, table 4-5.
const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CTRL: usize = 0x08;
const BAUDDIV: usize = 0x10;

const TRANSMITTER_FULL: u32 = 1 << 0;
const RECEIVER_FULL: u32 = 1 << 1;
const ENABLE_BOTH: u32 = 0b11;
/// 25 MHz by 217 is 115,200 baud. QEMU does not wait, but insists on at least 16.
const DIVIDER: u32 = 217;

/// UART 0 of the board, a CMSDK APB UART, asked in a loop: nothing else happens in this firmware.
#[derive(Debug)]
pub struct Uart(());

impl Uart {
    /// Switches the UART on. Two of them are one: they take each other's bytes.
    #[must_use]
    pub fn new() -> Self {
        write_register(BAUDDIV, DIVIDER);
        write_register(CTRL, ENABLE_BOTH);
        Self(())
    }

    /// Waits for a byte.
    pub fn read(&mut self) -> u8 {
        while read_register(STATE) & RECEIVER_FULL == 0 {}
        let [byte, ..] = read_register(DATA).to_le_bytes();
        byte
    }

    /// Fills a buffer.
    pub fn read_exact(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            *byte = self.read();
        }
    }

    /// Takes in so many bytes, and forgets them.
    pub fn skip(&mut self, bytes: u64) {
        for _ in 0..bytes {
            self.read();
        }
    }

    /// A number of as many bytes, the lowest first.
    pub fn read_number(&mut self, bytes: u32) -> u64 {
        let mut number = 0;
        for place in 0..bytes {
            number |= u64::from(self.read()).wrapping_shl(place.wrapping_mul(8));
        }
        number
    }

    /// Writes text, waiting for every byte until there is room.
    pub fn write(&mut self, text: &str) {
        for byte in text.bytes() {
            while read_register(STATE) & TRANSMITTER_FULL != 0 {}
            write_register(DATA, byte.into());
        }
    }

    /// Writes a number in hexadecimal digits: no division, of which a Cortex-M0 has none.
    pub fn write_number(&mut self, number: u32) {
        for place in (0..u32::BITS).step_by(4).rev() {
            let digit = number.wrapping_shr(place) & 0xf;
            let digit = char::from_digit(digit, 16).unwrap_or('?');
            self.write(digit.encode_utf8(&mut [0; 4]));
        }
    }
}

fn read_register(offset: usize) -> u32 {
    let register = ptr::with_exposed_provenance::<u32>(BASE.wrapping_add(offset));
    // SAFETY: the offsets above are registers of the UART, aligned to 4 bytes and readable (Arm DDI
    // 0479, table 4-5); nothing that the compiler knows about is stored there.
    unsafe { register.read_volatile() }
}

fn write_register(offset: usize, value: u32) {
    let register = ptr::with_exposed_provenance_mut::<u32>(BASE.wrapping_add(offset));
    // SAFETY: as for reading. What is written makes the UART access no memory by itself.
    unsafe { register.write_volatile(value) }
}

impl Default for Uart {
    fn default() -> Self {
        Self::new()
    }
}
