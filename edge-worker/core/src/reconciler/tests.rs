//! Rounds beside a made-up API and shards that are played, with a clock that the tests move.

use std::collections::BTreeMap;

use nextapi_client::TransportError;
use serde_json::{Value, json};

use super::{Round, RoundCall, RoundInput, RoundOutput};
use crate::isolate::{Bindings, Isolate};
use crate::ledger::job::{DueJob, JobSummary, Observation};
use crate::ledger::message::{Call, Reply};
use crate::ledger::shard;
use crate::settings::tests::{read, settings_with};
use crate::trace::Random;

const NOW_MS: u64 = 1_700_000_000_000;
const SECOND_MS: u64 = 1_000;

/// What the API answers with instead of what it knows.
type Fault = Option<Result<(u16, Vec<(String, String)>), TransportError>>;

/// The world around a reconciler.
struct World {
    isolate: Isolate,
    shards: u32,
    now_ms: u64,
    memory: String,
    /// The API's jobs, the newest first.
    api: Vec<Value>,
    fault: Fault,
    /// Paths that are answered with a status of their own.
    odd: Vec<(String, u16)>,
    /// How long the first two answers take.
    first_answers_ms: u64,
    /// When each request was sent, and its path.
    asked: Vec<(u64, String)>,
    /// Jobs that the ledger follows, each with when it became known.
    known: BTreeMap<String, u64>,
    /// What was observed last of each job.
    observed: BTreeMap<String, Observation>,
    /// The ends that were made, by job: key and body.
    made: BTreeMap<String, (String, String)>,
    /// What the last of them keeps beside its body.
    head: String,
    /// Shards that do not reply.
    silent: Vec<String>,
    /// A shard that does not reply to one observation.
    silent_once: Option<String>,
    /// Jobs whose end has come, by a webhook.
    came: Vec<String>,
    /// Jobs that are followed no longer.
    forgotten: Vec<String>,
    log: Vec<String>,
    alarm_ms: Option<u64>,
}

fn ended(id: usize, created_s: u64) -> Value {
    json!({
        "id": format!("job_{id}"), "video_id": format!("vid_{id}"), "status": "succeeded",
        "video_url": "https://cdn.test/1.mp4", "credits": 1.05, "created_at": created_s,
    })
}

impl World {
    fn new(settings: &[(&str, &str)]) -> Self {
        let usual = [("NEXTAPI_API_KEY", "nxa_live_sk_canary"), ("EDGE_SIGNING_SECRET", "edge")];
        let settings = settings_with(&[&usual, settings].concat());
        Self {
            shards: settings.ledger_shards,
            isolate: Isolate::new(Ok(settings), Bindings::default()),
            now_ms: NOW_MS,
            memory: String::new(),
            api: Vec::new(),
            fault: None,
            odd: Vec::new(),
            first_answers_ms: 0,
            asked: Vec::new(),
            known: BTreeMap::new(),
            observed: BTreeMap::new(),
            made: BTreeMap::new(),
            head: String::new(),
            silent: Vec::new(),
            silent_once: None,
            came: Vec::new(),
            forgotten: Vec::new(),
            log: Vec::new(),
            alarm_ms: None,
        }
    }

    /// One whole round, which takes a millisecond for each of its steps.
    fn round(&mut self) {
        self.round_up_to(usize::MAX);
    }

    /// A round that is cut off after so many steps, as by a crash; whether it came to its end.
    fn round_up_to(&mut self, steps: usize) -> bool {
        let random = Random::from_bytes(&[7; 40]);
        let (mut round, mut output) =
            Round::begin(&self.isolate, &self.memory, &random, self.now_ms);
        for _ in 0..steps {
            assert!(!format!("{output:?}").contains("canary"), "{output:?}");
            self.now_ms += 1;
            let input = match output {
                RoundOutput::CallLedger { calls, .. } => {
                    let replies: Vec<_> = calls.into_iter().map(|call| self.reply(call)).collect();
                    RoundInput::LedgerReplies(replies.join("\n"))
                }
                RoundOutput::AskApi { url, headers, .. } => self.answer(&url, &headers),
                RoundOutput::Keep { memory } => {
                    self.memory = memory;
                    RoundInput::Kept
                }
                RoundOutput::End { memory, alarm_ms, log } => {
                    self.memory = memory;
                    self.alarm_ms = alarm_ms;
                    self.log.extend(log);
                    assert!(round.is_none(), "there is no machine after the end");
                    return true;
                }
            };
            (round, output) =
                round.take().expect("a machine waits for its input").handle(input, self.now_ms);
        }
        false
    }

    /// Rounds at their alarms, until this time.
    fn run_until(&mut self, end_ms: u64) {
        while self.now_ms < end_ms {
            self.round();
            let alarm_ms = self.alarm_ms.expect("rounds go on");
            assert!(alarm_ms >= self.now_ms, "an alarm in the past would ring in a loop");
            self.now_ms = alarm_ms;
        }
    }

    fn reply(&mut self, call: RoundCall) -> String {
        let is_observation = call.message.contains("\"observe\"");
        let is_silent_now = is_observation && self.silent_once.as_ref() == Some(&call.shard);
        if is_silent_now {
            self.silent_once = None;
        }
        if is_silent_now || self.silent.contains(&call.shard) {
            return r#"{"error":{"message":"no reply"}}"#.to_owned();
        }
        let name = |job_id: &str| shard::name_of_job(job_id, self.shards);
        let reply = match Call::decode(&call.message).unwrap() {
            Call::DueJobs { limit } => {
                let is_due = |(id, _): &(&String, &u64)| {
                    name(id) == call.shard && !self.made.contains_key(*id) && !self.is_over(id)
                };
                let due = self.known.iter().filter(is_due);
                let due =
                    due.map(|(id, known_ms)| DueJob { job_id: id.clone(), known_ms: *known_ms });
                Reply::DueJobs { jobs: due.take(limit as usize).collect(), next_ms: None }
            }
            Call::Observe(observations) => {
                let (mut ripe, mut unknown) = (Vec::new(), Vec::new());
                for observation in observations {
                    assert_eq!(name(&observation.job_id), call.shard);
                    let id = observation.job_id.clone();
                    if !self.known.contains_key(&id) {
                        if observation.is_known_only {
                            unknown.push(id);
                            continue;
                        }
                        self.known.insert(id.clone(), self.now_ms);
                    }
                    let is_end = matches!(observation.status.as_str(), "succeeded" | "failed");
                    if is_end && !self.made.contains_key(&id) && !self.came.contains(&id) {
                        ripe.push(id.clone());
                    }
                    self.observed.insert(id, observation);
                }
                Reply::Observed { ripe, unknown }
            }
            Call::MakeEnd { observation, key, meta, body_bytes, head } => {
                self.head = head;
                let body = call.body.unwrap();
                assert_eq!(body_bytes, body.len() as u64);
                assert_eq!(meta.job_id.as_ref(), Some(&observation.job_id));
                match self.made.insert(observation.job_id, (key, body)) {
                    None => Reply::Stored,
                    Some(_) => Reply::Duplicate,
                }
            }
            Call::FindJob { job_id } => {
                assert_eq!(name(&job_id), call.shard);
                let has_ended = self.came.contains(&job_id) || self.made.contains_key(&job_id);
                let ended = JobSummary {
                    end_key: has_ended.then(|| "event-1".to_owned()),
                    ..JobSummary::open(&job_id, 0, 0)
                };
                let is_known = has_ended || self.known.contains_key(&job_id);
                Reply::Jobs(is_known.then_some(ended).into_iter().collect())
            }
            Call::ForgetJob { job_id } => {
                self.known.remove(&job_id);
                self.forgotten.push(job_id);
                Reply::Ok
            }
            other => panic!("{other:?}"),
        };
        reply.encode()
    }

    /// Whether the API has shown that the job is not to be found: then the ledger would ask later.
    fn is_over(&self, id: &str) -> bool {
        let is_later = |it: &Observation| {
            !matches!(it.status.as_str(), "queued" | "running" | "succeeded" | "failed")
        };
        self.observed.get(id).is_some_and(is_later) || self.came.iter().any(|it| it == id)
    }

    fn answer(&mut self, url: &str, headers: &[(&'static str, String)]) -> RoundInput {
        let path = url.strip_prefix("https://api.nextapi.top/v1").unwrap();
        let header = |name: &str| {
            headers.iter().find(|(it, _)| *it == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(header("authorization"), Some("Bearer nxa_live_sk_canary"));
        assert_eq!(header("x-nextapi-environment"), Some("live"));
        self.asked.push((self.now_ms, path.to_owned()));
        if self.asked.len() <= 2 {
            self.now_ms += self.first_answers_ms;
        }
        let odd = self.odd.iter().find(|(odd, _)| path.starts_with(odd.as_str()));
        if let Some((_, status)) = odd {
            return RoundInput::Answer {
                status: *status,
                headers: Vec::new(),
                body: b"{}".to_vec(),
            };
        }
        match &self.fault {
            Some(Ok((status, headers))) => {
                let body = br#"{"error":{"code":"x","message":"canary"}}"#.to_vec();
                return RoundInput::Answer { status: *status, headers: headers.clone(), body };
            }
            Some(Err(error)) => return RoundInput::NoAnswer(*error),
            None => {}
        }
        let rest = path.strip_prefix("/video/generations").unwrap();
        let body = if let Some(id) = rest.strip_prefix('/') {
            self.api.iter().find(|job| job["id"] == id || job["video_id"] == id).cloned()
        } else {
            let (_, query) = rest.split_once('?').unwrap();
            let number = |name: &str| -> usize {
                let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                pairs.find(|(it, _)| *it == name).unwrap().1.parse().unwrap()
            };
            let (limit, offset) = (number("limit"), number("offset"));
            let page: Vec<_> = self.api.iter().skip(offset).take(limit).collect();
            Some(json!({ "data": page, "total": self.api.len(), "limit": limit, "offset": offset }))
        };
        let (status, body) = match body {
            Some(body) => (200, body.to_string()),
            None => (404, r#"{"error":{"code":"not_found","message":"canary"}}"#.to_owned()),
        };
        RoundInput::Answer { status, headers: Vec::new(), body: body.into_bytes() }
    }

    fn know(&mut self, ids: impl IntoIterator<Item = usize>) {
        self.known.extend(ids.into_iter().map(|id| (format!("job_{id}"), self.now_ms)));
    }

    /// The most requests in any minute.
    fn busiest_minute(&self) -> usize {
        let sent = || self.asked.iter().map(|(ms, _)| *ms);
        let within =
            |start: u64| sent().filter(|ms| (start..start + 60 * SECOND_MS).contains(ms)).count();
        sent().map(within).max().unwrap_or(0)
    }
}

#[test]
fn without_an_api_key_there_is_nothing_to_do() {
    let isolate = Isolate::new(Ok(settings_with(&[])), Bindings::default());
    let (round, output) = Round::begin(&isolate, "", &Random::from_bytes(&[]), NOW_MS);
    assert!(round.is_none());
    assert!(matches!(output, RoundOutput::End { alarm_ms: None, .. }));
}

#[test]
fn with_settings_that_are_refused_it_looks_again_in_a_minute() {
    let isolate = Isolate::new(read(&[("ORIGIN_URL", Some("nowhere"))]), Bindings::default());
    let (_, output) = Round::begin(&isolate, "{\"since_ms\":5}", &Random::from_bytes(&[]), NOW_MS);
    let RoundOutput::End { memory, alarm_ms, .. } = output else { panic!("{output:?}") };
    assert_eq!(alarm_ms, Some(NOW_MS + 60_000));
    assert!(memory.contains("\"since_ms\":5"), "{memory}");
}

#[test]
fn a_few_jobs_are_asked_for_one_by_one_and_their_ends_made() {
    let mut world = World::new(&[]);
    world.api = vec![
        ended(3, 0),
        json!({ "id": "job_2", "status": "running", "progress": 40 }),
        json!({ "id": "job_1", "status": "succeeded" }),
        json!({ "id": "job_0", "status": "failed", "error": { "code": "internal_error" } }),
    ];
    world.know(0..5);
    world.round();
    assert_eq!(world.asked.len(), 5);
    assert!(world.asked.iter().all(|(_, path)| path.starts_with("/video/generations/job_")));
    let statuses = world.observed.iter().map(|(id, it)| (id.as_str(), it.status.as_str()));
    assert_eq!(
        statuses.collect::<Vec<_>>(),
        [
            ("job_0", "failed"),
            ("job_1", "succeeded_without_url"),
            ("job_2", "running"),
            ("job_3", "succeeded"),
            ("job_4", "not_found"),
        ]
    );
    assert_eq!(world.made.keys().collect::<Vec<_>>(), ["job_0", "job_3"]);
    assert_eq!(world.alarm_ms, Some(world.now_ms - 1 + 60_000));
    let line: Value = serde_json::from_str(&world.log[0]).unwrap();
    assert_eq!(
        line["reconciliation"],
        json!({ "requests": 5, "seen": 5, "made": 2, "unanswered": 0 })
    );
    // All attempts of a made end are linked to the round that made it.
    let head: Value = serde_json::from_str(&world.head).unwrap();
    let ids = ["trace_id", "span_id"].map(|name| line[name].as_str().unwrap());
    assert_eq!(head["trace"], format!("00-{}-{}-01", ids[0], ids[1]));
    assert_eq!(head["correlation_id"], line["correlation_id"]);
}

#[test]
fn many_jobs_are_asked_for_by_the_page() {
    let mut world = World::new(&[]);
    let created_s = NOW_MS / 1_000 - 60;
    world.api = (0..1_000).rev().map(|id| ended(id, created_s)).collect();
    // One that was submitted long ago, and one that the list does not have.
    world.api.push(ended(5_000, 1));
    world.know((0..1_000).step_by(2).chain([5_000, 6_000]));
    world.run_until(NOW_MS + 600 * SECOND_MS);
    assert_eq!(world.made.len(), 501);
    assert!(!world.made.contains_key("job_1"), "one that the edge does not know of");
    let one_by_one = world.asked.iter().filter(|(_, path)| !path.contains('?'));
    assert_eq!(one_by_one.count(), 2);
    assert!(world.asked.len() < 30, "{}", world.asked.len());
}

/// A job that is due since long ago must not have the whole list read for it, again and again.
#[test]
fn no_more_pages_are_read_than_are_worth_it() {
    let mut world = World::new(&[]);
    let running = |id: usize| json!({ "id": format!("job_{id}"), "status": "running", "created_at": NOW_MS / 1_000 - 60 });
    world.api = (0..5_000).rev().map(running).collect();
    world.known.insert("job_5000".to_owned(), 1);
    world.know(0..15);
    world.round();
    let pages = world.asked.iter().filter(|(_, path)| path.contains('?')).count();
    assert_eq!((pages, world.asked.len()), (3, 10));
}

#[test]
fn with_all_jobs_each_end_since_the_beginning_is_found() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
    world.api = (0..50).rev().map(|id| ended(id, NOW_MS / 1_000 - 10)).collect();
    world.round();
    assert!(world.made.is_empty(), "the origin would get the past again");
    let mut id = 100;
    for _ in 0..20 {
        for _ in 0..60 {
            world.api.insert(0, ended(id, world.now_ms / 1_000));
            id += 1;
        }
        // What is deleted pulls the others up.
        world.api.truncate(500);
        world.run_until(world.now_ms + 30 * SECOND_MS);
    }
    world.run_until(world.now_ms + 120 * SECOND_MS);
    assert_eq!(world.made.len(), id - 100);
    // Few pages find many jobs, those among them that were not over at first.
    for number in 0..500 {
        let created_s = world.now_ms / 1_000;
        world.api.insert(0, json!({ "id": format!("job_{}", 10_000 + number), "status": "running", "created_at": created_s }));
    }
    world.run_until(world.now_ms + 120 * SECOND_MS);
    for job in &mut world.api {
        job["status"] = "failed".into();
    }
    world.run_until(world.now_ms + 900 * SECOND_MS);
    assert_eq!(world.made.len(), id - 100 + 500);
    assert!(world.busiest_minute() <= 60, "{}", world.busiest_minute());
}

#[test]
fn a_job_is_followed_under_the_name_that_the_ledger_has() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
    world.round();
    world.known.insert("vid_7".to_owned(), world.now_ms);
    world.observed.insert(
        "vid_7".to_owned(),
        Observation {
            job_id: "vid_7".to_owned(),
            status: "not_found".to_owned(),
            credits: None,
            estimated: None,
            created_ms: None,
            is_known_only: true,
        },
    );
    world.api = vec![ended(8, world.now_ms / 1_000 + 1), ended(7, world.now_ms / 1_000 + 1)];
    world.run_until(world.now_ms + 120 * SECOND_MS);
    assert_eq!(world.made.keys().collect::<Vec<_>>(), ["job_8", "vid_7"]);
}

#[test]
fn no_minute_has_more_requests_than_are_allowed_even_if_rounds_are_cut_off() {
    for (steps, answer_ms) in [usize::MAX, 4, 5, 7, 9, 30]
        .map(|steps| (steps, 0))
        .into_iter()
        .chain([(usize::MAX, 8_000)])
    {
        let mut world = World::new(&[("RECONCILE_REQUESTS_PER_MINUTE", "7")]);
        world.first_answers_ms = answer_ms;
        world.api =
            (0..10).map(|id| json!({ "id": format!("job_{id}"), "status": "running" })).collect();
        world.know(0..10);
        while world.now_ms < NOW_MS + 600 * SECOND_MS {
            if world.round_up_to(steps) {
                world.now_ms = world.alarm_ms.unwrap();
            } else {
                world.now_ms += SECOND_MS;
            }
        }
        assert!(world.busiest_minute() <= 7, "{}", world.busiest_minute());
        assert!(world.asked.len() >= 8, "{steps} steps: {}", world.asked.len());
    }
}

#[test]
fn the_reset_is_waited_for_and_a_refusal_for_somebody() {
    for (status, headers, pause_ms) in [
        (429, vec![("retry-after", "30")], 30 * SECOND_MS),
        (429, vec![("x-ratelimit-reset", "45")], 45 * SECOND_MS),
        (401, vec![], 600 * SECOND_MS),
        (402, vec![], 600 * SECOND_MS),
        (503, vec![], 5 * SECOND_MS),
    ] {
        let mut world = World::new(&[]);
        world.api = vec![ended(0, 0), ended(1, 0)];
        world.know(0..2);
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        world.fault = Some(Ok((status, headers.collect())));
        world.round();
        assert_eq!(world.asked.len(), 1, "{status}");
        let alarm_ms = world.alarm_ms.unwrap();
        // What lies beyond is the spread of those who wait for the same reset.
        let waited_ms = alarm_ms - world.now_ms;
        assert!(
            (pause_ms - 10..=pause_ms + 10 * SECOND_MS).contains(&waited_ms),
            "{status}: {waited_ms}"
        );
        let line = world.log.join("");
        assert!(line.contains("trouble") && !line.contains("canary"), "{line}");
        // Not even if somebody wakes it.
        world.round();
        assert_eq!(world.asked.len(), 1, "{status}");
        world.fault = None;
        world.now_ms = alarm_ms;
        world.round();
        assert_eq!(world.made.len(), 2, "{status}");
    }
}

#[test]
fn no_answer_costs_a_pause_that_doubles() {
    let mut world = World::new(&[]);
    world.know(0..1);
    world.fault = Some(Err(TransportError::TimedOut));
    world.run_until(NOW_MS + 3_600 * SECOND_MS);
    assert!((12..=20).contains(&world.asked.len()), "{}", world.asked.len());
    let pauses: Vec<_> = world.asked.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(pauses.iter().all(|ms| (4_900..=311_000).contains(ms)), "{pauses:?}");
}

/// What a shard was not told of is shown again.
#[test]
fn a_shard_that_is_away_misses_nothing() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all"), ("LEDGER_SHARDS", "4")]);
    world.round();
    world.now_ms += 10 * SECOND_MS;
    world.api = (0..100).map(|id| ended(id, world.now_ms / 1_000)).collect();
    world.silent = vec!["shard-1".to_owned()];
    world.run_until(world.now_ms + 180 * SECOND_MS);
    let made = world.made.len();
    assert!((1..100).contains(&made), "{made}");
    // Longer than what a walk reads again.
    world.now_ms += 3_600 * SECOND_MS;
    world.silent.clear();
    world.run_until(world.now_ms + 180 * SECOND_MS);
    assert_eq!(world.made.len(), 100);
}

/// Wherever a round is cut off, the next ones finish its work, and make the same events.
#[test]
fn a_round_may_be_cut_off_anywhere() {
    for steps in 1..60 {
        let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
        world.round();
        world.now_ms += 10 * SECOND_MS;
        world.api = (0..150).map(|id| ended(id, world.now_ms / 1_000)).collect();
        world.round_up_to(steps);
        let before = world.made.clone();
        world.now_ms += 60 * SECOND_MS;
        world.run_until(world.now_ms + 300 * SECOND_MS);
        assert_eq!(world.made.len(), 150, "{steps}");
        assert!(before.iter().all(|(id, (key, _))| world.made[id].0 == *key), "{steps}");
    }
}

/// One job that the API cannot answer for does not stand in the way of the others, wherever it is.
#[test]
fn a_job_of_which_nothing_is_to_be_had_stops_no_other() {
    for status in [400, 405, 422, 301, 500, 200] {
        for poison in ["job_0", "job_4"] {
            let mut world = World::new(&[("LEDGER_SHARDS", "1")]);
            world.api = (0..5).map(|id| ended(id, 0)).collect();
            world.odd = vec![(format!("/video/generations/{poison}"), status)];
            world.know(0..5);
            world.run_until(NOW_MS + 60 * SECOND_MS);
            assert_eq!(world.made.len(), 4, "{status} for {poison}");
            let asked = world.asked.iter().filter(|(_, path)| path.ends_with(poison)).count();
            assert!(asked <= 2, "{status} for {poison}: {asked}");
        }
    }
}

#[test]
fn one_that_is_never_answered_comes_behind_the_others() {
    let mut world = World::new(&[("LEDGER_SHARDS", "1")]);
    world.api = (0..5).map(|id| ended(id, 0)).collect();
    world.odd = vec![("/video/generations/job_0".to_owned(), 503)];
    world.know(0..5);
    world.run_until(NOW_MS + 600 * SECOND_MS);
    assert_eq!(world.made.len(), 4);
}

/// Everything fails: that is no job's fault.
#[test]
fn an_api_that_fails_is_asked_a_few_times_only() {
    let mut world = World::new(&[]);
    world.know(0..100);
    world.odd = vec![("/video".to_owned(), 500)];
    world.run_until(NOW_MS + 600 * SECOND_MS);
    assert!(world.asked.len() < 60, "{}", world.asked.len());
}

#[test]
fn without_the_list_jobs_are_asked_for_one_by_one() {
    for (mode, jobs) in [("known", 30), ("all", 3)] {
        for status in [400, 404, 500, 503, 200] {
            let mut world = World::new(&[("RECONCILE_JOBS", mode)]);
            world.api = (0..jobs).map(|id| ended(id, 0)).collect();
            world.odd = vec![("/video/generations?".to_owned(), status)];
            world.know(0..jobs);
            world.run_until(NOW_MS + 600 * SECOND_MS);
            assert_eq!(world.made.len(), jobs, "{status} for the list, {mode}");
            let pages = world.asked.iter().filter(|(_, path)| path.contains('?')).count();
            assert!((1..=5).contains(&pages), "{pages}");
        }
    }
}

/// They are too deep in the list for the pages that they are worth.
#[test]
fn what_the_pages_do_not_have_is_asked_for_one_by_one() {
    for jobs in [100, 150, 200] {
        let mut world = World::new(&[("LEDGER_SHARDS", "1")]);
        let running = |id: usize| json!({ "id": format!("job_{id}"), "status": "running", "created_at": NOW_MS / 1_000 });
        world.api = (1_000..7_000).rev().map(running).collect();
        world.api.extend((0..jobs).map(|id| ended(id, 1)));
        world.known.extend((0..jobs).map(|id| (format!("job_{id}"), 1_000)));
        world.run_until(NOW_MS + 1_800 * SECOND_MS);
        assert_eq!(world.made.len(), jobs);
    }
}

/// The walk takes several rounds, and a shard was away in the first one only.
#[test]
fn what_was_missed_in_an_earlier_round_is_shown_again() {
    let settings =
        [("RECONCILE_JOBS", "all"), ("LEDGER_SHARDS", "4"), ("RECONCILE_REQUESTS_PER_MINUTE", "1")];
    let mut world = World::new(&settings);
    world.round();
    world.now_ms += 4_600 * SECOND_MS;
    world.api = (0..150).map(|id| ended(id, world.now_ms / 1_000 - 30 * id as u64)).collect();
    world.silent = vec!["shard-1".to_owned()];
    world.round();
    world.silent.clear();
    world.run_until(world.now_ms + 4 * 3_600 * SECOND_MS);
    assert_eq!(world.made.len(), 150);
}

#[test]
fn an_end_that_came_under_another_name_is_not_made() {
    for (came, known) in [("vid_7", "job_7"), ("job_7", "vid_7")] {
        let mut world = World::new(&[]);
        world.api = vec![ended(7, 0)];
        world.known.insert(known.to_owned(), NOW_MS);
        world.came.push(came.to_owned());
        world.round();
        assert!(world.made.is_empty(), "{came}");
        assert_eq!(world.forgotten, [known]);
    }
    // A shard that cannot say is no reason to make it.
    let mut world = World::new(&[]);
    world.api = vec![ended(7, 0)];
    world.know([7]);
    world.silent = vec![shard::name_of_job("vid_7", world.shards)];
    world.round();
    let is_same = shard::name_of_job("job_7", world.shards) == world.silent[0];
    assert!(!is_same && world.made.is_empty());
    world.silent.clear();
    world.round();
    assert_eq!(world.made.len(), 1);
}

#[test]
fn nobody_is_followed_twice_because_a_shard_was_away() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
    world.round();
    world.now_ms += 10 * SECOND_MS;
    world.api = vec![ended(7, world.now_ms / 1_000)];
    world.known.insert("vid_7".to_owned(), world.now_ms);
    world.came.push("vid_7".to_owned());
    world.silent = vec![shard::name_of_job("vid_7", world.shards)];
    world.run_until(world.now_ms + 120 * SECOND_MS);
    world.silent.clear();
    world.run_until(world.now_ms + 120 * SECOND_MS);
    assert!(world.made.is_empty(), "{:?}", world.made.keys());
}

/// Without a reply nobody knows by which of its names a job is known.
#[test]
fn a_job_gets_no_new_name_because_a_shard_was_away_for_a_moment() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
    world.round();
    world.now_ms += 10 * SECOND_MS;
    world.api = vec![ended(7, world.now_ms / 1_000)];
    world.silent_once = Some(shard::name_of_job("vid_7", world.shards));
    world.run_until(world.now_ms + 180 * SECOND_MS);
    assert_eq!(world.silent_once, None);
    assert_eq!(world.made.keys().collect::<Vec<_>>(), ["job_7"]);
}

#[test]
fn a_date_that_lies_ahead_ends_no_walk() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
    world.round();
    for id in 0..60 {
        world.api.insert(0, ended(id, world.now_ms / 1_000));
        if id == 5 {
            world.api.insert(0, ended(1_000, 253_402_300_799));
        }
        world.run_until(world.now_ms + 60 * SECOND_MS);
    }
    world.run_until(world.now_ms + 120 * SECOND_MS);
    assert!(world.made.len() >= 60, "{}", world.made.len());
}

#[test]
fn ids_that_are_other_paths_are_not_asked_for() {
    let mut world = World::new(&[]);
    for id in [".", "..", "../../admin", "a?b#c"] {
        world.known.insert(id.to_owned(), NOW_MS);
    }
    world.round();
    let paths: Vec<_> = world.asked.iter().map(|(_, path)| path.as_str()).collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    assert!(
        paths.contains(&"/video/generations/..%2F..%2Fadmin")
            && paths.contains(&"/video/generations/a%3Fb%23c")
    );
}
