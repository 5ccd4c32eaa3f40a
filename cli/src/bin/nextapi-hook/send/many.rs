//! One kind of event, many times.

use core::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::OnceLock;

use bytes::Bytes;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nextapi_hook::Load;
use nextapi_testkit::{Deliverer, Delivery, EventBody, Job, Shape, Status};
use nextapi_webhook::{Key, UnixTime};

use crate::End;
use crate::output::line;
use crate::sign::read_body;
use crate::signals::Signals;

/// Beyond this, times would take more memory than a desk should give.
const MAX_COUNT: u64 = 1_000_000;
/// Beyond this, the machine's limit of open files is met first.
const MAX_CONCURRENCY: u64 = 1_000;

/// One kind of event, many times.
#[derive(Args)]
#[group(multiple = true)]
pub(crate) struct Many {
    /// Send this body, or - for the standard input, byte for byte
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The value of X-NextAPI-Event, which is not signed
    #[arg(long, value_name = "TYPE", requires = "body", default_value = "job.succeeded")]
    event_type: String,
    /// How many deliveries [default: 1]
    #[arg(long, value_name = "N", value_parser = up_to(MAX_COUNT))]
    count: Option<u64>,
    /// How many at the same time, at most [default: 1]
    #[arg(long, value_name = "N", value_parser = up_to(MAX_CONCURRENCY))]
    concurrency: Option<u64>,
    /// How many begin in a second [default: each as soon as another one has ended]
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    rate: Option<f64>,
}

impl Many {
    pub(super) async fn send(self, deliverer: &Deliverer, key: Key) -> anyhow::Result<End> {
        let mut signals = Signals::catch()?;
        let body = self.body.as_deref().map(read_body).transpose()?.map(Bytes::from);
        let event_type = self.event_type;
        let make = move |_| {
            let now = UnixTime::now();
            match &body {
                None => {
                    let event = Job::random(now)?.event(Shape::Envelope, Status::Succeeded)?;
                    Delivery::signed(event, &key, now)
                }
                Some(body) => {
                    let event = EventBody::new(&event_type, body.to_vec());
                    Delivery::signed(event, &key, now)
                }
            }
        };
        let count = self.count.unwrap_or(1);
        let concurrency = usize::try_from(self.concurrency.unwrap_or(1))?;
        let load = Load {
            count: usize::try_from(count)?,
            concurrency: NonZeroUsize::new(concurrency).unwrap_or(NonZeroUsize::MIN),
            rate: self.rate,
        };
        let bar = progress_bar(count)?;
        let ended_by = OnceLock::new();
        let stop = async {
            let _ = ended_by.set(signals.wait().await);
        };
        let report = load.run(deliverer, make, |ended| bar.set_position(ended as u64), stop).await;
        bar.finish_and_clear();
        let report = report?;
        line(&report)?;
        Ok(match ended_by.into_inner() {
            Some(signal) => End::Signal(signal),
            None if report.is_all_2xx() => End::Good,
            None => End::Bad,
        })
    }
}

/// On the standard error, and only if that is a terminal. It has no colours.
fn progress_bar(count: u64) -> anyhow::Result<ProgressBar> {
    let style = "{bar:40} {pos}/{len} {per_sec} {eta}";
    let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
    Ok(bar.with_style(ProgressStyle::with_template(style)?))
}

fn up_to(limit: u64) -> clap::builder::RangedU64ValueParser {
    clap::builder::RangedU64ValueParser::new().range(1..=limit)
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.001..=1e6).contains(rate));
    rate.ok_or_else(|| "expected is a number from 0.001 to 1000000".to_owned())
}
