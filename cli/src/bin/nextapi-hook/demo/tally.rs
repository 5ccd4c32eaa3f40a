//! The rows of the demo's table, and how many are not as designed.

use nextapi_hook::Step;

use super::arrival::Arrived;
use crate::End;
use crate::output::{BAD, GOOD, HEADING, columns, line, row};

/// Counts what was checked while it is printed.
#[derive(Default)]
pub(crate) struct Tally {
    checked: usize,
    bad: usize,
}

impl Tally {
    pub(crate) fn heading() -> anyhow::Result<()> {
        let columns = columns("sent", "the edge answered", "origin got");
        line(format_args!("{HEADING}   {columns}{HEADING:#}"))
    }

    /// Prints what happened in one step.
    pub(crate) fn step(
        &mut self,
        step: &Step,
        answered: &str,
        answers_good: bool,
        arrived: Arrived,
    ) -> anyhow::Result<()> {
        let expected = (!answers_good).then(|| format!("expected {}", step.expected));
        let faults: Vec<_> = expected.into_iter().chain(arrived.faults).collect();
        self.row(&step.what, answered, &arrived.what, &faults)
    }

    /// Prints a row, and below it what is not as designed.
    pub(crate) fn row(
        &mut self,
        what: &str,
        answered: &str,
        received: &str,
        faults: &[String],
    ) -> anyhow::Result<()> {
        self.count(faults.is_empty());
        row(columns(what, answered, received), faults)
    }

    /// Prints something that is so, or is not, for the whole run.
    pub(crate) fn fact(&mut self, fact: &str, faults: &[String]) -> anyhow::Result<()> {
        self.count(faults.is_empty());
        row(fact, faults)
    }

    fn count(&mut self, good: bool) {
        self.checked = self.checked.saturating_add(1);
        self.bad = self.bad.saturating_add(usize::from(!good));
    }

    /// Prints the end of the story.
    pub(crate) fn finish(self) -> anyhow::Result<End> {
        line("")?;
        let checked = self.checked;
        if self.bad == 0 {
            line(format_args!("{GOOD}All {checked} checks are as designed.{GOOD:#}"))?;
            return Ok(End::Good);
        }
        line(format_args!("{BAD}{} of {checked} checks are NOT AS DESIGNED.{BAD:#}", self.bad))?;
        Ok(End::Bad)
    }
}
