//! The watch: history, and alerts that reach somebody. Most tests have a clock that runs so fast that a minute takes a
//! second.

use core::time::Duration;
use std::collections::BTreeSet;
use std::time::SystemTime;

use nextapi_testkit::{LocalEdgeBuilder, Origin, Received, Reply};
use nextapi_webhook::{Key, Tolerance, UnixTime, Verifier};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::faults::with_faults;
use crate::setup::{PATIENCE, Setup, succeeded};

const TOKEN: &str = "the-token-of-the-admin";
const EDGE_SECRET: &str = "the-edge-s-own-secret";

/// An edge, and an endpoint that records the alerts.
struct World {
    setup: Setup,
    endpoint: Origin,
    _storage: TempDir,
}

impl World {
    /// With a clock that is so many times as fast.
    async fn start(
        speed: u32,
        alerts: &str,
        choose: impl FnOnce(LocalEdgeBuilder) -> LocalEdgeBuilder,
    ) -> Self {
        let world = Self::start_unseen(speed, alerts, choose).await;
        // The first request has the watch begin.
        world.samples(1).await;
        world
    }

    /// The same, and nobody has come with a token yet.
    async fn start_unseen(
        speed: u32,
        alerts: &str,
        choose: impl FnOnce(LocalEdgeBuilder) -> LocalEdgeBuilder,
    ) -> Self {
        let endpoint = Origin::start().await.unwrap();
        let storage = tempfile::tempdir().unwrap();
        let start_ms = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
        let setup = with_faults(|edge| {
            choose(
                edge.storage(storage.path())
                    .setting("DELIVERY", "durable")
                    .setting("FAULT_CLOCK_START", start_ms.to_string())
                    .setting("FAULT_CLOCK_SPEED", speed.to_string())
                    .setting("ADMIN_TOKEN", TOKEN)
                    .setting("EDGE_SIGNING_SECRET", EDGE_SECRET)
                    .setting("ALERTS", alerts)
                    .setting("ALERT_URL", format!("{}hook?canary=url", endpoint.url())),
            )
        })
        .await;
        Self { setup, endpoint, _storage: storage }
    }

    async fn ask(&self, path: &str) -> Value {
        ask(&self.setup, path).await
    }

    /// Waits until there are so many samples.
    async fn samples(&self, count: usize) {
        wait_until(|| async {
            let page = self.ask("history").await;
            page["samples"].as_array().map_or(0, Vec::len) >= count
        })
        .await;
    }

    /// Waits until so many more samples were taken.
    async fn more_samples(&self, count: usize) {
        let page = self.ask("history").await;
        self.samples(page["samples"].as_array().unwrap().len() + count).await;
    }

    /// Waits for so many requests to the endpoint.
    async fn received(&self, count: usize) -> Vec<Received> {
        let received = self.endpoint.wait_for(count, 3 * PATIENCE).await;
        match received {
            Ok(received) => received,
            Err(error) => panic!("{error}: {} {:#?}", self.ask("alerts").await, self.log()),
        }
    }

    fn log(&self) -> Vec<String> {
        self.setup.edge.logs().into_iter().filter(|line| line.contains("alert")).collect()
    }

    fn no_secret_in_the_log(&self) {
        for line in self.setup.edge.logs() {
            assert!(!line.contains("canary=url") && !line.contains(TOKEN), "{line}");
        }
    }
}

async fn ask(setup: &Setup, path: &str) -> Value {
    let url = format!("{}_edge/{path}", setup.edge.url());
    let answer = Client::new().get(url).bearer_auth(TOKEN).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

async fn wait_until<F: Future<Output = bool>>(is_so: impl Fn() -> F) {
    let waited = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(3 * PATIENCE, waited).await.expect("it becomes so");
}

/// What was told, each rule with its state. The same request may come again under its key.
fn told(received: &[Received]) -> Vec<(String, String)> {
    let mut keys = BTreeSet::new();
    let new = received.iter().filter(|it| keys.insert(it.idempotency_key().unwrap().to_owned()));
    new.map(|it| {
        let body: Value = serde_json::from_slice(it.body()).unwrap();
        (body["rule"].as_str().unwrap().to_owned(), body["state"].as_str().unwrap().to_owned())
    })
    .collect()
}

fn entry(rule: &str, state: &str) -> (String, String) {
    (rule.to_owned(), state.to_owned())
}

/// On the product's own bundle and clock.
#[tokio::test]
async fn there_is_a_history_as_soon_as_somebody_asks() {
    let setup = Setup::with(|edge| edge.setting("ADMIN_TOKEN", TOKEN)).await;
    setup.expect(&succeeded(), 200, "forwarded").await;
    wait_until(|| async {
        ask(&setup, "history").await["samples"].as_array().is_some_and(|it| !it.is_empty())
    })
    .await;
    let page = ask(&setup, "history").await;
    let sample = &page["samples"][0];
    assert_eq!((&page["step_seconds"], &sample["is_complete"]), (&json!(60), &json!(true)));
    let alerts = ask(&setup, "alerts").await;
    assert_eq!((&alerts["is_sent"], &alerts["rules"]), (&json!(false), &json!([])));
    assert_eq!(alerts["checked_at"], sample["at"]);
    let answer = reqwest::get(format!("{}_edge/history", setup.edge.url())).await.unwrap();
    assert_eq!(answer.status(), 404);
}

/// A deployment whose configuration is older than its code.
#[tokio::test]
async fn without_its_binding_deliveries_go_on() {
    let setup =
        Setup::with(|edge| edge.setting("ADMIN_TOKEN", TOKEN).without_durable_object("WATCH"))
            .await;
    setup.expect(&succeeded(), 200, "forwarded").await;
    let missing = |line: &str| line.contains("the binding WATCH is missing");
    setup.edge.wait_for_log(missing, PATIENCE).await.unwrap();
    let status = ask(&setup, "status").await;
    let warning = "the watch did not answer (the binding WATCH is missing)";
    assert!(status["warnings"].to_string().contains(warning), "{status}");
    assert_eq!(ask(&setup, "history").await["error"]["code"], "ledger_unavailable");
    setup.expect(&succeeded(), 200, "forwarded").await;
}

/// The origin fails for ten minutes, and the engine is killed in between.
#[tokio::test]
async fn an_origin_that_fails_gives_one_alert_and_one_all_clear() {
    const WAITING: &str = "oldest_waiting > 3m";
    const FAILED: &str = "origin_failed > 2 for 5m";
    let mut world = World::start(30, &format!("{WAITING}; {FAILED}; dead > 0"), |edge| {
        // The failures come evenly; with the breaker there would be a few in five minutes. Nothing is given up, which
        // would count as a failure of its own.
        edge.setting("FAULT_REPORT_AFTER_MS", "200")
            .setting("RETRY_ATTEMPTS", "1000")
            .setting("BREAKER_FAILURES", "1000")
            .setting("RETRY_MAX_SECONDS", "20")
    })
    .await;
    world.setup.origin.reply_with(|_| Reply::status(StatusCode::SERVICE_UNAVAILABLE));
    for _ in 0..3 {
        world.setup.expect(&succeeded(), 200, "accepted").await;
    }
    let received = world.received(2).await;
    let firing = BTreeSet::from([entry(WAITING, "firing"), entry(FAILED, "firing")]);
    assert_eq!(told(&received).into_iter().collect::<BTreeSet<_>>(), firing);

    world.setup.edge.kill().await;
    world.setup.edge.restart().await.unwrap();
    // Ten minutes in all; nobody is told again meanwhile.
    world.more_samples(6).await;
    let page = world.ask("alerts").await;
    let states: Vec<_> = page["rules"].as_array().unwrap().iter().map(|it| &it["state"]).collect();
    assert_eq!(states[0], "firing", "{page}");
    let before: Vec<_> = told(&world.endpoint.received());
    assert!(before.iter().all(|(rule, state)| rule == FAILED || state == "firing"), "{before:?}");

    world.setup.origin.reply_with(|_| Reply::default());
    wait_until(|| async {
        let page = world.ask("alerts").await;
        page["rules"].as_array().unwrap().iter().all(|it| it["state"] == "quiet")
    })
    .await;
    world.more_samples(8).await;
    let told = told(&world.endpoint.received());
    let of = |rule: &str| -> Vec<&str> {
        let of_rule = told.iter().filter(|(it, _)| it == rule);
        of_rule.map(|(_, state)| state.as_str()).collect()
    };
    assert_eq!(of(WAITING), ["firing", "resolved"], "{told:?}");
    assert_eq!(of(FAILED), ["firing", "resolved"], "{told:?}");
    assert_eq!(told.len(), 4, "{told:?}");
    world.no_secret_in_the_log();
}

/// A stranger may send any `Host`, and would lead an operator to a page that asks for a token.
#[tokio::test]
async fn only_who_has_a_token_says_where_links_lead() {
    let world = World::start_unseen(30, "dead > 0", |edge| edge).await;
    world.setup.origin.reply_with(|_| Reply::status(StatusCode::BAD_REQUEST));
    world.setup.expect(&succeeded(), 200, "accepted").await;
    let received = world.received(1).await;
    let body: Value = serde_json::from_slice(received[0].body()).unwrap();
    assert_eq!((&body["rule"], &body["link"]), (&json!("dead > 0"), &Value::Null), "{body}");
    assert_eq!(body["deployment"], Value::Null, "{body}");
}

/// Signed, and the same bytes under the same key until they are taken; then never again.
#[tokio::test]
async fn an_endpoint_that_fails_twice_gets_it_later_once() {
    let world = World::start(30, "dead > 0", |edge| edge).await;
    for _ in 0..2 {
        world.endpoint.reply_next(Reply::status(StatusCode::SERVICE_UNAVAILABLE));
    }
    world.setup.origin.reply_with(|_| Reply::status(StatusCode::BAD_REQUEST));
    world.setup.expect(&succeeded(), 200, "accepted").await;
    let received = world.received(3).await;
    world.more_samples(4).await;
    assert_eq!(world.endpoint.count(), 3);
    let verifier = Verifier::<1>::new(
        [Key::new(EDGE_SECRET.as_bytes()).unwrap()],
        Tolerance::new(86_400, 86_400),
    )
    .unwrap();
    for (attempt, request) in (1..).zip(&received) {
        assert_eq!(request.attempt(), Some(attempt));
        assert_eq!(request.idempotency_key(), received[0].idempotency_key());
        assert_eq!(request.body(), received[0].body());
        assert_eq!(request.path(), received[0].path());
        let signature = request.edge_signature().unwrap();
        assert!(verifier.verify(signature, request.body(), UnixTime::now()).is_ok(), "{signature}");
    }
    let body: Value = serde_json::from_slice(received[0].body()).unwrap();
    assert_eq!((&body["rule"], &body["state"]), (&json!("dead > 0"), &json!("firing")));
    assert!(body["text"].as_str().unwrap().contains("firing: dead > 0 (now 1)"), "{body}");
    assert_eq!(body["link"], format!("{}_edge/", world.setup.edge.url()));
    let sent = &world.ask("alerts").await["notifications"][0];
    assert_eq!((&sent["fate"], &sent["attempts"]), (&json!("sent"), &json!(3)));
}

#[tokio::test]
async fn an_endpoint_that_refuses_or_redirects_is_seen() {
    for status in [StatusCode::NOT_FOUND, StatusCode::TEMPORARY_REDIRECT] {
        let world = World::start(30, "dead > 0", |edge| edge).await;
        let to = world.setup.origin.url();
        world
            .endpoint
            .reply_with(move |_| Reply::status(status).with_header(http::header::LOCATION, &to));
        world.setup.origin.reply_with(|_| Reply::status(StatusCode::BAD_REQUEST));
        world.setup.expect(&succeeded(), 200, "accepted").await;
        world.received(1).await;
        wait_until(|| async { world.ask("alerts").await["notifications"][0]["fate"] == "failed" })
            .await;
        let status_page = world.ask("status").await;
        let warnings = status_page["warnings"].to_string();
        assert!(
            warnings.contains("1 alerts of the last day were sent and not taken"),
            "{warnings}"
        );
        assert_eq!(status_page["settings"]["alerts"], json!(["dead > 0"]));
        let line = world.log().into_iter().find(|line| line.contains("alert_not_sent")).unwrap();
        assert!(line.contains(&format!("\"status\":{}", status.as_u16())), "{line}");
        assert_eq!(world.setup.origin.count(), 1, "the event, and no alert");
        let url = format!("{}_edge/metrics", world.setup.edge.url());
        let metrics = Client::new().get(url).bearer_auth(TOKEN).send().await.unwrap();
        let metrics = metrics.text().await.unwrap();
        let firing = "nextapi_edge_alerts_firing{rule=\"dead > 0\"} 1";
        assert!(metrics.lines().any(|line| line == firing), "{metrics}");
        world.no_secret_in_the_log();
    }
}

/// Refused deliveries call no object, and nothing else comes: the isolate reports them by itself.
#[tokio::test]
async fn forged_deliveries_alone_give_an_alert() {
    const RULE: &str = "signature_mismatch > 10 for 10m";
    let world = World::start(20, RULE, |edge| edge).await;
    let delivery = succeeded();
    let forged = delivery.clone().with_body(&b"{\"id\":\"evt_forged\"}"[..]);
    for _ in 0..15 {
        let answer = world.setup.send(&forged).await;
        assert!(matches!(answer.status(), 401 | 429), "{answer}");
    }
    let received = world.received(1).await;
    assert_eq!(told(&received), [entry(RULE, "firing")]);
    assert_eq!(world.setup.origin.count(), 0);
}

/// One report for all requests of a while: a flood does not cost a call for each.
#[tokio::test]
async fn refused_deliveries_are_reported_together() {
    let world =
        World::start(1, "dead > 0", |edge| edge.setting("FAULT_REPORT_AFTER_MS", "3000")).await;
    let forged = succeeded().with_body(&b"{\"id\":\"evt_forged\"}"[..]);
    let reports = || -> Vec<u64> {
        let lines = world.setup.edge.logs();
        let reports =
            lines.iter().filter_map(|line| line.split_once("fault: a report ")).map(|(_, it)| it);
        let reports = reports.map(|it| serde_json::from_str::<Value>(it.trim()).unwrap());
        reports
            .map(|it| {
                let counts = it["call"]["report"]["counts"].as_object().unwrap();
                counts.values().filter_map(Value::as_u64).sum()
            })
            .collect()
    };
    let three_more = async {
        loop {
            let _ = world.setup.send(&forged).await;
            if let [_, three_more @ ..] = reports().as_slice()
                && three_more.len() >= 3
            {
                return three_more.iter().sum::<u64>();
            }
        }
    };
    let sent = tokio::time::timeout(3 * PATIENCE, three_more).await.expect("there are four");
    // On its own each request would have a call with itself, or few more.
    assert!(sent >= 12, "{:?}", reports());
}

/// The alarm that owes an event its next attempt is lost, and no request comes but what cron does.
#[tokio::test]
async fn cron_finds_a_lost_alarm() {
    let storage = tempfile::tempdir().unwrap();
    let start_ms = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let setup = with_faults(|edge| {
        edge.storage(storage.path())
            .setting("DELIVERY", "durable")
            .setting("FAULT_CLOCK_START", start_ms.to_string())
            .setting("FAULT_CLOCK_SPEED", "60")
            .setting("FAULT_ALARM", "lose-first")
    })
    .await;
    setup.origin.reply_next(Reply::status(StatusCode::SERVICE_UNAVAILABLE));
    setup.expect(&succeeded(), 200, "accepted").await;
    setup.edge.wait_for_log(|line| line == "fault: an alarm was given up", PATIENCE).await.unwrap();
    assert_eq!(setup.origin.count(), 1);
    let waited = async {
        while setup.origin.count() < 2 {
            let url = format!("{}__scheduled", setup.edge.url());
            assert_eq!(reqwest::get(url).await.unwrap().status(), 200);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("the event is delivered");
}

/// So is that of the watch.
#[tokio::test]
async fn cron_finds_a_watch_that_has_lost_its_alarm() {
    let setup = with_faults(|edge| {
        let start_ms = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
        edge.setting("ADMIN_TOKEN", TOKEN)
            .setting("FAULT_CLOCK_START", start_ms.to_string())
            .setting("FAULT_CLOCK_SPEED", "60")
            .setting("FAULT_WATCH_ALARM", "lose-first")
    })
    .await;
    // One request wakes the watch, and those of the next minute do not.
    assert_eq!(ask(&setup, "alerts").await["checked_at"], Value::Null);
    let lost = |line: &str| line == "fault: an alarm of the watch was given up";
    setup.edge.wait_for_log(lost, PATIENCE).await.unwrap();
    let waited = wait_until(|| async {
        let url = format!("{}__scheduled", setup.edge.url());
        assert_eq!(reqwest::get(url).await.unwrap().status(), 200);
        ask(&setup, "alerts").await["checked_at"] != Value::Null
    });
    // After a minute a request would wake it as well.
    tokio::time::timeout(PATIENCE, waited).await.expect("the watch goes on");
}
