//! The frames that come in, and the loop that answers them.
//!
//! ```text
//! settings = "S" past:u64 future:u64 count:u8 count * ( length:u8 secret )
//! clock    = "T" now:u64
//! delivery = "D" header-length:u16 header body-length:u32 *( bytes / moment )
//! bytes    = length:u8 length * byte          ; from 1 to 255, and no more than are left of the body
//! moment   = 0:u8 now:u64
//! command  = name:u8                          ; of a program's own: any other byte
//! ```
//!
//! Numbers have their lowest byte first. Every frame is answered with one line of text, a delivery as soon as its
//! last byte has come. `past` and `future` are the tolerance in seconds. `now` sets the device's clock, between
//! deliveries or while a body arrives; no delivery brings a time of its own.

use nextapi_webhook::{MAX_HEADER_BYTES, Tolerance};
use zeroize::Zeroize as _;

use crate::body::Bytes;
use crate::{Answer, BODY_BYTES, Body, Clock, Uart};

/// Keys that there is room for: two, while a secret is rotated.
pub const KEYS: usize = 2;

/// Bytes that a secret may have.
const SECRET_BYTES: usize = 255;

/// One more than a header may have, so that one which is too long is seen to be.
const HEADER_BYTES: usize = MAX_HEADER_BYTES + 1;

/// Decides about deliveries.
pub trait Judge {
    /// Begins anew with these secrets, newest first, and this tolerance.
    ///
    /// # Errors
    /// A stable code, if they cannot be taken. There are no keys then.
    fn set(&mut self, secrets: &[&[u8]], tolerance: Tolerance) -> Result<(), &'static str>;

    /// Decides about a delivery whose body is still arriving. The time comes from the body, when it is there.
    fn judge(&mut self, header: &[u8], body: &mut Body<'_>) -> Answer;

    /// Takes a frame of a program's own, which is nothing but its name. Whether there is one of that name.
    fn command(&mut self, _name: u8) -> bool {
        false
    }

    /// Writes what else there is to say about the last delivery, on the line of its answer.
    fn remark(&self, _uart: &mut Uart) {}
}

/// Answers frames for ever.
pub fn serve(mut judge: impl Judge) -> ! {
    let mut uart = Uart::new();
    let mut clock = Clock::new();
    let mut header = [0; HEADER_BYTES];
    let mut body = [0; BODY_BYTES];
    uart.write("ready\n");
    loop {
        match uart.read() {
            b'S' => match receive_settings(&mut uart, &mut judge) {
                Ok(()) => uart.write("set"),
                Err(code) => Answer::Reject(code).write(&mut uart),
            },
            b'T' => {
                clock.set(uart.read_number(8));
                uart.write("set");
            }
            b'D' => {
                let answer =
                    receive_delivery(&mut uart, &mut clock, &mut judge, &mut header, &mut body);
                answer.write(&mut uart);
                judge.remark(&mut uart);
            }
            name if judge.command(name) => uart.write("set"),
            _ => uart.write("reject frame_unknown"),
        }
        uart.write("\n");
    }
}

#[inline(never)]
fn receive_settings(uart: &mut Uart, judge: &mut impl Judge) -> Result<(), &'static str> {
    let tolerance = Tolerance::new(uart.read_number(8), uart.read_number(8));
    let count = usize::from(uart.read());
    let mut secrets = [[0; SECRET_BYTES]; KEYS];
    let mut taken: [&[u8]; KEYS] = [&[]; KEYS];
    let mut rooms = secrets.iter_mut().zip(&mut taken);
    for _ in 0..count {
        // A secret that there is no room for is on its way all the same.
        let length = uart.read_number(1);
        let Some((room, secret)) = rooms.next() else {
            uart.skip(length);
            continue;
        };
        *secret = receive(uart, length, room);
    }
    let all = taken.get(..count).ok_or("key_too_many");
    let result = all.and_then(|secrets| judge.set(secrets, tolerance));
    secrets.zeroize();
    result
}

#[inline(never)]
fn receive_delivery(
    uart: &mut Uart,
    clock: &mut Clock,
    judge: &mut impl Judge,
    header: &mut [u8; HEADER_BYTES],
    body: &mut [u8; BODY_BYTES],
) -> Answer {
    let length = uart.read_number(2);
    let header = receive(uart, length, header);
    // What is left of a body that is too long has to be passed over all the same.
    let length = uart.read_number(4);
    let room = usize::try_from(length).ok().and_then(|length| body.get_mut(..length));
    let mut bytes = Bytes::new(uart, clock);
    let Some(room) = room else {
        for _ in 0..length {
            bytes.read();
        }
        return Answer::Reject("body_too_large");
    };
    let mut body = Body::new(bytes, room);
    let answer = judge.judge(header, &mut body);
    // Of a body that was refused for its header, the rest is still on its way.
    body.all();
    answer
}

/// Takes in so many bytes, and keeps as many as there is room for.
fn receive<'a>(uart: &mut Uart, length: u64, room: &'a mut [u8]) -> &'a [u8] {
    let kept = usize::try_from(length).unwrap_or(usize::MAX).min(room.len());
    let Some(kept) = room.get_mut(..kept) else { return &[] };
    uart.read_exact(kept);
    uart.skip(length.saturating_sub(kept.len() as u64));
    kept
}
