//! The programs under QEMU, on the vectors and on what else may arrive.

use std::path::Path;

use crate::Failure;
use crate::board::Board;
use crate::delivery::Delivery;
use crate::program::{Build, in_c};
use crate::vectors::Vector;

/// Keys that the firmware has room for.
const KEYS: usize = 2;
/// Bytes that a body may have there.
const BODY_BYTES: usize = 4_096;
/// Events that it remembers.
const REMEMBERED: u64 = 16;

const SECRET: &[u8] = b"whsec_device";
const NOW: u64 = 1_700_000_000;

pub(crate) fn show(vectors: &[Vector]) -> Result<(), Failure> {
    println!(
        "Claim: on a Cortex-M4 the verdicts are those of the host's vectors (QEMU, mps2-an386)."
    );
    for (title, program, remembers) in [
        ("filter in Rust", Build::EXAMPLE.program("filter")?, true),
        ("filter in C", in_c("filter")?, true),
        ("verifying at once", Build::EXAMPLE.program("verify_at_once")?, false),
    ] {
        let answers = answers_as_expected(&program, remembers, vectors)
            .map_err(|failure| format!("{title}: {failure}"))?;
        println!("  {title}: {answers} answers as expected");
    }
    let answers = payloads_as_expected(&Build::EXAMPLE.program("payload")?)
        .map_err(|failure| format!("reading a payload's own fields: {failure}"))?;
    println!("  reading a payload's own fields: {answers} answers as expected");
    // The same firmware without a verifier accepts everything, which must not go unnoticed.
    let mut blind = Device::start(&Build::EXAMPLE.program("base")?, false)?;
    let Err(failure) = blind.vectors(vectors) else {
        return Err("firmware that accepts everything was not found".into());
    };
    println!("  firmware that accepts everything was found: {failure}");
    Ok(())
}

/// Runs a program on everything. Gives the number of answers.
fn answers_as_expected(
    program: &Path,
    remembers: bool,
    vectors: &[Vector],
) -> Result<usize, Failure> {
    let mut device = Device::start(program, remembers)?;
    device.settings()?;
    device.vectors(vectors)?;
    if remembers {
        device.window()?;
    }
    device.bodies()?;
    device.held_back()?;
    Ok(device.answers)
}

/// Fields are read from what was verified, and from nothing else. What lacks them, or is nested deeper than the
/// stack of a small device allows, is authentic all the same.
fn payloads_as_expected(program: &Path) -> Result<usize, Failure> {
    let mut device = Device::start(program, false)?;
    device.set(&[SECRET.to_vec()], 300, 300, "set")?;
    let payload = |resolution: &str, seconds: &str, more: &str| {
        let job =
            format!(r#"{{"resolution":{resolution},"x":[{{}}],"duration_seconds":{seconds}}}"#);
        format!(r#"{{"type":"job.succeeded","more":{more},"data":{{"job":{job}}}}}"#).into_bytes()
    };
    let deep = format!("{}{}", "[".repeat(1_900), "]".repeat(1_900));
    for (body, answer) in [
        (payload(r#""720p""#, "17", "null"), "accept 0 720p 00000011"),
        (payload(r#""72\u0030p""#, "17", "null"), "accept 0"),
        (payload(r#""a resolution""#, "17", "null"), "accept 0"),
        (payload(r#""720p""#, "5.0", "null"), "accept 0"),
        (payload(r#""720p""#, "4294967296", "null"), "accept 0"),
        (payload(r#""720p""#, "17", "tru"), "accept 0"),
        (payload(r#""720p""#, "17", &deep), "accept 0"),
        (b"no JSON".to_vec(), "accept 0"),
        (Vec::new(), "accept 0"),
    ] {
        device.deliver(&Delivery::signed(SECRET, NOW, body)?, answer)?;
    }
    let forged = Delivery::signed(b"whsec_other", NOW, payload(r#""720p""#, "17", "null"))?;
    device.deliver(&forged, "reject signature_mismatch")?;
    Ok(device.answers)
}

struct Device {
    board: Board,
    /// Whether it knows an event again.
    remembers: bool,
    answers: usize,
}

impl Device {
    fn start(program: &Path, remembers: bool) -> Result<Self, Failure> {
        Ok(Self { board: Board::start(program)?, remembers, answers: 0 })
    }

    /// Settings that are refused leave the device without keys.
    fn settings(&mut self) -> Result<(), Failure> {
        let secret = SECRET.to_vec();
        let delivery = Delivery::signed(SECRET, NOW, b"{}".to_vec())?;
        self.deliver(&delivery, "reject key_none")?;
        for (secrets, answer) in [
            (vec![], "reject key_none"),
            (vec![vec![]], "reject key_empty"),
            (vec![secret.clone(), vec![]], "reject key_empty"),
            (vec![secret.clone(); KEYS + 1], "reject key_too_many"),
        ] {
            self.set(&secrets, 300, 300, answer)?;
            self.deliver(&delivery, "reject key_none")?;
        }
        self.set(&[secret], 300, 300, "set")?;
        self.deliver(&delivery, "accept 0")
    }

    fn vectors(&mut self, vectors: &[Vector]) -> Result<(), Failure> {
        for vector in vectors {
            self.vector(vector).map_err(|failure| format!("{}: {failure}", vector.name))?;
        }
        Ok(())
    }

    /// Every vector comes twice.
    fn vector(&mut self, vector: &Vector) -> Result<(), Failure> {
        if vector.secrets.len() > KEYS {
            return self.set(&vector.secrets, vector.past, vector.future, "reject key_too_many");
        }
        self.set(&vector.secrets, vector.past, vector.future, "set")?;
        self.deliver(&vector.delivery, &vector.answer)?;
        let accepted = vector.answer.starts_with("accept");
        let again = if accepted && self.remembers { "duplicate" } else { &vector.answer };
        self.deliver(&vector.delivery, again)
    }

    /// The event that came first is forgotten when there is no room for another one.
    fn window(&mut self) -> Result<(), Failure> {
        self.set(&[SECRET.to_vec()], 300, 300, "set")?;
        for number in 0..REMEMBERED {
            self.deliver(&event(number)?, "accept 0")?;
        }
        for number in 0..REMEMBERED {
            self.deliver(&event(number)?, "duplicate")?;
        }
        self.deliver(&event(REMEMBERED)?, "accept 0")?;
        self.deliver(&event(1)?, "duplicate")?;
        self.deliver(&event(0)?, "accept 0")
    }

    /// A body that is too long is passed over, and what comes after it is understood.
    fn bodies(&mut self) -> Result<(), Failure> {
        self.set(&[SECRET.to_vec()], 300, 300, "set")?;
        let body = |length| Delivery::signed(SECRET, NOW, vec![b'x'; length]);
        self.deliver(&body(BODY_BYTES)?, "accept 0")?;
        self.deliver(&body(BODY_BYTES + 1)?, "reject body_too_large")?;
        let answer = self.board.send(b"?")?;
        self.expect(&answer, "reject frame_unknown")?;
        self.deliver(&body(BODY_BYTES)?, if self.remembers { "duplicate" } else { "accept 0" })
    }

    /// What counts is the time of the device's clock when the last byte has come, however young the delivery was
    /// when it began.
    fn held_back(&mut self) -> Result<(), Failure> {
        let accept = "accept 0";
        for (begins, ends, answer) in [
            (291, 291, accept),
            (291, 299, accept),
            (291, 300, "reject timestamp_expired"),
            (291, 305, "reject timestamp_expired"),
            (0, 86_400, "reject timestamp_expired"),
            // Ahead of the clock when it begins, and not any more when it ends.
            (-305, -300, "reject timestamp_ahead"),
            (-305, -299, accept),
            (-305, 305, "reject timestamp_expired"),
            // A clock that is set back is believed as well.
            (305, 291, accept),
        ] {
            self.set(&[SECRET.to_vec()], 300, 300, "set")?;
            // Longer than what is handed on at a time.
            let mut delivery = Delivery::signed(SECRET, NOW, vec![b'x'; 300])?;
            delivery.now = NOW.saturating_add_signed(begins);
            let given = self.board.deliver_late(&delivery, NOW.saturating_add_signed(ends))?;
            self.expect(&given, answer)
                .map_err(|failure| format!("age {begins} s to {ends} s: {failure}"))?;
        }
        Ok(())
    }

    fn set(
        &mut self,
        secrets: &[Vec<u8>],
        past: u64,
        future: u64,
        expected: &str,
    ) -> Result<(), Failure> {
        let answer = self.board.set(secrets, past, future)?;
        self.expect(&answer, expected)
    }

    fn deliver(&mut self, delivery: &Delivery, expected: &str) -> Result<(), Failure> {
        let answer = self.board.deliver(delivery)?;
        self.expect(&answer, expected)
    }

    fn expect(&mut self, answer: &str, expected: &str) -> Result<(), Failure> {
        if answer != expected {
            return Err(format!("`{answer}` instead of `{expected}`").into());
        }
        self.answers = self.answers.saturating_add(1);
        Ok(())
    }
}

/// An event like the provider's.
fn event(number: u64) -> Result<Delivery, Failure> {
    let body =
        format!(r#"{{"id":"evt_{number}","type":"job.succeeded","data":{{"job_id":"job_1"}}}}"#);
    Ok(Delivery::signed(SECRET, NOW, body.into_bytes())?)
}
