//! Faults of the API, over sockets.

use core::time::Duration;
use std::collections::{BTreeSet, HashSet};

use nextapi_simulator::{
    ApiFaults, ApiKeys, Behaviour, Client, Clock, Environment, ResetForm, Response, RetryAfterForm,
    Simulator,
};
use nextapi_testkit::Origin;
use nextapi_webhook::UnixTime;

use crate::support::{SOON, builder, example, quick};

const JOBS: &str = "/v1/video/generations";
const PRICE: u64 = 1_050;
/// 2023-11-14T22:13:20Z
const START: u64 = 1_700_000_000;

/// A simulator whose clock stands, and whose jobs take forty seconds of it.
struct Faulty {
    simulator: Simulator,
    client: Client,
    origin: Origin,
}

impl Faulty {
    async fn start(api_faults: ApiFaults) -> Self {
        let origin = Origin::start().await.unwrap();
        let job_duration = Duration::from_secs(40);
        let behaviour = Behaviour { api_faults, job_duration, ..quick() };
        let simulator = builder(&origin.url(), behaviour)
            .clock(Clock::standing_at(UnixTime::from_secs(START)))
            .start(ApiKeys::generate().unwrap())
            .await
            .unwrap();
        let client = Client::of(&simulator, Environment::Live).unwrap();
        Self { simulator, client, origin }
    }

    async fn submit(&self, key: &str) -> anyhow::Result<Response> {
        self.client.submit(&[("idempotency-key", key)], &example()).await
    }

    async fn status(&self, id: &str) -> (u16, Option<String>) {
        let answer = self.client.get(&format!("{JOBS}/{id}")).await.unwrap();
        (answer.status, answer.body["status"].as_str().map(str::to_owned))
    }

    fn advance(&self, seconds: u64) {
        self.simulator.clock().advance(Duration::from_secs(seconds));
    }

    /// How many jobs were made.
    fn jobs(&self) -> u64 {
        self.simulator.account(Environment::Live).reserved().as_thousandths() / PRICE
    }
}

fn none() -> ApiFaults {
    ApiFaults::default()
}

#[tokio::test]
async fn an_answer_is_lost_after_the_job_was_made() {
    let faulty = Faulty::start(ApiFaults { lose_answer: 1.0, ..none() }).await;
    let error = faulty.submit("order-7").await.unwrap_err();
    assert_eq!(error.to_string(), "the simulator does not answer");
    assert_eq!(faulty.jobs(), 1);
}

#[tokio::test]
async fn whoever_repeats_what_was_lost_under_its_key_makes_one_job() {
    let faulty = Faulty::start(ApiFaults { lose_answer: 0.3, ..none() }).await;
    let (mut ids, mut lost) = (HashSet::new(), 0);
    for number in 0..100 {
        let key = format!("order-{number}");
        let answer = loop {
            match faulty.submit(&key).await {
                Ok(answer) => break answer,
                Err(_) => lost += 1,
            }
        };
        ids.insert(answer.id().unwrap());
    }
    assert_eq!((ids.len(), faulty.jobs()), (100, 100));
    assert!((20..80).contains(&lost), "{lost}");
}

#[tokio::test]
async fn an_answer_breaks_off_after_the_job_was_made() {
    let faulty = Faulty::start(ApiFaults { cut_answer: 1.0, ..none() }).await;
    let error = faulty.submit("order-7").await.unwrap_err();
    assert_eq!(error.to_string(), "the simulator's answer broke off");
    assert_eq!(faulty.jobs(), 1);
}

#[tokio::test]
async fn a_key_is_in_conflict_while_its_first_answer_is_held_back() {
    let hang_for = Duration::from_secs(30);
    let conflict_in_flight = true;
    let faulty =
        Faulty::start(ApiFaults { hang: 1.0, hang_for, conflict_in_flight, ..none() }).await;
    let then = async {
        // The job is there, and its answer is not.
        faulty.origin.wait_for(1, SOON).await.unwrap();
        for seconds in [0, 29] {
            faulty.advance(seconds);
            let second = faulty.submit("order-7").await.unwrap();
            assert_eq!(second.error(), (409, "invalid_request"));
        }
        faulty.advance(1);
    };
    let (first, ()) = tokio::join!(faulty.submit("order-7"), then);
    first.unwrap().id().unwrap();
    assert_eq!(faulty.jobs(), 1);
}

#[tokio::test]
async fn an_answer_that_is_held_back_does_not_come_before_its_time() {
    let hang_for = Duration::from_secs(30);
    let faulty = Faulty::start(ApiFaults { hang: 1.0, hang_for, ..none() }).await;
    let first = async { faulty.submit("order-7").await.map(|_| faulty.simulator.clock().now()) };
    let clock = async {
        faulty.origin.wait_for(1, SOON).await.unwrap();
        for _ in 0..30 {
            faulty.advance(1);
            tokio::task::yield_now().await;
        }
    };
    let (answered, ()) = tokio::join!(first, clock);
    assert_eq!(answered.unwrap().as_secs(), START + 30);
}

#[tokio::test]
async fn server_errors_come_before_or_after_the_job_was_made() {
    for (api_faults, made) in [
        (ApiFaults { fail_before: 1.0, ..none() }, 0),
        (ApiFaults { fail_after: 1.0, ..none() }, 20),
    ] {
        let faulty = Faulty::start(api_faults).await;
        let mut statuses = BTreeSet::new();
        for number in 0..20 {
            let answer = faulty.submit(&format!("order-{number}")).await.unwrap();
            assert_eq!(answer.error().1, "internal_error");
            assert_eq!(answer.headers.contains_key("retry-after"), answer.status == 503);
            statuses.insert(answer.status);
        }
        assert_eq!(statuses, BTreeSet::from([500, 502, 503, 504]));
        assert_eq!(faulty.jobs(), made);
    }
}

#[tokio::test]
async fn a_stored_error_is_given_again_whether_there_is_a_job_or_not() {
    let faulty = Faulty::start(ApiFaults { store_error: 1.0, ..none() }).await;
    let mut acted = BTreeSet::new();
    for number in 0..20 {
        let (key, before) = (format!("order-{number}"), faulty.jobs());
        for _ in 0..3 {
            assert_eq!(faulty.submit(&key).await.unwrap().error(), (500, "internal_error"));
        }
        acted.insert(faulty.jobs() - before);
    }
    assert_eq!(acted, BTreeSet::from([0, 1]));
    let other = faulty.client.submit(&[], &example()).await.unwrap();
    other.id().expect("without a key there is nothing to store it under");
    // A day later the key is another one.
    faulty.advance(86_400);
    assert_eq!(faulty.submit("order-0").await.unwrap().status, 500);
}

#[tokio::test]
async fn a_read_is_behind() {
    let stale_for = Duration::from_secs(5);
    let faulty = Faulty::start(ApiFaults { stale: 1.0, stale_for, ..none() }).await;
    let id = faulty.submit("order-7").await.unwrap().id().unwrap();
    for (seconds, status) in [
        (0, None),
        (4, None),
        (1, Some("queued")),
        (9, Some("queued")),
        (1, Some("running")),
        (29, Some("running")),
        (1, Some("succeeded")),
    ] {
        faulty.advance(seconds);
        let code = if status.is_some() { 200 } else { 404 };
        assert_eq!(faulty.status(&id).await, (code, status.map(str::to_owned)));
        let list = faulty.client.get(JOBS).await.unwrap().body;
        assert_eq!(list["total"], u64::from(status.is_some()));
        assert_eq!(list["data"][0]["status"].as_str(), status);
    }
}

#[tokio::test]
async fn some_reads_are_behind_so_that_a_job_goes_backwards() {
    let faulty = Faulty::start(ApiFaults { stale: 0.5, ..none() }).await;
    let id = faulty.submit("order-7").await.unwrap().id().unwrap();
    faulty.advance(41);
    let mut seen = Vec::new();
    for _ in 0..20 {
        seen.extend(faulty.status(&id).await.1);
    }
    assert!(seen.windows(2).any(|pair| pair == ["succeeded", "running"]), "{seen:?}");
}

#[tokio::test]
async fn a_status_may_be_one_that_nobody_knows() {
    let faulty = Faulty::start(ApiFaults { unknown_status: 0.5, ..none() }).await;
    let id = faulty.submit("order-7").await.unwrap().id().unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..50 {
        seen.extend(faulty.status(&id).await.1);
        let list = faulty.client.get(JOBS).await.unwrap().body;
        seen.extend(list["data"][0]["status"].as_str().map(str::to_owned));
    }
    let expected = ["archived", "moderating", "post_processing", "queued"];
    assert_eq!(seen, expected.map(str::to_owned).into());
}

#[tokio::test]
async fn the_reset_and_the_wait_are_told_in_each_form() {
    let none = none();
    let date = ApiFaults { retry_after: RetryAfterForm::Date, ..none };
    for (api_faults, reset, wait) in [
        (none, "1700000060", "60"),
        (ApiFaults { reset: ResetForm::EpochMillis, ..none }, "1700000060000", "60"),
        (ApiFaults { reset: ResetForm::DeltaSeconds, ..none }, "60", "60"),
        (date, "1700000060", "Tue, 14 Nov 2023 22:14:20 GMT"),
    ] {
        let faulty = Faulty::start(api_faults).await;
        let refused = loop {
            let answer = faulty.client.get(JOBS).await.unwrap();
            assert_eq!(answer.headers["x-ratelimit-reset"], reset);
            if answer.status == 429 {
                break answer;
            }
        };
        assert_eq!(refused.headers["retry-after"], wait);
        assert_eq!(refused.headers["date"], "Tue, 14 Nov 2023 22:13:20 GMT");
    }
}

#[tokio::test]
async fn jobs_vanish_from_the_pages_that_were_read() {
    let faulty = Faulty::start(ApiFaults { delete_listed: 1.0, ..none() }).await;
    let mut made = HashSet::new();
    for number in 0..30 {
        made.insert(faulty.submit(&format!("order-{number}")).await.unwrap().id().unwrap());
    }
    let mut seen = HashSet::new();
    for (offset, total) in [(0, 30), (10, 29), (20, 28)] {
        let path = format!("{JOBS}?limit=10&offset={offset}");
        let page = faulty.client.get(&path).await.unwrap().body;
        assert_eq!(page["total"], total);
        let ids = page["data"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap());
        seen.extend(ids.map(str::to_owned));
    }
    let missed: Vec<_> = made.difference(&seen).collect();
    assert_eq!(missed.len(), 2, "each page that moved up hides a job from whoever counts by pages");
    for id in missed {
        let list = faulty.client.get(&format!("{JOBS}?limit=100")).await.unwrap().body;
        assert!(list.to_string().contains(id.as_str()), "it is still there");
    }
    for id in made {
        assert_eq!(faulty.status(&id).await.0, 200);
    }
}

#[tokio::test]
async fn a_job_is_found_under_its_videos_id_too() {
    let faulty = Faulty::start(none()).await;
    let job = faulty.submit("order-7").await.unwrap().body;
    let path = format!("{JOBS}/{}", job["video_id"].as_str().unwrap());
    assert_eq!(faulty.client.get(&path).await.unwrap().body, job);
    let test = Client::of(&faulty.simulator, Environment::Test).unwrap();
    assert_eq!(test.get(&path).await.unwrap().status, 404);
}

#[tokio::test]
async fn a_seed_means_the_same_faults_for_the_same_requests() {
    let api_faults = ApiFaults {
        fail_before: 0.1,
        fail_after: 0.1,
        store_error: 0.1,
        lose_answer: 0.1,
        cut_answer: 0.1,
        stale: 0.1,
        unknown_status: 0.1,
        delete_listed: 0.1,
        ..none()
    };
    let mut runs = Vec::new();
    for _ in 0..2 {
        let faulty = Faulty::start(api_faults).await;
        let mut seen = Vec::new();
        for number in 0..40 {
            seen.push(faulty.submit(&format!("order-{number}")).await.map_err(|e| e.to_string()));
            seen.push(
                faulty.client.get(&format!("{JOBS}?offset=2")).await.map_err(|e| e.to_string()),
            );
        }
        let facts = seen
            .into_iter()
            .map(|answer| answer.map(|answer| (answer.status, answer.body["total"].clone())));
        runs.push(facts.collect::<Vec<_>>());
    }
    assert_eq!(runs[0], runs[1]);
}
