//! What is answered to a delivery.

use crate::Uart;

/// The decision about a delivery.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// Authentic, fresh, and not seen before. Holds the index of the key that matched.
    Accept(usize),
    /// Authentic and fresh, but seen before.
    Duplicate,
    /// Refused, with a stable code.
    Reject(&'static str),
}

impl Answer {
    /// Writes the answer without a line's end: `accept` and the index, `duplicate`, or `reject` and
    /// the code.
    pub fn write(self, uart: &mut Uart) {
        match self {
            Self::Accept(key_index) => {
                uart.write("accept ");
                // Of so few keys, the index is one digit.
                uart.write(["0", "1"].get(key_index).unwrap_or(&"?"));
            }
            Self::Duplicate => uart.write("duplicate"),
            Self::Reject(code) => {
                uart.write("reject ");
                uart.write(code);
            }
        }
    }
}
