//! Jobs that were registered, and what all jobs cost: the same as in the simulator's books.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use nextapi_simulator::{Behaviour, Faults};
use nextapi_testkit::Credits;
use reqwest::Client;
use serde_json::{Value, json};

use super::{SETTLED, World, quick, silent};
use crate::setup::PATIENCE;

const ADMIN: &str = "the-token-of-the-admin";
const SUBMITTER: &str = "the-token-of-who-submits";

impl World {
    /// Submits a job of so many seconds; its id and what it is estimated to cost.
    async fn submit_of(&self, number: usize, seconds: usize) -> (String, Value) {
        let job = json!({
            "model": "seedance-2.0-pro", "prompt": "canary of the prompt",
            "duration_seconds": seconds, "resolution": "1080p",
        });
        let answer = Client::new()
            .post(format!("{}v1/video/generations", self.simulator.url()))
            .bearer_auth(&self.api_key)
            .header("idempotency-key", format!("order-{number}"))
            .body(job.to_string())
            .send()
            .await
            .unwrap();
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        (body["id"].as_str().unwrap().to_owned(), body["estimated_credits"].clone())
    }

    async fn register(&self, job: Value) {
        let url = format!("{}_edge/jobs", self.setup.edge.url());
        let request = Client::new().post(url).bearer_auth(SUBMITTER).body(job.to_string());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    async fn ask(&self, path: &str) -> Value {
        let url = format!("{}_edge/{path}", self.setup.edge.url());
        let answer = Client::new().get(url).bearer_auth(ADMIN).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// The costs, once so many jobs have ended and the origin has all that was paid for.
    async fn settled_costs(&self, jobs: u64) -> Value {
        let waited = async {
            loop {
                let page = self.ask("costs").await;
                let total = &page["total"];
                let number = |name: &str| total[name].as_u64().unwrap_or(0);
                let is_over = number("open") == 0 && number("succeeded") + number("failed") == jobs;
                if is_over && total["paid_not_delivered"] == "0" {
                    return page;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waited).await.expect("all jobs end")
    }
}

/// Nobody else tells of them: no webhook comes, and the list is not walked.
#[tokio::test]
async fn a_registered_job_whose_webhooks_are_all_lost_is_found() {
    let settings =
        [("RECONCILE_JOBS", "known"), ("ADMIN_TOKEN", ADMIN), ("SUBMIT_TOKEN", SUBMITTER)];
    let world = World::start(Behaviour { failure_rate: 0.3, ..silent() }, &settings).await;
    let mut tenants: BTreeMap<String, &str> = BTreeMap::new();
    for number in 0..15 {
        let (id, estimated) = world.submit_of(number, 4 + number % 5).await;
        let tenant = if number % 2 == 0 { "acme" } else { "zeta" };
        let mut job = json!({ "id": id, "tenant": tenant });
        if number % 3 == 0 {
            job["estimated_credits"] = estimated;
        }
        // Of the last three nobody hears.
        if number < 12 {
            world.register(job).await;
            tenants.insert(id, tenant);
        }
    }
    let registered: BTreeSet<_> = tenants.keys().cloned().collect();
    world.ended(12).await;
    let page = world.settled_costs(12).await;
    tokio::time::sleep(SETTLED).await;
    world.each_ended_once(&registered);

    let books = world.simulator.books();
    for (index, tenant) in ["acme", "zeta"].into_iter().enumerate() {
        let of_tenant = books.jobs().iter().filter(|job| tenants.get(&job.job_id) == Some(&tenant));
        let (mut settled, mut refunded) = (Credits::default(), Credits::default());
        for job in of_tenant {
            settled = settled.saturating_add(job.amounts.settled);
            refunded = refunded.saturating_add(job.amounts.refunded);
        }
        let shown = &page["tenants"][index];
        assert_eq!(shown["tenant"], tenant, "{page}");
        assert_eq!(shown["settled"], settled.to_string(), "{page}");
        assert_eq!(shown["refunded"], refunded.to_string(), "{page}");
    }
    let list = world.ask("jobs?state=reconciliation&limit=100").await;
    assert_eq!(list["jobs"].as_array().map(Vec::len), Some(12), "{list}");
    let job = world.ask(&format!("jobs/{}", registered.first().unwrap())).await;
    assert_eq!((&job["state"], &job["ended_by"]), (&"ended".into(), &"reconciliation".into()));
    assert_eq!(job["events"].as_array().map(Vec::len), Some(1), "{job}");
    let audit = world.ask("audit?limit=100").await;
    let made = audit["entries"].as_array().unwrap().iter().filter(|it| it["act"] == "make_end");
    assert_eq!(made.count(), 12, "{audit}");
}

/// Some webhooks come, some late or twice, some never; some jobs fail.
#[tokio::test]
async fn the_costs_are_those_of_the_books() {
    let faults = Faults { drop_jobs: 0.3, drop_events: 0.3, duplicate: 0.2, ..Faults::default() };
    let behaviour = Behaviour { failure_rate: 0.3, ..quick(faults) };
    let settings = [("ADMIN_TOKEN", ADMIN), ("SUBMIT_TOKEN", SUBMITTER)];
    let world = World::start(behaviour, &settings).await;
    for number in 0..40 {
        let (id, estimated) = world.submit_of(number, 4 + number % 7).await;
        // If the only webhook of a job says that it failed, nobody else tells what was set aside for it.
        world.register(json!({ "id": id, "estimated_credits": estimated })).await;
    }
    world.ended(40).await;
    let page = world.settled_costs(40).await;
    let (total, books) = (&page["total"], world.simulator.books().total());
    assert_eq!(books.jobs, 40);
    assert_eq!(total["settled"], books.amounts.settled.to_string(), "{page}");
    assert_eq!(total["refunded"], books.amounts.refunded.to_string(), "{page}");
    assert_eq!(total["reserved"], books.amounts.outstanding().to_string(), "{page}");
    let mut prices: Vec<_> = Vec::new();
    let jobs = world.simulator.books();
    for job in jobs.jobs().iter().filter(|job| job.amounts.settled > Credits::default()) {
        prices.push(job.amounts.settled);
    }
    prices.sort_unstable();
    let rank = |percent: usize| prices[(prices.len() * percent).div_ceil(100) - 1].to_string();
    assert_eq!((&total["p50"], &total["p95"]), (&rank(50).into(), &rank(95).into()), "{page}");
    assert_eq!(total["prices"], prices.len(), "{page}");
    assert_eq!(world.ask("status").await["credits"]["settled"], total["settled"]);
}
