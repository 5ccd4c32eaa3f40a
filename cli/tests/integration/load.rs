//! `Load`: what the command line cannot show.

use core::num::NonZeroUsize;
use core::time::Duration;

use nextapi_hook::{Load, LoadReport};
use nextapi_testkit::{Deliverer, Delivery, EventBody, Gate, Origin, Reply};

/// Long enough for a busy machine; what is waited for comes at once.
const SOON: Duration = Duration::from_secs(20);

const ONE_BY_ONE: Load = Load { count: 3, concurrency: NonZeroUsize::MIN, rate: None };

fn delivery(number: usize) -> anyhow::Result<Delivery> {
    Delivery::unsigned(EventBody::new("job.queued", number.to_string()))
}

async fn run(load: Load, origin: &Origin) -> LoadReport {
    let provider = Deliverer::new(&origin.url()).unwrap();
    load.run(&provider, delivery, |_| {}, core::future::pending()).await.unwrap()
}

#[tokio::test]
async fn each_number_is_sent_once_and_in_order() {
    let origin = Origin::start().await.unwrap();
    let report = run(ONE_BY_ONE, &origin).await;
    assert_eq!((report.count(), report.unanswered(), report.is_all_2xx()), (3, 0, true));
    let bodies = origin.received();
    let bodies: Vec<_> = bodies.iter().map(|request| &request.body()[..]).collect();
    assert_eq!(bodies, [b"0", b"1", b"2"]);
}

/// All are due within 2 ms, and the first one takes 100: the others waited for nearly as long.
#[tokio::test]
async fn with_a_rate_waiting_behind_a_slow_one_counts() {
    let origin = Origin::start().await.unwrap();
    origin.reply_next(Reply::default().after(Duration::from_millis(100)));
    let report = run(Load { rate: Some(1000.0), ..ONE_BY_ONE }, &origin).await;
    assert!(report.percentile(0).unwrap() >= Duration::from_millis(98), "{report}");
}

#[tokio::test]
async fn it_stops_when_it_is_told_to() {
    let origin = Origin::start().await.unwrap();
    origin.reply_next(Reply::default());
    origin.reply_with(|_| Reply::hang());
    let provider = Deliverer::new(&origin.url()).unwrap();
    let (told, gate) = (Gate::new(), Gate::new());
    let stop = gate.clone();
    let progress = told.clone();
    let load = tokio::spawn(async move {
        let progress = move |ended| assert_eq!((ended, progress.open()), (1, ()));
        ONE_BY_ONE.run(&provider, delivery, progress, async move { stop.wait().await }).await
    });
    origin.wait_for(2, SOON).await.unwrap();
    told.wait().await;
    gate.open();
    let report = load.await.unwrap().unwrap();
    assert_eq!((report.count(), origin.count()), (1, 2));
}

#[tokio::test]
async fn a_delivery_that_cannot_be_made_is_an_error() {
    let origin = Origin::start().await.unwrap();
    let provider = Deliverer::new(&origin.url()).unwrap();
    let make = |number| match number {
        0 => delivery(0),
        _ => anyhow::bail!("no more"),
    };
    let result = ONE_BY_ONE.run(&provider, make, |_| {}, core::future::pending()).await;
    assert_eq!(result.unwrap_err().to_string(), "no more");
    assert_eq!(origin.count(), 1);
}
