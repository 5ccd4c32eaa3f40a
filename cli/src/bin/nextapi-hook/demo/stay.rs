//! The edge stays after the demo, so that somebody can look at the operator's page.

use nextapi_testkit::{LocalEdge, LocalEdgeBuilder, random_hex};

use crate::output::{HEADING, line};
use crate::signals::Signals;

/// What opens the page.
pub(super) struct Stay {
    token: String,
}

impl Stay {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self { token: random_hex::<16>()? })
    }

    /// The settings with which there is something to look at, and to do: the bytes of events are kept, which can then
    /// be replayed.
    pub(super) fn open(&self, edge: LocalEdgeBuilder) -> LocalEdgeBuilder {
        edge.setting("ADMIN_TOKEN", &self.token).setting("KEEP_BODIES_HOURS", "1")
    }

    /// Says where the page is, and waits for a signal.
    pub(super) async fn wait(&self, edge: &LocalEdge, signals: &mut Signals) -> anyhow::Result<()> {
        line(format_args!("{HEADING}The operator's page{HEADING:#} is at {}_edge/", edge.url()))?;
        line(format_args!("The token that it asks for: {}", self.token))?;
        line("Edge and origin stay until Ctrl-C.")?;
        signals.wait().await;
        Ok(())
    }

    /// Whether a text has the token in it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        text.contains(&self.token)
    }
}
