//! The origin: the server that verified events are forwarded to.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::Request;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::server::{Handler, serve};
use crate::{Received, Reply};

type Decide = dyn Fn(&Received) -> Reply + Send + Sync;

/// A server on a loopback port that records every request and answers as it is told.
///
/// It stops, and cuts its connections, when it is dropped.
pub struct Origin {
    address: SocketAddr,
    state: Arc<State>,
    task: Option<JoinHandle<()>>,
}

/// The choices that have to be made before an [`Origin`] starts.
#[derive(Clone, Debug)]
pub struct OriginBuilder {
    port: u16,
    record: bool,
}

struct State {
    recorded: Mutex<Recorded>,
    /// How many requests were received; changes after the request is in `recorded`.
    count: watch::Sender<usize>,
    keep: bool,
}

struct Recorded {
    received: Vec<Received>,
    queue: VecDeque<Reply>,
    decide: Arc<Decide>,
}

impl OriginBuilder {
    /// The port to listen on. The default is 0: any that is free.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Whether requests are kept for [`Origin::received`]. The default is yes; an origin that runs
    /// for long should not.
    #[must_use]
    pub const fn record(mut self, record: bool) -> Self {
        self.record = record;
        self
    }

    /// Starts to listen.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn start(self) -> anyhow::Result<Origin> {
        let listener = listen((Ipv4Addr::LOCALHOST, self.port).into()).await?;
        let recorded = Recorded {
            received: Vec::new(),
            queue: VecDeque::new(),
            decide: Arc::new(|_| Reply::default()),
        };
        let state = Arc::new(State {
            recorded: Mutex::new(recorded),
            count: watch::Sender::new(0),
            keep: self.record,
        });
        let address = listener.local_addr().context("the origin has no address")?;
        let task = Some(spawn(listener, &state));
        Ok(Origin { address, state, task })
    }
}

impl Origin {
    /// Starts an origin on a free loopback port that answers everything with `200 OK`.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start() -> anyhow::Result<Self> {
        Self::builder().start().await
    }

    /// An origin with choices to make.
    #[must_use]
    pub const fn builder() -> OriginBuilder {
        OriginBuilder { port: 0, record: true }
    }

    /// Where it listens: `http://127.0.0.1:<port>/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Answers the next request for which no reply is queued yet with `reply`. Queued replies come
    /// before those of [`reply_with`](Self::reply_with).
    pub fn reply_next(&self, reply: Reply) {
        self.state.lock().queue.push_back(reply);
    }

    /// Lets `decide` choose the reply to every request from now on.
    pub fn reply_with(&self, decide: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        self.state.lock().decide = Arc::new(decide);
    }

    /// Everything received so far, in the order of arrival. A request counts as received once its
    /// body is complete, before it is answered.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().received.clone()
    }

    /// How many requests were received so far.
    #[must_use]
    pub fn count(&self) -> usize {
        *self.state.count.borrow()
    }

    /// Waits until at least `count` requests were received, and gives everything received by then.
    ///
    /// # Errors
    /// If that takes longer than `timeout`.
    pub async fn wait_for(&self, count: usize, timeout: Duration) -> anyhow::Result<Vec<Received>> {
        let mut counter = self.state.count.subscribe();
        let enough = counter.wait_for(|received| *received >= count);
        // The sender lives as long as `self`, so only time can run out.
        if tokio::time::timeout(timeout, enough).await.is_err() {
            bail!("the origin received {} requests in {timeout:?}, not {count}", self.count());
        }
        Ok(self.received())
    }

    /// Stops listening and cuts every connection: from here on connections are refused.
    pub async fn refuse(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // Once it has ended, the port is closed. That it was aborted is no news.
            let _ = task.await;
        }
    }

    /// Listens again on the same port, after [`refuse`](Self::refuse).
    ///
    /// # Errors
    /// If another process has taken the port in the meantime.
    pub async fn accept(&mut self) -> anyhow::Result<()> {
        if self.task.is_none() {
            let listener = listen(self.address).await?;
            self.task = Some(spawn(listener, &self.state));
        }
        Ok(())
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        // No code that may panic runs while the lock is held, so a poisoned one is still sound.
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, request: Request<Bytes>) -> Reply {
        let mut recorded = self.lock();
        let count = self.count.borrow().saturating_add(1);
        let received = Received::new(count.saturating_sub(1), request);
        if self.keep {
            recorded.received.push(received.clone());
        }
        self.count.send_replace(count);
        let queued = recorded.queue.pop_front();
        let decide = Arc::clone(&recorded.decide);
        drop(recorded);
        queued.unwrap_or_else(|| decide(&received))
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

fn spawn(listener: TcpListener, state: &Arc<State>) -> JoinHandle<()> {
    let state = Arc::clone(state);
    let handler: Arc<Handler> = Arc::new(move |request| state.reply(request));
    tokio::spawn(async move {
        serve(listener, handler).await;
    })
}
