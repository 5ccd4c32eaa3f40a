//! Events of a job that arrive after newer ones.

use nextapi_testkit::{Delivery, Job, Reply, Shape, Status};
use nextapi_webhook::UnixTime;
use reqwest::StatusCode;

use crate::setup::{Setup, key};

fn event_of(job: &Job, shape: Shape, status: Status) -> Delivery {
    let event = job.event(shape, status).unwrap();
    Delivery::signed(event, &key(), UnixTime::now()).unwrap()
}

fn orders(setup: &Setup) -> Vec<String> {
    let received = setup.origin.received();
    received.iter().map(|it| it.header("x-edge-order").unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_job_in_order_is_in_order() {
    let setup = Setup::start().await;
    for shape in [Shape::Envelope, Shape::Flat] {
        let job = Job::random(UnixTime::now()).unwrap();
        for status in [Status::Queued, Status::Running, Status::Failed] {
            setup.expect(&event_of(&job, shape, status), 200, "forwarded").await;
        }
    }
    assert_eq!(orders(&setup), ["in-order"; 6]);
}

/// The origin refuses `running`, takes `succeeded`, and then gets the retry of `running`.
#[tokio::test]
async fn a_retry_after_a_newer_event_is_marked() {
    let setup = Setup::start().await;
    let job = Job::random(UnixTime::now()).unwrap();
    let running = event_of(&job, Shape::Envelope, Status::Running);
    setup.origin.reply_next(Reply::status(StatusCode::SERVICE_UNAVAILABLE));
    setup.expect(&running, 502, "origin_failed").await;
    setup.expect(&event_of(&job, Shape::Envelope, Status::Succeeded), 200, "forwarded").await;
    setup.expect(&running, 200, "forwarded").await;
    assert_eq!(orders(&setup), ["in-order", "in-order", "late"]);
    let line = setup.edge.logs().concat();
    assert!(line.contains(r#""order":"late""#), "{line}");
}

#[tokio::test]
async fn late_events_are_dropped_if_the_settings_say_so() {
    let mut setup = Setup::with(|edge| edge.setting("LATE_EVENTS", "drop")).await;
    let job = Job::random(UnixTime::now()).unwrap();
    setup.expect(&event_of(&job, Shape::Flat, Status::Succeeded), 200, "forwarded").await;
    let running = event_of(&job, Shape::Flat, Status::Running);
    setup.expect(&running, 200, "late_dropped").await;
    setup.edge.restart().await.unwrap();
    setup.expect(&running, 200, "late_dropped").await;
    setup.log_line("late_dropped").await;
    // An end is never dropped, even a second one.
    setup.expect(&event_of(&job, Shape::Flat, Status::Failed), 200, "forwarded").await;
    assert_eq!(orders(&setup), ["in-order", "late"]);

    // Another job's events are none of this job's.
    let other = Job::random(UnixTime::now()).unwrap();
    setup.expect(&event_of(&other, Shape::Flat, Status::Running), 200, "forwarded").await;
    assert_eq!(orders(&setup), ["in-order", "late", "in-order"]);
}
