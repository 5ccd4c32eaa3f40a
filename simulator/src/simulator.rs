//! The simulator as a server on a loopback port.

use core::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use nextapi_testkit::{Deliverer, random_hex};
use nextapi_webhook::Key;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::account::Account;
use crate::behaviour::Behaviour;
use crate::books::Books;
use crate::budget::SpendLimits;
use crate::clock::Clock;
use crate::dispatcher::{Target, dispatch};
use crate::engine::Engine;
use crate::event_record::EventRecord;
use crate::keys::{ApiKeys, Environment};
use crate::moderation::Moderation;
use crate::record::DeliveryRecord;
use crate::router::router;
use crate::server::serve;
use crate::shared::{Observer, Shared};
use crate::store::Store;
use crate::usage::ApiUsage;

/// A simulator for the provider, on a loopback port: its HTTP API, jobs that go through their states,
/// and signed webhooks about them.
///
/// Its state is in memory, where jobs and events stay as long as it runs; with
/// [`data`](SimulatorBuilder::data) they are in a file, too, and outlive it. It stops, and cuts its
/// deliveries, when it is dropped.
pub struct Simulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    dispatcher: JoinHandle<()>,
}

/// The choices that have to be made before a [`Simulator`] starts.
pub struct SimulatorBuilder {
    webhook_url: String,
    key: Key,
    port: u16,
    behaviour: Behaviour,
    data: Option<PathBuf>,
    observer: Box<Observer>,
    clock: Clock,
    spend_limits: SpendLimits,
    moderation: Moderation,
}

impl SimulatorBuilder {
    /// The port to listen on. The default is 0: any that is free.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// How it behaves.
    #[must_use]
    pub const fn behaviour(mut self, behaviour: Behaviour) -> Self {
        self.behaviour = behaviour;
        self
    }

    /// Keeps the state in this file, which is made if there is none, readable for its owner only,
    /// and locked while the simulator runs. The next one that is started with it goes on where this
    /// one has ended, however it did: accounts, jobs, idempotency keys, the delivery log, and the
    /// events that were not delivered yet, each with its attempts and the moment of the next.
    ///
    /// Every request is answered, and every attempt to deliver made, after what it changes is on
    /// the disk. An attempt that was cut is made again, so an event may come twice. Neither an API
    /// key (but its SHA-256) nor the webhooks' key nor a prompt is written; request limits are not
    /// kept. Of the behaviour, [`credits`](Behaviour::credits) and [`seed`](Behaviour::seed) are
    /// for a new file only.
    #[must_use]
    pub fn data(mut self, file: impl Into<PathBuf>) -> Self {
        self.data = Some(file.into());
        self
    }

    /// The clock that it goes by. The default is [`Clock::system`].
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What may be spent. The default is no limit. What has been spent is in the data file, if there
    /// is one, and counts.
    #[must_use]
    pub fn spend_limits(mut self, spend_limits: SpendLimits) -> Self {
        self.spend_limits = spend_limits;
        self
    }

    /// Which prompts it refuses. The default is none.
    #[must_use]
    pub fn moderation(mut self, moderation: Moderation) -> Self {
        self.moderation = moderation;
        self
    }

    /// Calls `observer` for every attempt to deliver that has been made, when it has ended.
    #[must_use]
    pub fn on_delivery(
        mut self,
        observer: impl Fn(&DeliveryRecord) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Starts to listen, for clients that have one of these keys.
    ///
    /// # Errors
    /// If the webhooks' URL is not an absolute `http` or `https` URL, a number of the behaviour is out
    /// of bounds, a spend limit's share is, a word of the moderation profile is none, the port is taken, or the data file is in use, of another version or not one of ours.
    pub async fn start(self, keys: ApiKeys) -> anyhow::Result<Simulator> {
        self.behaviour.check()?;
        self.spend_limits.check()?;
        self.moderation.check()?;
        let deliverer = Deliverer::new(&self.webhook_url).context("where should webhooks go?")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr().context("the simulator has no address")?;
        let run = random_hex::<4>()?;
        let (store, mut engine) = match &self.data {
            None => (None, Engine::new(self.behaviour, run)),
            Some(path) => {
                let store = Store::open(path)?;
                let engine = Engine::restore(self.behaviour, run, |table| store.read(table))
                    .with_context(|| format!("cannot read the data file {}", path.display()))?;
                (Some(store), engine)
            }
        };
        engine.refuse(self.spend_limits, self.moderation);
        let shared = Arc::new(Shared::new(engine, store, keys, self.observer, self.clock));

        let target = Arc::new(Target { deliverer, key: self.key });
        let dispatcher = tokio::spawn(dispatch(Arc::clone(&shared), target));
        // It ends when the gate opens and its clients have their answers.
        tokio::spawn(serve(listener, router(&shared), shared.closing.clone()));
        Ok(Simulator { address, shared, dispatcher })
    }
}

impl Simulator {
    /// A simulator that sends its webhooks to `webhook_url`, signed with `key`.
    #[must_use]
    pub fn builder(webhook_url: impl Into<String>, key: Key) -> SimulatorBuilder {
        SimulatorBuilder {
            webhook_url: webhook_url.into(),
            key,
            port: 0,
            behaviour: Behaviour::default(),
            data: None,
            observer: Box::new(|_| {}),
            clock: Clock::system(),
            spend_limits: SpendLimits::default(),
            moderation: Moderation::default(),
        }
    }

    /// Where it listens: `http://127.0.0.1:<port>/`. The API's paths begin with `v1/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The keys that it knows.
    #[must_use]
    pub fn keys(&self) -> &ApiKeys {
        &self.shared.keys
    }

    /// Its clock, to be moved.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// The last 10,000 attempts to deliver an event, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<DeliveryRecord> {
        self.shared.look(|engine| engine.log().iter().cloned().collect())
    }

    /// What was reserved, settled and refunded: for each job, and in all.
    #[must_use]
    pub fn books(&self) -> Books {
        self.shared.look(|engine| Books(engine.books().collect()))
    }

    /// How often the API was asked, by key. It begins anew with every start.
    #[must_use]
    pub fn usage(&self) -> Vec<ApiUsage> {
        self.shared.look(Engine::usage)
    }

    /// Every event that there has been, oldest first, those that were dropped included.
    #[must_use]
    pub fn events(&self) -> Vec<EventRecord> {
        self.shared.look(|engine| engine.events().collect())
    }

    /// Delivers an event once more, now, without retries; or for the first time, if it was dropped.
    ///
    /// # Errors
    /// If there is no such event, or the simulator [has failed](Self::failed).
    pub fn redeliver(&self, event_id: &str) -> anyhow::Result<()> {
        let now = self.shared.now();
        let planned = self.shared.change(|engine| engine.redeliver(event_id, now));
        planned.flatten().map_err(|error| anyhow!(error.message))?;
        self.shared.changed.notify_one();
        Ok(())
    }

    /// An environment's credits.
    #[must_use]
    pub fn account(&self, environment: Environment) -> Account {
        self.shared.look(|engine| engine.account(environment))
    }

    /// Waits until it cannot go on, because its [data file](SimulatorBuilder::data) cannot be
    /// written, and gives the reason. Every request is answered 500 then. Without such a file, it
    /// waits for ever.
    pub async fn failed(&self) -> anyhow::Error {
        anyhow!(self.shared.failure.wait().await.clone())
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.shared.closing.open();
        self.dispatcher.abort();
        // At once, for whoever is to open the file next; requests may still be under way.
        self.shared.close();
    }
}
