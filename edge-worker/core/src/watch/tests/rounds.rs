//! A round from its beginning to its end, and what is shown of it.

use serde_json::json;

use super::world::World;
use crate::isolate::{Bindings, Isolate};
use crate::ledger::figures::Figures;
use crate::ledger::message::Reply;
use crate::outcome::OriginResult;
use crate::round_driver::{NOW_MS, random};
use crate::settings::tests::read;
use crate::watch::rule::MINUTE_MS;
use crate::watch::{WatchInput, WatchOutput, WatchPage, WatchRound};

#[test]
fn nobody_who_looks_and_no_rules_is_nothing_to_do() {
    let mut world = World::with(&[]);
    world.pass(0);
    assert_eq!((world.alarm_ms, world.asked.len()), (None, 0));
}

#[test]
fn refused_settings_forget_nothing_and_are_looked_at_again() {
    let isolate = Isolate::new(read(&[("ORIGIN_URL", None)]), Bindings::default());
    let (round, output) = WatchRound::begin(&isolate, "what was", None, &random(), NOW_MS);
    assert!(round.is_none());
    let alarm_ms = Some(NOW_MS + MINUTE_MS);
    assert_eq!(
        output,
        WatchOutput::End { memory: "what was".to_owned(), alarm_ms, log: Vec::new() }
    );
}

/// A deploy may end an engine at any moment, and each does so in the middle of something.
#[test]
fn an_alert_is_in_the_log_before_it_is_sent() {
    let mut world = World::new("dead > 0");
    world.shard(0).events = "dead:1".into();
    // The ledger is called and the memory kept; then the engine dies.
    assert!(!world.round_up_to(2));
    assert!(world.log[0].contains(r#""alert":{"rule":"dead > 0","state":"firing"}"#));
}

/// A driver that could not keep the memory must not send what it would not know of.
#[test]
fn what_is_not_on_disk_is_not_sent() {
    let mut world = World::new("dead > 0");
    world.shard(0).events = "dead:1".into();
    assert!(!world.round_up_to(1), "the figures are there");
    let begin =
        |world: &World| WatchRound::begin(&world.isolate, &world.memory, None, &random(), NOW_MS);
    let (round, _) = begin(&world);
    let replies = [Figures { events: "dead:1".into(), ..Figures::default() }, Figures::default()]
        .map(|figures| Reply::Figures(figures).encode());
    let input = WatchInput::LedgerReplies(replies.join("\n"));
    let (round, output) = round.unwrap().handle(input, NOW_MS);
    assert!(matches!(output, WatchOutput::Keep { .. }), "{output:?}");
    let (_, output) = round.unwrap().handle(WatchInput::LedgerReplies(String::new()), NOW_MS);
    assert!(matches!(output, WatchOutput::End { .. }), "{output:?}");
}

/// An endpoint that hangs takes ten seconds of each round; the figures are taken all the same.
#[test]
fn samples_are_taken_while_an_endpoint_is_slow() {
    let mut world = World::new("dead > 0");
    world.answers = vec![(OriginResult::TimedOut, None); 1_000];
    world.shard(0).events = "dead:1".into();
    world.pass(60);
    let samples = world.page(WatchPage::History)["samples"].as_array().unwrap().len();
    assert!(samples >= 50, "{samples}");
}

#[test]
fn without_a_url_alerts_are_only_shown() {
    let mut world = World::with(&[("ALERTS", "dead > 0")]);
    world.shard(0).events = "dead:1".into();
    world.pass(3);
    assert_eq!(world.received, []);
    let alerts = world.alerts();
    assert_eq!(
        (&alerts["is_sent"], &alerts["rules"][0]["state"]),
        (&json!(false), &json!("firing"))
    );
    assert_eq!(alerts["notifications"][0]["fate"], "unsent");
    assert!(
        world.log[0].contains(r#""alert":{"rule":"dead > 0","state":"firing"}"#),
        "{:?}",
        world.log
    );
}

#[test]
fn the_history_is_pinned() {
    let mut world = World::with(&[("ADMIN_TOKEN", "0123456789abcdef")]);
    world.pass(0);
    world.count(0, "accepted", 12);
    world.shard(0).events = "dead:2,waiting:3".into();
    world.shard(1).oldest_waiting_ms = Some(NOW_MS);
    world.pass(16);
    let page = world.page(WatchPage::History);
    assert_eq!((&page["step_seconds"], &page["long_step_seconds"]), (&json!(60), &json!(900)));
    let expected = json!({
        "at": "2023-11-14T22:14:20.000Z",
        "outcomes": { "accepted": 12 },
        "waiting": 3,
        "oldest_waiting_seconds": 60,
        "dead": 2,
        "jobs_open": 0,
        "jobs_overdue": 0,
        "is_complete": true,
    });
    assert_eq!(page["samples"][1], expected);
    assert_eq!(page["samples"].as_array().unwrap().len(), 17);
    assert_eq!(page["long_samples"].as_array().unwrap().len(), 1);
    assert_eq!(page["long_samples"][0]["outcomes"]["accepted"], 12);
    let checked = json!("2023-11-14T22:29:20.000Z");
    assert_eq!(
        world.alerts(),
        json!({ "checked_at": checked, "is_sent": false, "rules": [], "notifications": [] })
    );
}
