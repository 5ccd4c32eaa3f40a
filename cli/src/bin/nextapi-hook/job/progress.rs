//! How a job goes, shown while somebody waits.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nextapi_client::{Job, Status};
use serde_json::Value;

use super::report;
use crate::output::line;

/// A progress bar on a terminal, or a line of JSON for each change.
pub(super) struct Progress {
    /// Without one it is JSON.
    bar: Option<ProgressBar>,
    shown: Option<(Status, Option<u8>)>,
}

impl Progress {
    /// The bar is on the standard error, and only if that is a terminal. It has no colours.
    pub(super) fn new(json: bool) -> anyhow::Result<Self> {
        let bar = if json {
            None
        } else {
            let bar = ProgressBar::with_draw_target(Some(100), ProgressDrawTarget::stderr());
            Some(bar.with_style(ProgressStyle::with_template("{bar:40} {pos} % {msg} {elapsed}")?))
        };
        Ok(Self { bar, shown: None })
    }

    /// Shows how a job is, if it is not as it was before.
    pub(super) fn show(&mut self, job: &Job) -> anyhow::Result<()> {
        let now = (job.status.clone(), job.progress);
        if self.shown.as_ref() == Some(&now) {
            return Ok(());
        }
        self.shown = Some(now);
        if let Some(bar) = &self.bar {
            bar.set_position(job.progress.unwrap_or(0).into());
            bar.set_message(report::status(job));
            return Ok(());
        }
        let mut change = report::as_json(job);
        if let Value::Object(fields) = &mut change {
            fields.insert("kind".to_owned(), "job".into());
        }
        line(change)
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
