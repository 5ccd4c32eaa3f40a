//! A delivery's body while it arrives.

use crate::Uart;

/// Bytes that a body may have. The provider's have about 400; what is longer is refused unread.
pub const BODY_BYTES: usize = 4_096;

/// Bytes that are handed on at a time: a block of SHA-256.
pub const PIECE_BYTES: usize = 64;

/// A body that arrives in pieces. It is kept, because its event is read when it has been verified.
#[derive(Debug)]
pub struct Body<'a> {
    uart: &'a mut Uart,
    received: usize,
    /// As long as the body.
    buffer: &'a mut [u8],
}

impl<'a> Body<'a> {
    pub(crate) fn new(uart: &'a mut Uart, buffer: &'a mut [u8]) -> Self {
        Self { uart, received: 0, buffer }
    }

    /// Waits for the next piece, at most [`PIECE_BYTES`] long. `None` after the last one.
    pub fn next_piece(&mut self) -> Option<&[u8]> {
        let rest = self.buffer.get_mut(self.received..)?;
        let piece = rest.chunks_mut(PIECE_BYTES).next()?;
        self.uart.read_exact(piece);
        self.received = self.received.wrapping_add(piece.len());
        Some(piece)
    }

    /// Waits for all that is left. Gives the whole body.
    pub fn all(&mut self) -> &[u8] {
        while self.next_piece().is_some() {}
        self.buffer
    }
}
