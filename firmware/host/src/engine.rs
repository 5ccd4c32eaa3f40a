//! The firmware with a hash unit: three answers to every delivery, and how the unit was used for two of them. See
//! the firmware's `bin/engine`.

use nextapi_webhook::Pending;

use crate::Failure;
use crate::board::Board;
use crate::delivery::Delivery;
use crate::program::Build;
use crate::vectors::Vector;

/// Keys that the firmware has room for.
const KEYS: usize = 2;
const SECRET: &[u8] = b"whsec_device";
const NOW: u64 = 1_700_000_000;

/// Phases of one computation, of which each ends with an interrupt: the key, the message, the key again.
const PHASES: u64 = 3;
/// Words of a digest of SHA-256.
const DIGEST_WORDS: u64 = 8;

/// How the unit was used for one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Use {
    starts: u64,
    words: u64,
    digest_words: u64,
    interrupts: u64,
    misuses: u64,
}

impl Use {
    /// How it has to be used: by every key for every delivery whose header can be read, and not otherwise.
    fn expected(
        secrets: &[Vec<u8>],
        delivery: &Delivery,
        interrupts: bool,
    ) -> Result<Self, Failure> {
        let Ok(pending) = Pending::parse(&delivery.header) else { return Ok(Self::default()) };
        let message: usize = pending.message(&delivery.body).iter().map(|part| part.len()).sum();
        // Each of the three phases begins with a word of its own; the key comes twice.
        let words = |secret: &Vec<u8>| {
            let key = secret.len().div_ceil(4);
            key.saturating_mul(2).saturating_add(message.div_ceil(4))
        };
        let keys = u64::try_from(secrets.len())?;
        Ok(Self {
            starts: keys,
            words: u64::try_from(secrets.iter().map(words).sum::<usize>())?,
            digest_words: keys.saturating_mul(DIGEST_WORDS),
            interrupts: if interrupts { keys.saturating_mul(PHASES) } else { 0 },
            misuses: 0,
        })
    }

    /// Five hexadecimal numbers.
    fn read(numbers: &[&str]) -> Result<Self, Failure> {
        let [starts, words, digest_words, interrupts, misuses] = numbers else {
            return Err(format!("{} numbers instead of five", numbers.len()).into());
        };
        let number = |digits: &str| u64::from_str_radix(digits, 16);
        Ok(Self {
            starts: number(starts)?,
            words: number(words)?,
            digest_words: number(digest_words)?,
            interrupts: number(interrupts)?,
            misuses: number(misuses)?,
        })
    }
}

/// One answer, and how the unit was used for it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    text: String,
    used: Use,
}

impl Answer {
    fn read(text: &str) -> Result<Self, Failure> {
        let words: Vec<&str> = text.split(' ').collect();
        let (answer, numbers) = words.split_at_checked(2).ok_or("not even an answer")?;
        Ok(Self { text: answer.join(" "), used: Use::read(numbers)? })
    }
}

/// The three answers to a delivery: from keys of the crate, by an engine that is waited for, and by interrupts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answers {
    own: String,
    polled: Answer,
    interrupted: Answer,
}

impl Answers {
    fn read(line: &str) -> Result<Self, Failure> {
        let parts: Vec<&str> = line.split("; ").collect();
        let [own, polled, interrupted] = parts[..] else {
            return Err(format!("`{line}` instead of three answers").into());
        };
        let answer = |text| Answer::read(text).map_err(|failure| format!("`{line}`: {failure}"));
        Ok(Self { own: own.to_owned(), polled: answer(polled)?, interrupted: answer(interrupted)? })
    }

    /// Whether all three are as expected, and the unit was used as it has to be.
    fn check(
        &self,
        secrets: &[Vec<u8>],
        delivery: &Delivery,
        expected: &str,
    ) -> Result<(), Failure> {
        if self.own != expected {
            return Err(format!("`{}` instead of `{expected}`", self.own).into());
        }
        for (how, interrupts, answer) in
            [("waited for", false, &self.polled), ("with interrupts", true, &self.interrupted)]
        {
            if answer.text != expected {
                return Err(format!("{how}: `{}` instead of `{expected}`", answer.text).into());
            }
            let used = Use::expected(secrets, delivery, interrupts)?;
            if answer.used != used {
                return Err(format!("{how}: {:?} instead of {used:?}", answer.used).into());
            }
        }
        Ok(())
    }
}

pub(crate) fn show(vectors: &[Vector]) -> Result<(), Failure> {
    println!(
        "Claim: with a hash unit the verdicts are the same, it is used once for each key, and a dead one lets \
         nobody in."
    );
    let mut device = Device::start()?;
    device.vectors(vectors)?;
    device.lengths()?;
    let Device { deliveries, computations, .. } = device;
    println!(
        "  {deliveries} deliveries, each waited for and with interrupts: the answers of the verifier, \
         {computations} computations, one for each key"
    );
    println!("  a unit that is dead or hangs: {} answers as expected", device.dead()?);
    // A unit without a clock counts nothing.
    device.defect('c')?;
    let Err(failure) = device.vectors(vectors) else {
        return Err("a unit that is not used was not found".into());
    };
    println!("  a unit that is not used was found: {failure}");
    Ok(())
}

struct Device {
    board: Board,
    deliveries: u64,
    computations: u64,
}

impl Device {
    fn start() -> Result<Self, Failure> {
        let board = Board::start(&Build::EXAMPLE.program("engine")?)?;
        Ok(Self { board, deliveries: 0, computations: 0 })
    }

    fn vectors(&mut self, vectors: &[Vector]) -> Result<(), Failure> {
        for vector in vectors.iter().filter(|vector| vector.secrets.len() <= KEYS) {
            self.set(&vector.secrets, vector.past, vector.future)?;
            self.deliver(&vector.secrets, &vector.delivery, &vector.answer)
                .map_err(|failure| format!("{}: {failure}", vector.name))?;
        }
        Ok(())
    }

    /// Keys and bodies that end everywhere in a word and in a block.
    fn lengths(&mut self) -> Result<(), Failure> {
        for length in [1, 2, 3, 4, 5, 63, 64, 65, 66, 67, 68, 128, 129, 255] {
            let secrets = [vec![b'n'; 64], vec![b'o'; length]];
            self.set(&secrets, 300, 300)?;
            let delivery = Delivery::signed(&secrets[1], NOW, b"{}".to_vec())?;
            self.deliver(&secrets, &delivery, "accept 1")
                .map_err(|failure| format!("a key of {length} bytes: {failure}"))?;
        }
        let secrets = [SECRET.to_vec()];
        self.set(&secrets, 300, 300)?;
        for length in (0..=130).chain([4_095, 4_096]) {
            let delivery = Delivery::signed(SECRET, NOW, vec![b'x'; length])?;
            let changed =
                Delivery { header: delivery.header.clone(), now: NOW, body: vec![b'y'; length] };
            let refused = if length == 0 { "accept 0" } else { "reject signature_mismatch" };
            self.deliver(&secrets, &delivery, "accept 0")
                .and_then(|()| self.deliver(&secrets, &changed, refused))
                .map_err(|failure| format!("a body of {length} bytes: {failure}"))?;
        }
        Ok(())
    }

    /// What becomes of a sound delivery, and of one with the signature that a dead unit would compute, which anybody
    /// can write, when the unit has no clock, is not there, hangs, interrupts too early, or gives nothing but zeros
    /// or ones.
    fn dead(&mut self) -> Result<u64, Failure> {
        const ACCEPT: &str = "accept 0";
        const TIMED_OUT: &str = "reject engine_timed_out";
        const MISMATCH: &str = "reject signature_mismatch";
        let secrets = [SECRET.to_vec()];
        self.set(&secrets, 300, 300)?;
        let sound = Delivery::signed(SECRET, NOW, b"{}".to_vec())?;
        let forged = |digit: &str| Delivery {
            header: format!("t={NOW},v={}", digit.repeat(64)).into_bytes(),
            ..sound.clone()
        };
        let mut answers: u64 = 0;
        // By the defect's name: what is answered to a sound delivery and to a forged one.
        for (defect, to_sound, to_forged) in [
            ('c', TIMED_OUT, TIMED_OUT),
            ('u', TIMED_OUT, TIMED_OUT),
            ('r', TIMED_OUT, TIMED_OUT),
            ('n', TIMED_OUT, TIMED_OUT),
            ('e', ACCEPT, MISMATCH),
            ('0', MISMATCH, MISMATCH),
            ('1', MISMATCH, MISMATCH),
        ] {
            self.defect(defect)?;
            for (delivery, own, expected) in [
                (&sound, ACCEPT, to_sound),
                (&forged("0"), MISMATCH, to_forged),
                (&forged("f"), MISMATCH, to_forged),
            ] {
                let given = Answers::read(&self.board.deliver(delivery)?)?;
                let texts = [&*given.own, &*given.polled.text, &*given.interrupted.text];
                if texts != [own, expected, expected] {
                    return Err(format!("a unit with the defect `{defect}`: {texts:?}").into());
                }
                answers = answers.saturating_add(3);
            }
            // Mended, it works at once.
            self.defect('-')?;
            self.deliver(&secrets, &sound, ACCEPT)?;
            answers = answers.saturating_add(3);
        }
        Ok(answers)
    }

    fn set(&mut self, secrets: &[Vec<u8>], past: u64, future: u64) -> Result<(), Failure> {
        expect_set(&self.board.set(secrets, past, future)?)
    }

    fn defect(&mut self, name: char) -> Result<(), Failure> {
        expect_set(&self.board.send(&[u8::try_from(name)?])?)
    }

    fn deliver(
        &mut self,
        secrets: &[Vec<u8>],
        delivery: &Delivery,
        expected: &str,
    ) -> Result<(), Failure> {
        let answers = Answers::read(&self.board.deliver(delivery)?)?;
        answers.check(secrets, delivery, expected)?;
        self.deliveries = self.deliveries.saturating_add(1);
        for answer in [&answers.polled, &answers.interrupted] {
            self.computations = self.computations.saturating_add(answer.used.starts);
        }
        Ok(())
    }
}

fn expect_set(answer: &str) -> Result<(), Failure> {
    if answer == "set" { Ok(()) } else { Err(format!("`{answer}` instead of `set`").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two keys of 12 and 3 bytes, and 10 digits, a dot and two bytes: 2 * 3 + 2 * 1 + 2 * 4 words.
    const LINE: &str = "accept 1; accept 1 00000002 00000010 00000010 00000000 00000000; \
        accept 1 00000002 00000010 00000010 00000006 00000000";

    fn check(line: &str) -> Result<(), Failure> {
        let secrets = [SECRET.to_vec(), b"old".to_vec()];
        let delivery = Delivery::signed(b"old", NOW, b"{}".to_vec())?;
        Answers::read(line)?.check(&secrets, &delivery, "accept 1")
    }

    #[test]
    fn answers_and_counts_have_to_be_right() {
        check(LINE).unwrap();
        // One number or letter after the other.
        for (at, _) in LINE.match_indices(|character: char| character.is_ascii_alphanumeric()) {
            let mut line = LINE.to_owned();
            let other = if line[at..].starts_with('7') { "8" } else { "7" };
            line.replace_range(at..=at, other);
            assert!(check(&line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_is_missing_is_found() {
        for line in ["", "accept 1", "accept 1; accept 1; accept 1", &LINE[..LINE.len() - 9]] {
            assert!(check(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_header_that_cannot_be_read_costs_no_computation() {
        let delivery = Delivery { now: NOW, header: b"v=0".to_vec(), body: Vec::new() };
        let used = Use::expected(&[SECRET.to_vec()], &delivery, true).unwrap();
        assert_eq!(used, Use::default());
    }
}
