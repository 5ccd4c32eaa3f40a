//! One run, from the plan to the history.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use nextapi_testkit::{EventBody, Job, LocalEdge, Origin, random_hex};
use nextapi_webhook::{Key, UnixTime};

use crate::crash;
use crate::edge_log;
use crate::history::{Fact, History, Recorder};
use crate::operator::Operator;
use crate::origin;
use crate::plan::{Body, Plan};
use crate::progress::Progress;
use crate::provider::Provider;
use crate::rest;
use crate::scope::Mode;

/// Short, so that a thousand time-outs fit into a minute.
pub(crate) const ORIGIN_TIMEOUT: Duration = Duration::from_millis(700);
/// The shortest that goes with it.
const LEASE: Duration = Duration::from_secs(6);

/// Few, so that there is something to do for each object's connections.
pub(crate) const SHARDS: usize = 4;
const TOKEN: &str = "the-operator-of-the-chaos";

/// What becomes of the ledger's files in the last crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    Kept,
    /// A fault on purpose: an edge that loses its ledger.
    Erased,
}

/// Runs the plan and gives the history.
pub(crate) async fn run(plan: &Plan, mode: Mode, disk: Disk) -> History {
    let secret = random_hex::<24>().unwrap();
    let storage = tempfile::tempdir().unwrap();
    let mut origin = Origin::builder().port(quiet_port()).record(false).start().await.unwrap();
    let edge = LocalEdge::builder(Path::new(env!("CARGO_MANIFEST_DIR")));
    let edge = match mode {
        Mode::Through => edge,
        // Every third alarm fails before the product has heard of it.
        Mode::Durable => {
            edge.bundle("build-faults").setting("FAULT_ALARM", "fail-often").with_file_limits()
        }
    };
    let mut edge = edge
        .setting("WEBHOOK_SECRETS", &secret)
        .setting("ORIGIN_URL", origin.url())
        .setting("ORIGIN_TIMEOUT_MS", ORIGIN_TIMEOUT.as_millis().to_string())
        .setting("LEASE_SECONDS", LEASE.as_secs().to_string())
        .setting("DELIVERY", mode.name())
        .setting("LEDGER_SHARDS", SHARDS.to_string())
        .setting("ADMIN_TOKEN", TOKEN)
        // The shortest that there is.
        .setting("RETRY_INITIAL_SECONDS", "1")
        .setting("RETRY_MAX_SECONDS", "1")
        .setting("BREAKER_SECONDS", "1")
        // This origin fails every few requests for all its life. With the usual five in a row the breaker would be
        // what is measured.
        .setting("BREAKER_FAILURES", "12")
        .storage(storage.path())
        .port(quiet_port())
        .start()
        .await
        .unwrap();
    let url = format!("{}webhook", edge.url());
    let operator = Operator::new(&edge.url(), TOKEN);
    let bodies = Arc::new(bodies(plan));
    let recorder = Recorder::new();
    origin::conduct(&origin, &plan.events, Arc::clone(&bodies), recorder.clone());
    let key = Key::new(secret.as_bytes()).unwrap();
    let after = match mode {
        Mode::Through => vec![None; plan.events.len()],
        // So that it is known which of a job's events was accepted first.
        Mode::Durable => plan.predecessors(),
    };
    let provider = Provider::new(&url, key, bodies, recorder.clone(), after, mode == Mode::Durable);

    let progress = Progress::new(plan.events.len());
    {
        let deliver = provider.deliver(&plan.events, || progress.add_one());
        let crash = crash::crash(&plan.crashes, &mut edge, &mut origin, &operator, &recorder);
        let both = async { tokio::join!(deliver, crash) };
        tokio::select! {
            _ = both => {}
            () = progress.print(|| recorder.summary()) => {}
        }
    }

    if mode == Mode::Durable {
        // Nothing is sent any more: what is owed has to come by itself.
        rest::wait_until_at_rest(plan.events.len(), &origin, &recorder).await;
    }
    if mode == Mode::Durable {
        println!("  all dead letters once more, while the engine is killed");
        recorder.note(Fact::Replaying);
        let id = operator.replay_dead().await;
        crash::kill(&mut edge, &recorder).await;
        edge.restart().await.unwrap();
        recorder.note(Fact::EngineBack);
        operator.see_through(&id).await;
    }
    // By now the origin has every event, and no fault is left. What the provider delivers once more
    // must be known on disk.
    println!("  all events once more, after a last crash");
    crash::kill(&mut edge, &recorder).await;
    if disk == Disk::Erased {
        std::fs::remove_dir_all(storage.path()).unwrap();
        std::fs::create_dir(storage.path()).unwrap();
    }
    edge.restart().await.unwrap();
    recorder.note(Fact::EngineBack);
    provider.deliver_again().await;
    if mode == Mode::Durable {
        rest::wait_until_at_rest(plan.events.len(), &origin, &recorder).await;
    }

    let owed = match mode {
        Mode::Through => 0,
        Mode::Durable => operator.owed().await,
    };
    // Once the engine has ended, its log is complete.
    edge.kill().await;
    History { entries: recorder.entries(), log: edge_log::read(&edge.logs()), owed }
}

fn bodies(plan: &Plan) -> Vec<EventBody> {
    let now = UnixTime::now();
    let mut jobs = Vec::new();
    let mut body = |body| match body {
        Body::Job { job, shape, status } => {
            while jobs.len() <= job {
                jobs.push(Job::random(now).unwrap());
            }
            jobs[job].event(shape, status).unwrap()
        }
        Body::Batch => EventBody::batch_completed(now).unwrap(),
        Body::Unreadable => EventBody::unreadable().unwrap(),
    };
    plan.events.iter().map(|event| body(event.body)).collect()
}

/// A free port that the system does not give to outgoing connections. While the engine or the origin
/// is away, such a connection could otherwise take its port.
fn quiet_port() -> u16 {
    (0..1_000)
        .map(|_| fastrand::u16(20_000..30_000))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free port from 20000 to 29999")
}
