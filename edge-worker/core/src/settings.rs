//! All settings, checked as a whole before any of them is used.
//!
//! Settings that would break a guarantee are refused when they are read, not when they bite: a
//! missing key would let anybody in, a retention shorter than a signature's life would let a
//! captured delivery in again, a lease shorter than the origin's deadline would let two attempts run
//! at once. One bad setting refuses all of them, and nothing is forwarded until it is put right.

mod access;
mod alerts;
mod delivery;
mod fields;
mod origin;
mod raw;
mod reader;
mod reconcile;
mod role;
mod summary;
mod tenant_field;
#[cfg(test)]
pub(crate) mod tests;
mod token;
mod unknown;

use nextapi_webhook::{Key, Tolerance, Verifier};

use crate::client_address::Network;
use crate::ledger::policy::Policy;
pub(crate) use access::{Access, Holder};
pub(crate) use alerts::AlertSettings;
pub(crate) use delivery::DeliveryMode;
pub(crate) use origin::Origin;
pub use origin::Url;
pub use raw::RawSettings;
use reader::Reader;
pub(crate) use reader::{Problem, Secret};
pub(crate) use reconcile::{ReconcileSettings, ReconciledJobs};
pub(crate) use role::Role;
pub(crate) use summary::Summary;
pub(crate) use tenant_field::{MAX_TENANT_BYTES, TenantField, is_tenant};
pub(crate) use token::Token;
pub(crate) use unknown::nearest;

/// Keys that may be active at once. Rotation needs two; each one costs a MAC per delivery.
pub(crate) const MAX_KEYS: usize = 8;

/// How long one call of the ledger may take before it counts as unreachable.
pub(crate) const LEDGER_TIMEOUT_MS: u32 = 3_000;

/// What a lease must have beyond the origin's deadline: a claim's answer may be late by
/// [`LEDGER_TIMEOUT_MS`], which is time of the lease gone before the origin is called, and two
/// seconds are left for the commit.
pub(crate) const LEASE_MARGIN_SECONDS: u64 = 5;

/// The longest deadline for the origin. The provider gives up after about 10 s; the rest is for the
/// ledger and the way back.
const MAX_ORIGIN_TIMEOUT_MS: u64 = 9_000;

/// The longest lease. It is what an event waits after a crash, and it must stay below the shortest
/// retention, so that a running claim is never swept away.
const MAX_LEASE_SECONDS: u64 = 600;

/// The shortest retention: the provider's retries of one event span 31 h 12 min by one of its pages, and
/// 14 h 36 min by the other. An event forgotten before the last of them would be forwarded again.
const LEAST_RETENTION_HOURS: u64 = 36;

/// The largest body. An isolate has 128 MiB for all deliveries under way, and a body is there up to three
/// times. This is the largest limit that the memory tests have been through.
const MAX_BODY_BYTES: u64 = 4 * 1024 * 1024;

/// The most shards. A status path asks every one of them, and one request may make 1,000 calls.
pub(crate) const MAX_SHARDS: u64 = 256;

const SECONDS_PER_YEAR: u64 = 365 * 24 * 60 * 60;
const HOURS_PER_YEAR: u64 = 365 * 24;
const SECONDS_PER_HOUR: u64 = 60 * 60;
const MILLISECONDS: u64 = 1_000;
const HOUR_MS: u64 = SECONDS_PER_HOUR * MILLISECONDS;

/// The path of the health check, which cannot be the webhook's.
pub(crate) const HEALTH_PATH: &str = "/healthz";

/// The settings of the worker, all of them sound.
#[derive(Debug)]
pub struct Settings {
    /// `WEBHOOK_PATH`: where deliveries are taken.
    pub(crate) webhook_path: String,
    /// `WEBHOOK_SECRETS`, `TOLERANCE_PAST_SECONDS` and `TOLERANCE_FUTURE_SECONDS`.
    pub(crate) verifier: Verifier<MAX_KEYS>,
    /// How many secrets `WEBHOOK_SECRETS` has.
    pub(crate) secret_count: usize,
    /// `SOURCE_ADDRESSES`: where deliveries may come from; none if from anywhere.
    pub(crate) source_networks: Option<Vec<Network>>,
    /// `SIGNATURE_HEADERS`, lower case, in the order in which they are looked up.
    pub(crate) signature_headers: Vec<String>,
    /// `ORIGIN_URL`.
    pub(crate) origin: Origin,
    /// `ORIGIN_AUTHORIZATION`.
    pub(crate) origin_authorization: Option<Secret>,
    /// `EDGE_SIGNING_SECRET`.
    pub(crate) edge_signing_key: Option<Key>,
    /// `MAX_BODY_BYTES`.
    pub(crate) max_body_bytes: usize,
    /// `ORIGIN_TIMEOUT_MS`.
    pub(crate) origin_timeout_ms: u32,
    /// `DELIVERY`.
    pub(crate) delivery: DeliveryMode,
    /// `LEASE_SECONDS`, `RETENTION_HOURS`, `LATE_EVENTS`, and everything about retries.
    pub(crate) policy: Policy,
    /// `LEDGER_SHARDS`.
    pub(crate) ledger_shards: u32,
    /// `ADMIN_TOKEN`, `SUBMIT_TOKEN` and `ADMIN_TOKENS`.
    pub(crate) access: Access,
    /// Everything about the provider's API; none without `NEXTAPI_API_KEY`.
    pub(crate) reconcile: Option<ReconcileSettings>,
    /// `TENANT_FIELD`: where the signed body names the tenant.
    pub(crate) tenant_field: Option<TenantField>,
    /// `ALERTS` and `ALERT_URL`.
    pub(crate) alerts: AlertSettings,
    /// Warnings about names that resemble a setting's but are not one, and about alerts that nobody gets.
    pub(crate) warnings: Vec<String>,
}

/// Settings that are not used, and why.
#[derive(Debug)]
pub struct InvalidSettings {
    /// The webhook's path, if at least that is sound.
    pub(crate) webhook_path: Option<String>,
    /// Everything that is wrong; never empty.
    pub(crate) problems: Vec<Problem>,
    /// Warnings about names that resemble a setting's but are not one.
    pub(crate) warnings: Vec<String>,
}

impl InvalidSettings {
    /// Everything that is wrong or looks like it, for the health check and the log.
    pub(crate) fn in_words(&self) -> Vec<String> {
        let problems = self.problems.iter().map(Problem::to_string);
        problems.chain(self.warnings.iter().cloned()).collect()
    }
}

impl Settings {
    /// Whether the provider's API is asked for ends that are missing.
    #[must_use]
    pub const fn reconciles(&self) -> bool {
        self.reconcile.is_some()
    }

    /// Whether figures are taken minute by minute: for who may read them, or for alerts.
    #[must_use]
    pub fn watches(&self) -> bool {
        self.access.has_reader() || !self.alerts.rules.is_empty()
    }

    /// The longest body that is accepted, in bytes.
    #[must_use]
    pub const fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    /// Reads all settings. `parse_url` is the platform's parser of URLs, which gives `None` for what is
    /// no URL.
    ///
    /// # Errors
    /// Every problem there is, so that one look at the health check is enough.
    pub fn read(
        raw: &RawSettings,
        parse_url: &dyn Fn(&str) -> Option<Url>,
    ) -> Result<Self, InvalidSettings> {
        let mut reader = Reader::new(raw);

        let webhook_path = fields::webhook_path(&mut reader);
        let source_networks = fields::source_networks(&mut reader);
        let signature_headers = fields::signature_headers(&mut reader);
        let keys = fields::keys(&mut reader);
        let past = reader.number("TOLERANCE_PAST_SECONDS", 300, 1..=SECONDS_PER_YEAR);
        let future = reader.number("TOLERANCE_FUTURE_SECONDS", 300, 1..=SECONDS_PER_YEAR);
        let origin = fields::origin(&mut reader, parse_url);
        let origin_authorization = reader.secret_header("ORIGIN_AUTHORIZATION");
        let edge_signing_key = fields::edge_signing_key(&mut reader);
        let max_body_bytes = reader.number("MAX_BODY_BYTES", 262_144, 1..=MAX_BODY_BYTES);
        let timeout_ms = reader.number("ORIGIN_TIMEOUT_MS", 7_000, 1..=MAX_ORIGIN_TIMEOUT_MS);
        let lease = reader.number("LEASE_SECONDS", 30, 1..=MAX_LEASE_SECONDS);
        let hours = LEAST_RETENTION_HOURS..=HOURS_PER_YEAR;
        let retention_hours = reader.number("RETENTION_HOURS", 72, hours);
        let shards = reader.number("LEDGER_SHARDS", 16, 1..=MAX_SHARDS);
        let late_events = fields::late_events(&mut reader);
        let access = access::read(&mut reader);
        let delivery = delivery::read(&mut reader);
        let reconcile = reconcile::read(&mut reader, parse_url, &access);
        let alerts = alerts::read(&mut reader, parse_url);

        let retention = retention_hours.saturating_mul(SECONDS_PER_HOUR);
        if retention < past.saturating_add(future) {
            reader.refuse(
                "RETENTION_HOURS",
                "is less than TOLERANCE_PAST_SECONDS and TOLERANCE_FUTURE_SECONDS together: an \
                 event would be forgotten while its signature is still accepted, and could be \
                 replayed; raise it, or lower the tolerance",
            );
        }
        let least_lease = timeout_ms.div_ceil(MILLISECONDS).saturating_add(LEASE_MARGIN_SECONDS);
        if lease < least_lease {
            let text = format!(
                "is less than ORIGIN_TIMEOUT_MS and {LEASE_MARGIN_SECONDS} s: a second attempt \
                 could start while the first one runs; raise it to at least {least_lease}"
            );
            reader.refuse("LEASE_SECONDS", text);
        }

        if delivery.mode == DeliveryMode::Durable
            && max_body_bytes > delivery::MAX_STORED_BODY_BYTES
        {
            let most = delivery::MAX_STORED_BODY_BYTES;
            let text = format!("is more than can be stored with DELIVERY=durable: at most {most}");
            reader.refuse("MAX_BODY_BYTES", text);
        }
        if delivery.keep_bodies_hours > retention_hours {
            reader.refuse(
                "KEEP_BODIES_HOURS",
                "is more than RETENTION_HOURS: an event would be forgotten before its bytes; lower it, \
                 or raise RETENTION_HOURS",
            );
        }
        reconcile.check(&mut reader, edge_signing_key.is_some(), retention);
        let concurrency = delivery::concurrency_of_shard(&mut reader, delivery.concurrency, shards);

        let tolerance = Tolerance::new(past, future);
        let secret_count = keys.len();
        let verifier = Verifier::new(keys, tolerance)
            .map_err(|error| fields::refuse_keys(&mut reader, error))
            .ok();
        let sound_path = (!reader.is_refused("WEBHOOK_PATH")).then(|| webhook_path.clone());
        let mut warnings = unknown::warnings(raw.names(), reader.settings());
        warnings.extend(alerts.warnings(reconcile.followed().is_some(), shards));
        let problems = reader.problems();
        match (verifier, origin) {
            (Some(verifier), Some(origin)) if problems.is_empty() => Ok(Self {
                webhook_path,
                verifier,
                secret_count,
                source_networks,
                signature_headers,
                origin,
                origin_authorization,
                edge_signing_key,
                max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(usize::MAX),
                origin_timeout_ms: u32::try_from(timeout_ms).unwrap_or(u32::MAX),
                delivery: delivery.mode,
                policy: Policy {
                    lease_ms: lease.saturating_mul(MILLISECONDS),
                    retention_ms: retention.saturating_mul(MILLISECONDS),
                    late_events,
                    is_ordered: delivery.is_ordered,
                    retry: delivery.retry,
                    retried: delivery.retried,
                    breaker: delivery.breaker,
                    concurrency,
                    dead_retention_ms: delivery.dead_retention_ms,
                    keep_bodies_ms: delivery.keep_bodies_hours.saturating_mul(HOUR_MS),
                    most_bytes: delivery.most_bytes,
                    jobs: reconcile.followed(),
                },
                ledger_shards: u32::try_from(shards).unwrap_or(u32::MAX),
                access,
                reconcile: reconcile.settings,
                tenant_field: reconcile.tenant_field,
                alerts,
                warnings,
            }),
            _ => Err(InvalidSettings { webhook_path: sound_path, problems, warnings }),
        }
    }

    /// Refuses an origin that is the worker itself, which only a request can tell: `own` is the URL
    /// that the request came to.
    ///
    /// An origin that is the worker under another name is not seen at first, but when the worker's own
    /// request comes back to it, since that is addressed to the origin. Behind a proxy that changes the
    /// name once more, it finds its event claimed already, and answers `in_flight`.
    pub(crate) fn origin_is_own(&self, own: &str) -> Option<Problem> {
        self.origin.is_at(own).then(|| Problem {
            setting: "ORIGIN_URL",
            text: "is the worker itself: deliveries would go round in circles; set it to the \
                   server that handles the events"
                .to_owned(),
        })
    }
}
