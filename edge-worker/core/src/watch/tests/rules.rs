//! When a rule begins to hold, and when it ends.

use serde_json::{Value, json};

use super::world::{URL, World, of};
use crate::ledger::credits::Credits;
use crate::ledger::figures::Figures;
use crate::watch::WatchPage;
use crate::watch::rule::MINUTE_MS;

#[test]
fn an_alert_is_sent_once_and_an_all_clear_once() {
    let mut world = World::new("origin_failed > 10 for 10m");
    world.pass(3);
    world.count(0, "origin_failed", 4);
    world.count(1, "attempt_origin_failed", 6);
    world.pass(1);
    assert_eq!(world.told(), [], "ten are not more than ten");
    world.count(1, "attempt_origin_failed", 1);
    world.pass(30);
    assert_eq!(world.states(), of(&[("firing", 5), ("resolved", 14)]));
}

#[test]
fn a_level_has_to_be_above_its_limit_on_end() {
    let mut world = World::new("waiting > 5 for 10m");
    world.shard(0).events = "waiting:6".into();
    world.pass(8);
    assert_eq!(world.alerts()["rules"][0]["state"], "pending");
    world.shard(0).events = "waiting:5".into();
    world.pass(1);
    assert_eq!(world.alerts()["rules"][0]["state"], "quiet");
    world.shard(0).events = "waiting:3".into();
    world.shard(1).events = "waiting:3".into();
    world.pass(9);
    assert_eq!(world.states(), []);
    world.pass(4);
    let rule = &world.alerts()["rules"][0];
    assert_eq!((&rule["state"], &rule["value"]), (&json!("firing"), &json!(6)));
    assert_eq!(world.states(), of(&[("firing", 20)]));
}

/// Nobody knows what was while the watch itself stood still.
#[test]
fn a_time_without_figures_does_not_count() {
    let mut world = World::new("waiting > 5 for 10m");
    world.shard(0).events = "waiting:6".into();
    world.pass(2);
    world.now_ms += 60 * MINUTE_MS;
    world.pass(1);
    assert_eq!(world.alerts()["rules"][0]["state"], "pending");
    world.pass(6);
    assert_eq!(world.alerts()["rules"][0]["state"], "firing");
}

#[test]
fn a_shard_that_does_not_answer_begins_and_ends_nothing() {
    let mut world = World::new("dead > 0; waiting > 5 for 5m; paused > 3 for 3m");
    world.shard(1).events = "dead:1,waiting:9".into();
    world.pass(3);
    assert_eq!(world.told(), [("dead > 0".to_owned(), "firing".to_owned(), 0)]);
    world.count(1, "paused", 9);
    world.silent.insert("shard-1".to_owned());
    world.pass(60);
    assert_eq!(world.told().len(), 1, "{:?}", world.told());
    assert_eq!(world.alerts()["rules"][1]["state"], "pending", "neither above nor not");
    assert_eq!(world.page(WatchPage::History)["samples"][30]["is_complete"], false);
    // It was above for three minutes, and the hour in between does not count.
    world.silent.clear();
    world.pass(1);
    assert_eq!(world.told().len(), 2, "{:?}", world.told());
    assert_eq!(world.told()[1].0, "paused > 3 for 3m", "what it has counted comes now");
    world.pass(2);
    assert_eq!(world.told()[2].0, "waiting > 5 for 5m");
    world.silent.insert("shard-0".to_owned());
    world.shard(1).events = "".into();
    world.pass(60);
    assert_eq!(world.told().len(), 3, "shard-0 may have dead letters");
    world.silent.clear();
    world.pass(1);
    assert_eq!(world.told().len(), 6);
}

#[test]
fn silence_has_a_rule_of_its_own() {
    let mut world = World::new("shards_unreachable > 0 for 2m");
    world.silent.insert("shard-0".to_owned());
    world.pass(4);
    world.silent.clear();
    world.pass(4);
    assert_eq!(world.states(), of(&[("firing", 2), ("resolved", 5)]));
}

#[test]
fn former_shards_are_asked_as_well() {
    let mut world = World::new("dead > 0");
    world.shard(0).shard_counts = vec![(1, 4), (2, 2), (3, 9_999)];
    world
        .shards
        .insert("shard-3".to_owned(), Figures { events: "dead:1".into(), ..Figures::default() });
    world.pass(1);
    assert_eq!(world.asked, ["shard-0", "shard-1", "shard-2", "shard-3"]);
    assert_eq!(world.states(), of(&[("firing", 0)]));
}

#[test]
fn what_was_counted_while_the_watch_was_off_is_no_news() {
    let mut world = World::new("origin_failed > 10");
    world.pass(1);
    world.now_ms += 7 * 24 * 60 * MINUTE_MS;
    world.count(0, "origin_failed", 11);
    world.pass(2);
    assert_eq!(world.received, []);
    world.count(0, "origin_failed", 11);
    world.pass(2);
    assert_eq!(world.told().len(), 2);
}

#[test]
fn a_price_that_nobody_knows_any_more_fires_nothing() {
    let jobs = ("SUBMIT_TOKEN", "0123456789abcdef0123456789abcdef");
    let alerts = [("ALERTS", "cost_p95 > 1 for 1h"), ("ALERT_URL", URL)];
    let mut world = World::with(&[alerts[0], alerts[1], jobs]);
    world.prices = vec![(Credits::parse("2").unwrap(), 5)];
    world.pass(16);
    world.deploy(&alerts);
    world.pass(120);
    assert_eq!(world.received, []);
}

#[test]
fn what_is_usual_decides_about_prices() {
    let mut world = World::with(&[
        ("ALERTS", "cost_p95 > 1.5x week; cost_p95 > 2.9"),
        ("ALERT_URL", URL),
        ("SUBMIT_TOKEN", "0123456789abcdef"),
    ]);
    let price = |text: &str| vec![(Credits::parse(text).unwrap(), 100)];
    world.prices = price("2");
    for _ in 0..4 {
        world.pass(1);
        world.now_ms += 6 * 60 * MINUTE_MS;
    }
    assert_eq!(world.told(), []);
    world.prices = price("3.000001");
    world.pass(16);
    let rules: Vec<_> = world.told().into_iter().map(|(rule, ..)| rule).collect();
    assert_eq!(rules, ["cost_p95 > 1.5x week", "cost_p95 > 2.9"]);
    assert_eq!(world.received[0].json()["value"], "3.000001");
    world.prices = Vec::new();
    world.pass(16);
    assert_eq!(world.told().len(), 4);
    assert_eq!(world.alerts()["rules"][0]["value"], Value::Null);
}

/// Nobody waits for an all-clear for ever.
#[test]
fn a_rule_that_is_taken_out_while_it_fires_is_cleared() {
    let mut world = World::new("dead > 0");
    world.shard(0).events = "dead:1".into();
    world.pass(3);
    world.deploy(&[("ALERT_URL", URL)]);
    world.pass(3);
    assert_eq!(world.states(), of(&[("firing", 0), ("resolved", 4)]));
    assert!(world.received[1].body.contains("not watched any more"), "{}", world.received[1].body);
    assert_eq!(world.alarm_ms, None, "there is nothing left to do");
}
