//! Interleaved measuring: every round times every subject, shortly after one another.
//!
//! What else happens on the machine, and the clock rate, change from one second to the next. Within
//! a round they are nearly the same for all, so the ratio of two times of one round says more than
//! the ratio of two means.

use core::time::Duration;

use crate::{Quartiles, Subject, WrongAnswer};

/// How long a subject is called at a stretch: long beside reading the clock, short beside the slice
/// of time that the system gives to a process.
const STRETCH: Duration = Duration::from_micros(100);

/// What [`measure`] has found.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// One per subject: its name, and nanoseconds per call in each round.
    times: Vec<(String, Vec<f64>)>,
}

/// Measures the subjects in `rounds` rounds.
///
/// # Errors
/// [`WrongAnswer`] if a subject has given one.
pub fn measure(subjects: &mut [Subject<'_>], rounds: u32) -> Result<Measured, WrongAnswer> {
    let mut stretches = Vec::new();
    for subject in &mut *subjects {
        stretches.push(calls_in_a_stretch(subject)?);
    }
    let mut measured = Measured {
        times: subjects.iter().map(|subject| (subject.name().to_owned(), Vec::new())).collect(),
    };
    // Each round begins with the next one, so that none always comes first.
    let count = subjects.len();
    for first in (0..count).cycle().take(rounds as usize) {
        for at in (0..count).cycle().skip(first).take(count) {
            let (Some(subject), Some(calls), Some((_, times))) =
                (subjects.get_mut(at), stretches.get(at), measured.times.get_mut(at))
            else {
                continue;
            };
            let time = subject.time(u64::from(*calls))?;
            times.push(time.as_secs_f64() * 1e9 / f64::from(*calls));
        }
    }
    Ok(measured)
}

/// How many calls fill a stretch; they warm the subject up as well.
fn calls_in_a_stretch(subject: &mut Subject<'_>) -> Result<u32, WrongAnswer> {
    let mut calls: u32 = 1;
    while subject.time(u64::from(calls))? < STRETCH {
        calls = calls.saturating_mul(2);
    }
    Ok(calls)
}

impl Measured {
    /// Nanoseconds that a call took.
    #[must_use]
    pub fn nanoseconds(&self, name: &str) -> Quartiles {
        Quartiles::of(self.rounds(name).to_vec())
    }

    /// How many times as long as `reference` a call took: quartiles of the rounds' ratios.
    #[must_use]
    pub fn ratio(&self, name: &str, reference: &str) -> Quartiles {
        let pairs = self.rounds(name).iter().zip(self.rounds(reference));
        Quartiles::of(pairs.map(|(time, reference)| time / reference).collect())
    }

    /// The subjects' names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.times.iter().map(|(name, _)| name.as_str())
    }

    fn rounds(&self, name: &str) -> &[f64] {
        let found = self.times.iter().find(|(other, _)| other == name);
        found.map_or(&[], |(_, times)| times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_is_timed_in_every_round() {
        let mut subjects = [Subject::new("a", || true), Subject::new("b", || true)];
        let measured = measure(&mut subjects, 3).unwrap();
        assert_eq!(measured.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(measured.rounds("a").len(), 3);
        assert_eq!(measured.rounds("b").len(), 3);
    }

    #[test]
    fn a_wrong_answer_ends_the_measuring() {
        let mut subjects = [Subject::new("a", || true), Subject::new("b", || false)];
        assert!(measure(&mut subjects, 1).is_err());
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let times = vec![
            ("a".to_owned(), vec![2.0, 20.0, 200.0]),
            ("b".to_owned(), vec![1.0, 10.0, 100.0]),
        ];
        let ratio = Measured { times }.ratio("a", "b");
        assert_eq!(ratio, Quartiles { lower: 2.0, median: 2.0, upper: 2.0 });
    }
}
