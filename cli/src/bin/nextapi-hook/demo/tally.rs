//! The rows of the demo's table, and how many are not as designed.

use nextapi_hook::Step;

use super::arrival::Arrived;
use crate::End;
use crate::output::{BAD, GOOD, HEADING, line, verdict};

/// Counts what was checked while it is printed.
#[derive(Default)]
pub(crate) struct Tally {
    checked: usize,
    bad: usize,
}

impl Tally {
    pub(crate) fn heading() -> anyhow::Result<()> {
        let (sent, answered, received) = ("sent", "the edge answered", "the origin received");
        line(format_args!("{HEADING}  {sent:<30} {answered:<34} {received}{HEADING:#}"))
    }

    /// Prints what happened in one step.
    pub(crate) fn row(
        &mut self,
        step: &Step,
        answered: &str,
        answers_good: bool,
        arrived: &Arrived,
    ) -> anyhow::Result<()> {
        let expected = (!answers_good).then(|| format!("expected: {}", step.expected));
        let faults: Vec<_> = expected.iter().chain(&arrived.faults).collect();
        self.line(&step.what, answered, &arrived.what, &faults)
    }

    /// Prints a row, and below it what is not as designed.
    pub(crate) fn line(
        &mut self,
        what: &str,
        answered: &str,
        received: &str,
        faults: &[&String],
    ) -> anyhow::Result<()> {
        let good = faults.is_empty();
        self.count(good);
        line(format_args!("  {what:<30} {answered:<34} {received:<24} {}", verdict(good)))?;
        for fault in faults {
            line(format_args!("    {fault}"))?;
        }
        Ok(())
    }

    /// Prints something that holds, or does not, for the whole run.
    pub(crate) fn fact(&mut self, fact: &str, good: bool) -> anyhow::Result<()> {
        self.count(good);
        line(format_args!("  {fact:<90} {}", verdict(good)))
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
