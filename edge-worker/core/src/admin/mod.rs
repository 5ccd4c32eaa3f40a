//! The paths for admins: what the worker does, what became of each event, and a way to let one through
//! again.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /_edge/` | the operator's page, which asks for a token and then for what stands below |
//! | `GET /_edge/whoami` | the name and the role of the token that came |
//! | `GET /_edge/status` | settings without secrets, outcomes, the ledger shard by shard, warnings |
//! | `GET /_edge/metrics` | the same figures for Prometheus |
//! | `GET /_edge/events?state=&type=&job=&tenant=&outcome=&id=&since=&until=&limit=&cursor=` | events, the most recently changed first |
//! | `GET /_edge/events/{key}` | one event and its trail |
//! | `POST /_edge/events/{key}/reopen` | forwards the event's next delivery |
//! | `POST /_edge/events/{key}/replay` | delivers an event anew whose bytes are kept |
//! | `POST /_edge/replays` | plans a replay of many events, or starts it |
//! | `GET /_edge/replays`, `GET /_edge/replays/{id}` | all of these replays, or one and how far it is |
//! | `POST /_edge/replays/{id}/pause`, `resume`, `cancel` | steers one |
//! | `POST /_edge/jobs` | follows a job from now on |
//! | `GET /_edge/jobs?state=&tenant=&limit=&cursor=` | jobs, those first that became known last |
//! | `GET /_edge/jobs/{id}` | one job, and what became of its events |
//! | `GET /_edge/costs` | what jobs cost and how long they take, by tenant |
//! | `GET /_edge/audit?limit=&cursor=` | what admins and the reconciler did, the latest first |
//! | `GET /_edge/history` | figures minute by minute |
//! | `GET /_edge/alerts` | rules, how they stand, and who was told |
//! | `POST /_edge/pause`, `POST /_edge/resume` | holds all events back, lets them go out again |
//!
//! All of them take a bearer token whose role is enough for them: `AdminRoute::needs`. Without one they are answered
//! like a path that does not exist, so that nobody learns that there is something to guess.
//!
//! What is asked of all shards is asked of those of former numbers of shards, too, in a second round: the figures of
//! the shards in use name these numbers.
//!
//! [`route`], [`query`], [`body`], [`replay_request`] and [`job_request`] read what is asked for; [`overview`],
//! [`events`], [`replays`], [`jobs`], [`costs`] and [`audit`] put together what the shards reply; [`status`] and
//! [`metrics`] write it down. [`request`] goes from one to the other, and [`answer`] ends it.

mod answer;
mod audit;
mod body;
mod costs;
mod events;
mod job_request;
mod jobs;
mod metrics;
mod overview;
mod page;
mod query;
mod replay_request;
mod replays;
mod request;
mod route;
mod status;
#[cfg(test)]
mod tests;

pub(crate) use costs::price_p95;
pub(crate) use page::{PAGE_PATH, page};
pub(crate) use request::AdminRequest;
pub(crate) use route::is_admin_path;
