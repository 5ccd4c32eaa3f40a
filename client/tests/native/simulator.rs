//! The client and the simulated provider.

use core::convert::Infallible;
use core::time::Duration;
use std::collections::HashSet;

use nextapi_client::{
    ApiKey, Client, Costs, Disposition, Environment, ErrorKind, GenerationRequest, IdempotencyKey,
    Intent, Moment, Operation as _, PageRequest, PollConfig, Poller, RetryConfig, Step, Submit,
    TransportError, ValidRequest,
};
use nextapi_simulator::{ApiFaults, ApiKeys, Behaviour, Simulator};
use nextapi_webhook::Key;

const KEY: &str = "nxa_test_sk_canary";
const OTHER: &str = "nxa_test_sk_rotated";

async fn simulator() -> Simulator {
    started(Behaviour { job_duration: Duration::from_millis(20), ..Behaviour::default() }).await
}

async fn started(behaviour: Behaviour) -> Simulator {
    let keys = ApiKeys::parse(&format!("test:{KEY} test:{OTHER}")).unwrap();
    let key = Key::new(b"whsec_x").unwrap();
    // Nobody listens there: this is about the API.
    Simulator::builder("http://127.0.0.1:9/", key).behaviour(behaviour).start(keys).await.unwrap()
}

fn client(simulator: &Simulator, key: &str) -> Client {
    let key = ApiKey::new(key, Environment::Test).unwrap();
    Client::builder(key).base_url(simulator.url() + "v1/").build().unwrap()
}

fn request() -> ValidRequest {
    GenerationRequest::new("seedance-2.0-pro", "a fox")
        .duration_seconds(6)
        .resolution("1080p")
        .validate()
        .unwrap()
}

fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey::derive(
        &Intent { namespace: [7; 16], name, take: 1 },
        Environment::Test,
        &request(),
    )
}

async fn jobs(client: &Client) -> Vec<nextapi_client::Job> {
    client.list(PageRequest { limit: 100, offset: 0 }).await.unwrap().jobs
}

#[tokio::test]
async fn a_job_from_its_submission_to_its_end() {
    let simulator = simulator().await;
    let client = client(&simulator, KEY);
    let submitted = client.submit(&request(), key("a")).await.unwrap();
    assert!(!submitted.resent);
    assert_eq!(submitted.job.estimated_credits.unwrap().to_string(), "1.05");
    let config = PollConfig { first: 10, max: 10, ..PollConfig::default() };
    let poller = Poller::new(&submitted.job.id, true, config, client.options());
    let mut looks = 0;
    let watch = |_: &Poller, moment: Moment<'_>| {
        looks += u32::from(matches!(moment, Moment::Answered));
        Ok::<_, Infallible>(())
    };
    let job = client.wait(poller.state().clone(), config, watch).await.unwrap();
    assert!(job.status.ending().is_some() && job.video_url.is_some() && looks > 0);
    assert_eq!(client.retrieve(&job.id, true).await, Ok(job));
    let costs = Costs::of(&jobs(&client).await);
    assert_eq!(
        (costs.jobs, costs.total.to_string(), costs.p95),
        (1, "1.05".to_owned(), costs.total)
    );
}

#[tokio::test]
async fn the_same_intent_is_one_job_and_another_take_a_second_one() {
    let simulator = simulator().await;
    let client = client(&simulator, KEY);
    let first = client.submit(&request(), key("a")).await.unwrap();
    let again = client.submit(&request(), key("a")).await.unwrap();
    assert_eq!(first.job.id, again.job.id);
    let take_2 = Intent { namespace: [7; 16], name: "a", take: 2 };
    let other = IdempotencyKey::derive(&take_2, Environment::Test, &request());
    assert_ne!(client.submit(&request(), other).await.unwrap().job.id, first.job.id);
    assert_eq!(jobs(&client).await.len(), 2);
}

#[tokio::test]
async fn a_client_that_was_killed_while_it_waited_makes_no_second_job() {
    let simulator = simulator().await;
    let client = client(&simulator, KEY);
    // Its request arrives, and nobody is left to read the answer.
    let mut submit = Submit::new(&request(), key("a"), client.fingerprint(), client.options());
    let mut journal = None;
    let killed = client
        .drive(&mut submit, |submit, moment| match moment {
            Moment::BeforeSend(_) => {
                journal = Some(submit.state().clone());
                Ok(())
            }
            _ => Err("killed"),
        })
        .await;
    assert!(killed.is_err());
    assert_eq!(jobs(&client).await.len(), 1);
    let state = journal.unwrap();
    let submitted =
        client.submit_with(&request(), state.clone(), |_| Ok::<_, Infallible>(())).await.unwrap();
    assert!(submitted.resent);
    let made = jobs(&client).await;
    assert_eq!((made.len(), &made[0].id), (1, &submitted.job.id));
    let candidates = client.candidates(&state).await.unwrap();
    assert_eq!(candidates.iter().map(|job| &job.id).collect::<Vec<_>>(), [&submitted.job.id]);
}

/// However often answers are lost, cut, or errors after the job was made: no intent is two jobs, and nothing that was
/// made is denied.
#[tokio::test]
async fn a_provider_that_fails_after_it_acted_bills_once() {
    const INTENTS: usize = 100;
    let api_faults = ApiFaults {
        fail_before: 0.1,
        fail_after: 0.15,
        store_error: 0.05,
        lose_answer: 0.2,
        cut_answer: 0.15,
        ..ApiFaults::default()
    };
    let simulator = started(Behaviour { api_faults, seed: Some(7), ..Behaviour::default() }).await;
    let retry = RetryConfig { initial_backoff: 1, max_backoff: 1, ..RetryConfig::default() };
    let client = Client::builder(ApiKey::new(KEY, Environment::Test).unwrap());
    let client = client.base_url(simulator.url() + "v1").retry(retry).build().unwrap();
    let (mut made, mut unknown, mut resent) = (HashSet::new(), 0, 0);
    for number in 0..INTENTS {
        match client.submit(&request(), key(&number.to_string())).await {
            Ok(submitted) => {
                resent += usize::from(submitted.resent);
                assert!(made.insert(submitted.job.id.to_string()), "one job for two intents");
            }
            Err(error) => {
                assert_eq!(error.disposition, Disposition::Unknown, "{error}");
                unknown += 1;
            }
        }
    }
    assert!(resent > 20 && unknown > 0, "{resent} {unknown}");
    let books = simulator.books();
    assert!(made.iter().all(|id| books.jobs().iter().any(|job| job.job_id == *id)));
    assert!(
        (made.len()..=made.len() + unknown).contains(&books.jobs().len()),
        "a second job for an intent"
    );
    assert_eq!(made.len() + unknown, INTENTS);
}

/// 24 hours later, or under another key, the provider would make, and bill, a second job.
#[tokio::test]
async fn a_rotated_key_or_an_old_journal_makes_no_second_job() {
    let simulator = simulator().await;
    let (client, rotated) = (client(&simulator, KEY), self::client(&simulator, OTHER));
    let submit = Submit::new(&request(), key("a"), client.fingerprint(), client.options());
    let mut journal = None;
    client
        .submit_with(&request(), submit.state().clone(), |state| {
            journal = Some(state.clone());
            Ok::<_, Infallible>(())
        })
        .await
        .unwrap();
    let state = journal.unwrap();
    for (client, age, kind) in [
        (&rotated, 0, ErrorKind::OtherApiKey),
        (&client, 23 * 3600 + 59 * 60, ErrorKind::KeyExpired),
        (&client, 24 * 3600 + 60, ErrorKind::KeyExpired),
    ] {
        let mut state = state.clone();
        state.first_sent_at = state.first_sent_at.map(|at| at - age * 1000);
        let result =
            client.submit_with(&request(), state.clone(), |_| Ok::<_, Infallible>(())).await;
        let Err(nextapi_client::DriveError::Operation(error)) = result else {
            panic!("{result:?}")
        };
        assert_eq!((error.disposition, error.kind), (Disposition::Unknown, kind));
        assert_eq!(client.candidates(&state).await.unwrap().len(), 1, "for a person to pick");
    }
    assert_eq!(jobs(&client).await.len(), 1);
    // What the provider does for those who do send again.
    assert!(rotated.submit(&request(), key("a")).await.is_ok());
    assert_eq!(jobs(&client).await.len(), 2);
}

#[tokio::test]
async fn a_key_that_is_not_known_is_a_case_for_somebody() {
    let simulator = simulator().await;
    let error =
        client(&simulator, "nxa_test_sk_stranger").submit(&request(), key("a")).await.unwrap_err();
    assert_eq!(
        (error.disposition, error.kind, error.attempts),
        (Disposition::Blocked, ErrorKind::Unauthorized, 1)
    );
    // After a time-out it would prove nothing.
    let client = client(&simulator, "nxa_test_sk_stranger");
    let mut submit = Submit::new(&request(), key("a"), client.fingerprint(), client.options());
    let now = 1_700_000_000_000;
    assert!(matches!(submit.step(now, 0), Step::Send(_)));
    submit.on_error(now, TransportError::TimedOut);
    let resumed =
        Submit::resume(submit.state().clone(), &request(), client.fingerprint(), client.options());
    assert_eq!(resumed.state().sends, 1);
}
