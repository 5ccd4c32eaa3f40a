//! Clocks that jump, and pauses of the watch: nothing is late for them, and nothing old is taken for new.

use serde_json::{Value, json};

use super::world::{URL, World};
use crate::ledger::credits::Credits;
use crate::outcome::OriginResult;
use crate::round_driver::NOW_MS;
use crate::watch::rule::MINUTE_MS;
use crate::watch::{Findings, WatchPage};

const HOUR_MS: u64 = 60 * MINUTE_MS;

/// The next attempt was due by a clock that was five hours ahead.
#[test]
fn an_alert_is_not_late_when_the_clock_was_set_back() {
    let mut world = World::new("dead > 0");
    world.answers = vec![(OriginResult::Status(503), Some("60"))];
    world.shard(0).events = "dead:1".into();
    world.pass(0);
    assert_eq!(world.received.len(), 1);
    world.now_ms -= 5 * HOUR_MS;
    world.alarm_ms = Some(world.now_ms);
    world.pass(3);
    assert_eq!(world.received.len(), 2);
    assert_eq!(world.received[0].key(), world.received[1].key());
}

/// Nobody was told, since there was no address; then other rules have come and gone for hours.
#[test]
fn what_fires_is_remembered_until_somebody_is_told() {
    let rules = ("ALERTS", "dead > 0; waiting > 0");
    let mut world = World::with(&[rules]);
    for minute in 0..120 {
        let waiting = minute % 2;
        world.shard(0).events = format!("dead:1,waiting:{waiting}").as_str().into();
        world.pass(1);
    }
    assert_eq!(world.alerts()["notifications"].as_array().unwrap().len(), 50, "it is bounded");
    world.deploy(&[rules, ("ALERT_URL", URL)]);
    world.pass(2);
    let told: Vec<_> = world.told().into_iter().map(|(rule, state, _)| (rule, state)).collect();
    assert!(told.contains(&("dead > 0".to_owned(), "firing".to_owned())), "{told:?}");
}

/// After a pause of a month, last month's prices are not what is usual in a week.
#[test]
fn prices_of_long_ago_are_not_the_usual_ones() {
    let jobs = ("SUBMIT_TOKEN", "0123456789abcdef");
    let mut world = World::with(&[("ALERTS", "cost_p95 > 1.5x week"), ("ALERT_URL", URL), jobs]);
    let price = |text: &str| vec![(Credits::parse(text).unwrap(), 100)];
    world.prices = price("2");
    for _ in 0..4 {
        world.pass(1);
        world.now_ms += 6 * HOUR_MS;
    }
    world.now_ms += 30 * 24 * HOUR_MS;
    world.prices = price("4");
    world.pass(16);
    assert_eq!(world.told(), [], "nobody knows yet what is usual");
}

#[test]
fn the_history_does_not_go_back_further_than_it_says() {
    let mut world = World::new("dead > 0");
    world.pass(60);
    world.now_ms += 90 * MINUTE_MS;
    world.pass(1);
    let page = world.page(WatchPage::History);
    let first = page["samples"][0]["at"].as_str().unwrap().to_owned();
    let oldest_ms = crate::time::parse(&first).unwrap();
    assert!(world.now_ms - oldest_ms <= 121 * MINUTE_MS, "{first}");
    assert!(page["samples"].as_array().unwrap().len() > 20, "{page}");
    world.now_ms += 25 * HOUR_MS;
    world.pass(1);
    let page = world.page(WatchPage::History);
    assert_eq!(page["long_samples"], json!([]), "of the day before yesterday");
}

/// Who looks learns that nobody watches.
#[test]
fn a_watch_that_stands_still_is_noticed() {
    let mut world = World::new("dead > 0");
    world.pass(3);
    let page = |page: &Value| Findings::read(&page.to_string(), world.now_ms).unwrap();
    let findings = page(&world.alerts());
    let checked_ms = NOW_MS + 3 * MINUTE_MS;
    assert_eq!(findings.checked_ms, Some(checked_ms));
    assert_eq!(findings.stands_still_since(checked_ms + 5 * MINUTE_MS - 1), None);
    let late = findings.stands_still_since(checked_ms + 5 * MINUTE_MS);
    assert_eq!(late, Some(checked_ms));
    let never = World::new("dead > 0").alerts();
    assert_eq!(page(&never).stands_still_since(NOW_MS + HOUR_MS), None, "it has just begun");
}
