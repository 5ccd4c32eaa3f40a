//! A delivery's body while it arrives.

use nextapi_webhook::UnixTime;

use crate::{Clock, Uart};

/// Bytes that a body may have. The provider's have about 400; what is longer is refused unread.
pub const BODY_BYTES: usize = 4_096;

/// Bytes that are handed on at a time: a block of SHA-256.
pub const PIECE_BYTES: usize = 64;

/// A body that arrives in pieces. It is kept, because its event is read when it has been verified.
#[derive(Debug)]
pub struct Body<'a> {
    bytes: Bytes<'a>,
    received: usize,
    /// As long as the body.
    buffer: &'a mut [u8],
}

impl<'a> Body<'a> {
    pub(crate) fn new(bytes: Bytes<'a>, buffer: &'a mut [u8]) -> Self {
        Self { bytes, received: 0, buffer }
    }

    /// Waits for the next piece, at most [`PIECE_BYTES`] long. `None` after the last one.
    pub fn next_piece(&mut self) -> Option<&[u8]> {
        let rest = self.buffer.get_mut(self.received..)?;
        let piece = rest.chunks_mut(PIECE_BYTES).next()?;
        for place in &mut *piece {
            *place = self.bytes.read();
        }
        self.received = self.received.wrapping_add(piece.len());
        Some(piece)
    }

    /// Waits for all that is left. Gives the whole body.
    pub fn all(&mut self) -> &[u8] {
        while self.next_piece().is_some() {}
        self.buffer
    }

    /// Waits for all that is left, and reads the clock: the time by which a delivery is judged. A sender can
    /// hold back the last byte for as long as it likes; the time of the first one says nothing.
    pub fn time_at_end(&mut self) -> UnixTime {
        self.all();
        self.bytes.clock.now()
    }
}

/// The bytes of a body as they come over the line: in parts, between which time passes.
#[derive(Debug)]
pub(crate) struct Bytes<'a> {
    uart: &'a mut Uart,
    clock: &'a mut Clock,
    left_in_part: u8,
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(uart: &'a mut Uart, clock: &'a mut Clock) -> Self {
        Self { uart, clock, left_in_part: 0 }
    }

    /// Waits for the next byte. The clock is set on the way.
    pub(crate) fn read(&mut self) -> u8 {
        while self.left_in_part == 0 {
            self.left_in_part = self.uart.read();
            if self.left_in_part == 0 {
                self.clock.set(self.uart.read_number(8));
            }
        }
        self.left_in_part = self.left_in_part.wrapping_sub(1);
        self.uart.read()
    }
}
