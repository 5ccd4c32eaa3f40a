//! All settings, checked as a whole before any of them is used.
//!
//! Settings that would break a guarantee are refused when they are read, not when they bite: a
//! missing key would let anybody in, a retention shorter than a signature's life would let a
//! captured delivery in again, a lease shorter than the origin's deadline would let two attempts run
//! at once. One bad setting refuses all of them, and nothing is forwarded until it is put right.

mod admin_token;
mod origin;
mod source;
mod summary;
#[cfg(test)]
pub(crate) mod tests;

use nextapi_webhook::{Key, KeyError, Tolerance, Verifier};

use crate::client_address::Network;
use crate::forward;
use crate::ledger::entry::Policy;
use crate::ledger::order::LateEvents;
pub(crate) use admin_token::AdminToken;
pub(crate) use origin::Origin;
use source::Source;
pub(crate) use source::{Problem, Secret};
pub(crate) use summary::Summary;

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
/// retention, one hour, so that a running claim is never swept away.
const MAX_LEASE_SECONDS: u64 = 600;

/// The largest body. An isolate has 128 MiB, and a body is there up to three times: the pieces that
/// were read, the whole that they are joined to and that is forwarded, and the copy in WASM.
const MAX_BODY_BYTES: u64 = 32 * 1024 * 1024;

/// The most shards. A status path asks every one of them, and one request may make 1,000 calls.
const MAX_SHARDS: u64 = 256;

const SECONDS_PER_YEAR: u64 = 365 * 24 * 60 * 60;
const HOURS_PER_YEAR: u64 = 365 * 24;
const SECONDS_PER_HOUR: u64 = 60 * 60;
const MILLISECONDS: u64 = 1_000;

/// The path of the health check, which cannot be the webhook's.
pub(crate) const HEALTH_PATH: &str = "/healthz";

/// The settings of the worker, all of them sound.
#[derive(Debug)]
pub(crate) struct Settings {
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
    /// `LEASE_SECONDS` and `LATE_EVENTS`.
    pub(crate) policy: Policy,
    /// `RETENTION_HOURS`, in milliseconds.
    pub(crate) retention_ms: u64,
    /// `LEDGER_SHARDS`.
    pub(crate) ledger_shards: u32,
    /// `ADMIN_TOKEN`.
    pub(crate) admin_token: Option<AdminToken>,
}

/// Settings that are not used, and why.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The webhook's path, if at least that is sound.
    pub(crate) webhook_path: Option<String>,
    /// Everything that is wrong; never empty.
    pub(crate) problems: Vec<Problem>,
}

impl Settings {
    /// Reads all settings through `lookup`, which gives `None` for what is not set.
    ///
    /// # Errors
    /// Every problem there is, so that one look at the health check is enough.
    pub(crate) fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Refused> {
        let mut source = Source::new(lookup);

        let webhook_path = webhook_path(&mut source);
        let source_networks = source_networks(&mut source);
        let signature_headers = signature_headers(&mut source);
        let keys = keys(&mut source);
        let past = source.number("TOLERANCE_PAST_SECONDS", 300, 1..=SECONDS_PER_YEAR);
        let future = source.number("TOLERANCE_FUTURE_SECONDS", 300, 1..=SECONDS_PER_YEAR);
        let origin = origin(&mut source);
        let origin_authorization = source.secret_header("ORIGIN_AUTHORIZATION");
        let edge_signing_key = edge_signing_key(&mut source);
        let max_body_bytes = source.number("MAX_BODY_BYTES", 262_144, 1..=MAX_BODY_BYTES);
        let timeout_ms = source.number("ORIGIN_TIMEOUT_MS", 7_000, 1..=MAX_ORIGIN_TIMEOUT_MS);
        let lease = source.number("LEASE_SECONDS", 30, 1..=MAX_LEASE_SECONDS);
        let retention_hours = source.number("RETENTION_HOURS", 72, 1..=HOURS_PER_YEAR);
        let shards = source.number("LEDGER_SHARDS", 16, 1..=MAX_SHARDS);
        let late_events = late_events(&mut source);
        let admin_token = admin_token(&mut source);

        let retention = retention_hours.saturating_mul(SECONDS_PER_HOUR);
        if retention < past.saturating_add(future) {
            source.refuse(
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
            source.refuse("LEASE_SECONDS", text);
        }

        let tolerance = Tolerance::new(past, future);
        let secret_count = keys.len();
        let verifier =
            Verifier::new(keys, tolerance).map_err(|error| refuse_keys(&mut source, error)).ok();
        let sound_path = (!source.is_refused("WEBHOOK_PATH")).then(|| webhook_path.clone());
        let problems = source.problems();
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
                policy: Policy { lease_ms: lease.saturating_mul(MILLISECONDS), late_events },
                retention_ms: retention.saturating_mul(MILLISECONDS),
                ledger_shards: u32::try_from(shards).unwrap_or(u32::MAX),
                admin_token,
            }),
            _ => Err(Refused { webhook_path: sound_path, problems }),
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

fn webhook_path(source: &mut Source<'_>) -> String {
    const SETTING: &str = "WEBHOOK_PATH";
    let path = source.text(SETTING).unwrap_or_else(|| "/webhook".to_owned());
    if !path.starts_with('/') {
        source.refuse(SETTING, "does not start with `/`: put one in front");
    } else if path == HEALTH_PATH || path == "/_edge" || path.starts_with("/_edge/") {
        source.refuse(SETTING, "is a path of the worker's own: choose another one");
    } else if !is_written_as_in_a_request(&path) {
        source.refuse(
            SETTING,
            "is not written as it stands in a request, so it would never match: leave out query, \
             fragment and dot segments, and percent-encode what needs it",
        );
    }
    path
}

/// Whether a path is what a client sends for it: no client sends a query as part of a path, a dot
/// segment, or a character that has to be percent-encoded.
fn is_written_as_in_a_request(path: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&byte);
    let is_dots = |segment: &str| {
        let segment = segment.to_ascii_lowercase();
        matches!(segment.as_str(), "." | "%2e" | ".." | ".%2e" | "%2e." | "%2e%2e")
    };
    path.bytes().all(is_plain) && !path.split('/').any(is_dots)
}

fn source_networks(source: &mut Source<'_>) -> Option<Vec<Network>> {
    const SETTING: &str = "SOURCE_ADDRESSES";
    let text = source.text(SETTING)?;
    let entries = text.split(|letter: char| letter == ',' || letter.is_ascii_whitespace());
    let networks: Option<Vec<_>> =
        entries.filter(|entry| !entry.is_empty()).map(Network::parse).collect();
    // Nothing but commas is a list that was lost on the way, not a wish to refuse everybody.
    let networks = networks.filter(|networks| !networks.is_empty());
    if networks.is_none() {
        source.refuse(
            SETTING,
            "is not a list of IP addresses and CIDR prefixes: correct it, with every bit after a \
             prefix zero as in `192.0.2.0/24`, or remove it to accept deliveries from anywhere",
        );
    }
    networks
}

fn signature_headers(source: &mut Source<'_>) -> Vec<String> {
    const SETTING: &str = "SIGNATURE_HEADERS";
    let text = source
        .text(SETTING)
        .unwrap_or_else(|| "x-nextapi-signature, x-webhook-signature".to_owned());
    let names: Vec<_> = text.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    if !names.iter().all(|name| forward::is_header_name(name)) {
        source.refuse(SETTING, "is not a list of header names with commas between: correct it");
    } else if names.iter().any(|name| forward::is_reserved(name)) {
        source.refuse(
            SETTING,
            "names a header that has another meaning on the way to the origin: remove it",
        );
    }
    names
}

fn keys(source: &mut Source<'_>) -> Vec<Key> {
    const SETTING: &str = "WEBHOOK_SECRETS";
    let Some(secrets) = source.secret(SETTING) else {
        if !source.is_refused(SETTING) {
            source.refuse(SETTING, "is not set: set it to the provider's signing secret");
        }
        return Vec::new();
    };
    secrets.split_ascii_whitespace().filter_map(|secret| Key::new(secret.as_bytes()).ok()).collect()
}

fn refuse_keys(source: &mut Source<'_>, error: KeyError) {
    const SETTING: &str = "WEBHOOK_SECRETS";
    // That there is no key has been said already, and better.
    if !source.is_refused(SETTING) {
        source.refuse(SETTING, format!("cannot be used ({error}): remove the oldest secrets"));
    }
}

fn edge_signing_key(source: &mut Source<'_>) -> Option<Key> {
    const SETTING: &str = "EDGE_SIGNING_SECRET";
    let secret = source.secret(SETTING)?;
    if secret.contains(char::is_whitespace) {
        // Whoever checks the signature would take it for two keys, or for a key without it.
        source.refuse(SETTING, "has white space in it, perhaps a line feed: set it without");
        return None;
    }
    Key::new(secret.as_bytes()).ok()
}

fn late_events(source: &mut Source<'_>) -> LateEvents {
    const SETTING: &str = "LATE_EVENTS";
    match source.text(SETTING).as_deref() {
        None | Some("forward") => LateEvents::Forward,
        Some("drop") => LateEvents::Drop,
        Some(_) => {
            source.refuse(SETTING, "is neither `forward` nor `drop`: correct it, or remove it");
            LateEvents::Forward
        }
    }
}

fn admin_token(source: &mut Source<'_>) -> Option<AdminToken> {
    const SETTING: &str = "ADMIN_TOKEN";
    let token = source.secret_header(SETTING)?;
    AdminToken::new(&token).map_err(|error| source.refuse(SETTING, error)).ok()
}

fn origin(source: &mut Source<'_>) -> Option<Origin> {
    const SETTING: &str = "ORIGIN_URL";
    let Some(text) = source.text(SETTING) else {
        if !source.is_refused(SETTING) {
            source.refuse(SETTING, "is not set: set it to the URL that verified events go to");
        }
        return None;
    };
    Origin::parse(&text).map_err(|error| source.refuse(SETTING, error)).ok()
}
