//! `nextapi-hook send`

mod many;

use anyhow::Context as _;
use clap::Args;
use nextapi_hook::{Scenario, is_edge_answer, summary};
use nextapi_testkit::Deliverer;
use nextapi_webhook::{Key, UnixTime};

use crate::output::{HEADING, columns, heading, line, row};
use crate::secret_argument::SecretArgument;
use crate::{End, help};
use many::Many;

/// Be the deliverer: deliver events to an edge and check its answers
#[derive(Args)]
#[command(long_about = help::SEND, after_long_help = help::AFTER_SEND)]
pub(crate) struct Send {
    #[command(flatten)]
    secret: SecretArgument,
    /// Where the deliveries go
    #[arg(long)]
    url: Option<String>,
    /// Tell only this scenario; `list` explains them all [default: all of them]
    #[arg(long, value_name = "NAME", conflicts_with = "Many")]
    scenario: Option<String>,
    #[command(flatten)]
    many: Option<Many>,
}

impl Send {
    pub(crate) async fn run(self) -> anyhow::Result<End> {
        let scenarios = match self.scenario.as_deref() {
            Some("list") => return list(),
            Some(name) => core::slice::from_ref(Scenario::find(name)?),
            None => Scenario::all(),
        };
        let url = self.url.context("where to? Give --url URL")?;
        let deliverer = Deliverer::new(&url)?;
        let key = self.secret.load()?.signing_key()?;
        match self.many {
            Some(many) => many.send(&deliverer, key).await,
            None => tell(scenarios, &deliverer, &key).await,
        }
    }
}

async fn tell(scenarios: &[Scenario], deliverer: &Deliverer, key: &Key) -> anyhow::Result<End> {
    let (mut all_good, mut any_by_status) = (true, false);
    for scenario in scenarios {
        heading(scenario.name(), scenario.about())?;
        for step in scenario.steps(key, UnixTime::now())? {
            let answers = step.run(deliverer).await?;
            let by_status = !answers.iter().any(is_edge_answer);
            let (good, expected) = if by_status {
                let statuses = step.expected.statuses();
                (statuses.is_met_by(&answers), statuses.to_string())
            } else {
                (step.expected.is_met_by(&answers), step.expected.to_string())
            };
            all_good &= good;
            any_by_status |= by_status;
            let fault = (!good).then(|| format!("expected {expected}"));
            row(columns(&step.what, &summary(&answers), ""), fault.as_slice())?;
        }
    }
    if any_by_status {
        line("Answers that are not in the edge's form were judged by their status alone.")?;
    }
    Ok(if all_good { End::Good } else { End::Bad })
}

fn list() -> anyhow::Result<End> {
    for scenario in Scenario::all() {
        line(format_args!("{HEADING}{:<14}{HEADING:#}{}", scenario.name(), scenario.about()))?;
    }
    Ok(End::Good)
}
