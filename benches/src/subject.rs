//! Something that is measured, and that checks its own answer.

use core::fmt;
use core::time::Duration;
use std::time::Instant;

/// A subject gave an answer that it must not give; whatever its time is, it counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongAnswer(String);

impl fmt::Display for WrongAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: wrong answer, nothing was measured", self.0)
    }
}

impl core::error::Error for WrongAnswer {}

/// Something that is measured.
pub struct Subject<'a> {
    name: String,
    /// Calls so many times in a row, and answers whether every answer was right.
    run: Box<dyn FnMut(u64) -> bool + 'a>,
}

impl<'a> Subject<'a> {
    /// A subject whose `call` answers whether the answer it got was the right one.
    pub fn new(name: impl Into<String>, mut call: impl FnMut() -> bool + 'a) -> Self {
        // The loop is inside, so that what is called through a pointer is the loop, not the call.
        Self { name: name.into(), run: Box::new(move |calls| (0..calls).all(|_| call())) }
    }

    /// What it is called in tables.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long so many calls in a row take.
    ///
    /// # Errors
    /// [`WrongAnswer`] if one of them was answered wrongly.
    pub fn time(&mut self, calls: u64) -> Result<Duration, WrongAnswer> {
        let start = Instant::now();
        let right = (self.run)(calls);
        let time = start.elapsed();
        if right { Ok(time) } else { Err(WrongAnswer(self.name.clone())) }
    }
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_answer_of_many_fails() {
        let mut calls = 0;
        let mut subject = Subject::new("odd", || {
            calls += 1;
            calls != 5
        });
        assert!(subject.time(4).is_ok());
        assert_eq!(subject.time(4), Err(WrongAnswer("odd".to_owned())));
    }
}
