//! The firmware on QEMU's model of the board, and the frames that it is sent: see the firmware's
//! `receiver.rs`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::Failure;
use crate::delivery::Delivery;

/// Virtual nanoseconds to an instruction, as a power of two: 64.
const INSTRUCTION_SHIFT: u32 = 6;
/// The board's system timer runs at 25 MHz: a tick takes 40 ns.
const TICK_NANOSECONDS: u64 = 40;

/// How long to wait for firmware that has lost its way. An answer takes milliseconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running firmware, stopped when it is dropped.
pub(crate) struct Board {
    qemu: Child,
    to: ChildStdin,
    lines: Receiver<String>,
}

impl Board {
    /// Starts the firmware, and waits until it says that it is ready.
    pub(crate) fn start(firmware: &Path) -> Result<Self, Failure> {
        let mut qemu = Command::new("qemu-system-arm")
            .args(["-machine", "mps2-an386", "-cpu", "cortex-m4"])
            .args(["-display", "none", "-monitor", "none"])
            // So many virtual nanoseconds to every instruction, and waiting costs no real time.
            .args(["-icount", &format!("shift={INSTRUCTION_SHIFT},sleep=off")])
            .args(["-chardev", "stdio,id=uart,signal=off", "-serial", "chardev:uart"])
            .arg("-kernel")
            .arg(firmware)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                format!("cannot start qemu-system-arm: {error}; on Debian: apt-get install qemu-system-arm")
            })?;
        let to = qemu.stdin.take().ok_or("qemu has no standard input")?;
        let from = BufReader::new(qemu.stdout.take().ok_or("qemu has no standard output")?);
        let (sender, lines) = mpsc::channel();
        // Ends with qemu, or with the board.
        thread::spawn(move || {
            from.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut board = Self { qemu, to, lines };
        let greeting = board.answer()?;
        if greeting != "ready" {
            return Err(format!("the firmware began with `{greeting}`").into());
        }
        Ok(board)
    }

    /// Gives it keys, newest first, and a tolerance. Gives its answer.
    pub(crate) fn set(
        &mut self,
        secrets: &[Vec<u8>],
        past: u64,
        future: u64,
    ) -> Result<String, Failure> {
        let mut frame = vec![b'S'];
        frame.extend_from_slice(&past.to_le_bytes());
        frame.extend_from_slice(&future.to_le_bytes());
        frame.push(u8::try_from(secrets.len())?);
        for secret in secrets {
            frame.push(u8::try_from(secret.len())?);
            frame.extend_from_slice(secret);
        }
        self.send(&frame)
    }

    /// Sets its clock and delivers. Gives its answer.
    pub(crate) fn deliver(&mut self, delivery: &Delivery) -> Result<String, Failure> {
        self.set_clock(delivery.now)?;
        let mut frame = begin(delivery)?;
        frame.extend(parts(&delivery.body)?);
        self.send(&frame)
    }

    /// Delivers, but holds back the last byte of the body until the device's clock says `later`. Gives its
    /// answer.
    pub(crate) fn deliver_late(
        &mut self,
        delivery: &Delivery,
        later: u64,
    ) -> Result<String, Failure> {
        self.set_clock(delivery.now)?;
        let (last, first) = delivery.body.split_last().ok_or("an empty body has no last byte")?;
        let mut frame = begin(delivery)?;
        frame.extend(parts(first)?);
        frame.push(0);
        frame.extend_from_slice(&later.to_le_bytes());
        frame.extend(parts(&[*last])?);
        self.send(&frame)
    }

    fn set_clock(&mut self, now: u64) -> Result<(), Failure> {
        let mut frame = vec![b'T'];
        frame.extend_from_slice(&now.to_le_bytes());
        match self.send(&frame)?.as_str() {
            "set" => Ok(()),
            answer => Err(format!("the clock was answered by `{answer}`").into()),
        }
    }

    /// Sends a frame. Gives its answer.
    pub(crate) fn send(&mut self, frame: &[u8]) -> Result<String, Failure> {
        self.to.write_all(frame)?;
        self.to.flush()?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String, Failure> {
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.map_err(|_| "the firmware does not answer any more")?;
        // It says so at the end of whatever it was just saying.
        if line.ends_with("panic") || line.ends_with("fault") {
            return Err(format!("the firmware stopped: {line}").into());
        }
        Ok(line)
    }
}

/// A delivery's frame up to its body.
fn begin(delivery: &Delivery) -> Result<Vec<u8>, Failure> {
    let mut frame = vec![b'D'];
    frame.extend_from_slice(&u16::try_from(delivery.header.len())?.to_le_bytes());
    frame.extend_from_slice(&delivery.header);
    frame.extend_from_slice(&u32::try_from(delivery.body.len())?.to_le_bytes());
    Ok(frame)
}

/// Bytes of a body, each part with its length before it.
fn parts(body: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut frame = Vec::new();
    for part in body.chunks(u8::MAX.into()) {
        frame.push(u8::try_from(part.len())?);
        frame.extend_from_slice(part);
    }
    Ok(frame)
}

impl Drop for Board {
    fn drop(&mut self) {
        // Firmware never ends by itself. If it is gone already, there is nothing to stop.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// Instructions that were executed in so many ticks of the system timer.
pub(crate) fn instructions(ticks: u64) -> u64 {
    let nanoseconds = ticks.saturating_mul(TICK_NANOSECONDS);
    (nanoseconds >> INSTRUCTION_SHIFT).saturating_add((nanoseconds >> (INSTRUCTION_SHIFT - 1)) & 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_body_is_longer_than_its_length_says() {
        for length in [0, 1, 254, 255, 256, 510, 4_097] {
            let body = vec![7; length];
            let mut frame = &*parts(&body).unwrap();
            let mut received = Vec::new();
            while let [length, rest @ ..] = frame {
                assert_ne!(*length, 0, "that would set the clock");
                let (part, rest) = rest.split_at(usize::from(*length));
                received.extend_from_slice(part);
                frame = rest;
            }
            assert_eq!((received, frame), (body, &[][..]), "{length}");
        }
    }

    #[test]
    fn an_instruction_is_one_and_six_tenths_ticks() {
        for (ticks, executed) in [(0, 0), (1, 1), (2, 1), (3, 2), (8, 5), (160_000, 100_000)] {
            assert_eq!(instructions(ticks), executed, "{ticks}");
        }
    }
}
