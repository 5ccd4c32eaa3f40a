//! `nextapi-hook send`

mod many;

use anyhow::Context as _;
use clap::Args;
use nextapi_hook::{Scenario, summary};
use nextapi_testkit::{Deliverer, Gate};
use nextapi_webhook::{Key, UnixTime};

use crate::output::{HEADING, line, verdict};
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
    let mut all_good = true;
    for scenario in scenarios {
        line(format_args!("{HEADING}{}{HEADING:#}: {}", scenario.name(), scenario.about()))?;
        for step in scenario.steps(key, UnixTime::now())? {
            let answers = step.run(deliverer, &Gate::new()).await?;
            let good = step.expected.is_met_by(&answers);
            all_good &= good;
            let (what, answered) = (&step.what, summary(&answers));
            line(format_args!("  {what:<30} {answered:<34} {}", verdict(good)))?;
            if !good {
                line(format_args!("    expected: {}", step.expected))?;
            }
        }
    }
    Ok(if all_good { End::Good } else { End::Bad })
}

fn list() -> anyhow::Result<End> {
    for scenario in Scenario::all() {
        line(format_args!("{HEADING}{:<14}{HEADING:#}{}", scenario.name(), scenario.about()))?;
    }
    Ok(End::Good)
}
