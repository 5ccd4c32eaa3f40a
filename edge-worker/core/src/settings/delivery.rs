//! The settings of who retries, when, and for how long.

use super::{HOURS_PER_YEAR, MILLISECONDS, Reader, SECONDS_PER_HOUR};
use crate::ledger::breaker::BreakerPolicy;
use crate::ledger::retry::RetryPolicy;
use crate::ledger::statuses::Statuses;

/// When the provider is answered, and who retries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DeliveryMode {
    /// Once the event is on disk; the edge retries.
    #[default]
    Durable,
    /// Once the origin has answered 2xx; the provider retries. No body is ever on disk.
    Through,
}

impl DeliveryMode {
    /// The setting's value.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Through => "through",
        }
    }
}

/// The longest body that can be stored. A row on the platform has at most 2 MB; this leaves room for the
/// largest headers that it lets through, and for the rest of the row.
pub(super) const MAX_STORED_BODY_BYTES: u64 = 1_700_000;

/// The longest pause between two attempts: a day, after which nobody waits for an origin.
const MAX_PAUSE_SECONDS: u64 = 24 * 60 * 60;
/// The longest time that an event is tried for: a month.
const MAX_RETRY_HOURS: u64 = 30 * 24;
/// The most attempts of one event.
const MAX_ATTEMPTS: u64 = 1_000;
/// The longest first pause of the breaker, which it never waits longer than.
const MAX_BREAKER_SECONDS: u64 = 5 * 60;
const MAX_FAILURES: u64 = 1_000;
const MAX_CONCURRENCY: u64 = 10_000;
const MAX_DEAD_DAYS: u64 = 365;
/// What a shard must be able to hold: the longest body.
const LEAST_WAITING_BYTES: u64 = 2_000_000;
/// What a shard may hold: an object's database has at most 10 GB.
const MAX_WAITING_BYTES: u64 = 8_000_000_000;
const SECONDS_PER_DAY: u64 = 24 * SECONDS_PER_HOUR;

/// Everything about retries.
pub(super) struct Delivery {
    pub(super) mode: DeliveryMode,
    pub(super) is_ordered: bool,
    pub(super) retry: RetryPolicy,
    pub(super) retried: Statuses,
    pub(super) breaker: BreakerPolicy,
    pub(super) concurrency: Option<u64>,
    pub(super) dead_retention_ms: u64,
    pub(super) keep_bodies_hours: u64,
    pub(super) most_bytes: u64,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Delivery {
    let mode = mode(reader);
    let is_ordered = is_ordered(reader);
    let initial = reader.number("RETRY_INITIAL_SECONDS", 5, 1..=MAX_PAUSE_SECONDS);
    let max = reader.number("RETRY_MAX_SECONDS", 3_600, 1..=MAX_PAUSE_SECONDS);
    if max < initial {
        reader.refuse("RETRY_MAX_SECONDS", "is less than RETRY_INITIAL_SECONDS: raise it");
    }
    let hours = reader.number("RETRY_HOURS", 72, 1..=MAX_RETRY_HOURS.min(HOURS_PER_YEAR));
    for (setting, seconds) in [("RETRY_INITIAL_SECONDS", initial), ("RETRY_MAX_SECONDS", max)] {
        if seconds > hours.saturating_mul(SECONDS_PER_HOUR) {
            reader.refuse(setting, "is longer than RETRY_HOURS: lower it, or raise RETRY_HOURS");
        }
    }
    let attempts = reader.number("RETRY_ATTEMPTS", 60, 1..=MAX_ATTEMPTS);
    let retried = retried(reader);
    let failures = reader.number("BREAKER_FAILURES", 5, 1..=MAX_FAILURES);
    let pause = reader.number("BREAKER_SECONDS", 30, 1..=MAX_BREAKER_SECONDS);
    let concurrency = reader.optional_number("ORIGIN_CONCURRENCY", 1..=MAX_CONCURRENCY);
    let dead_days = reader.number("DEAD_RETENTION_DAYS", 30, 1..=MAX_DEAD_DAYS);
    let keep_bodies_hours = reader.number("KEEP_BODIES_HOURS", 0, 0..=HOURS_PER_YEAR);
    let bytes = LEAST_WAITING_BYTES..=MAX_WAITING_BYTES;
    let most_bytes = reader.number("MAX_WAITING_BYTES", 1_000_000_000, bytes);
    Delivery {
        mode,
        is_ordered,
        retry: RetryPolicy {
            initial_ms: initial.saturating_mul(MILLISECONDS),
            max_ms: max.saturating_mul(MILLISECONDS),
            within_ms: hours.saturating_mul(SECONDS_PER_HOUR).saturating_mul(MILLISECONDS),
            attempts,
        },
        retried,
        breaker: BreakerPolicy {
            failures: u32::try_from(failures).unwrap_or(u32::MAX),
            pause_ms: pause.saturating_mul(MILLISECONDS),
        },
        concurrency,
        dead_retention_ms: dead_days.saturating_mul(SECONDS_PER_DAY).saturating_mul(MILLISECONDS),
        keep_bodies_hours,
        most_bytes,
    }
}

fn mode(reader: &mut Reader<'_>) -> DeliveryMode {
    const SETTING: &str = "DELIVERY";
    match reader.text(SETTING).as_deref() {
        None => DeliveryMode::default(),
        Some("durable") => DeliveryMode::Durable,
        Some("through") => DeliveryMode::Through,
        Some(_) => {
            reader.refuse(SETTING, "is neither `durable` nor `through`: correct it, or remove it");
            DeliveryMode::default()
        }
    }
}

fn is_ordered(reader: &mut Reader<'_>) -> bool {
    const SETTING: &str = "ORDER";
    match reader.text(SETTING).as_deref() {
        None | Some("job") => true,
        Some("none") => false,
        Some(_) => {
            reader.refuse(SETTING, "is neither `job` nor `none`: correct it, or remove it");
            true
        }
    }
}

fn retried(reader: &mut Reader<'_>) -> Statuses {
    const SETTING: &str = "RETRIED_STATUSES";
    let text = reader.text(SETTING);
    let statuses = Statuses::parse(text.as_deref().unwrap_or("408, 425, 429, 500-599"));
    statuses.unwrap_or_else(|| {
        reader.refuse(
            SETTING,
            "is not a list of statuses and ranges from 300 to 599 with commas between, such as \
             `408, 429, 500-599`: correct it, or remove it",
        );
        Statuses::default()
    })
}

/// The share of `ORIGIN_CONCURRENCY` that one shard has.
pub(super) fn concurrency_of_shard(
    reader: &mut Reader<'_>,
    concurrency: Option<u64>,
    shards: u64,
) -> Option<u32> {
    let concurrency = concurrency?;
    if concurrency < shards {
        reader.refuse(
            "ORIGIN_CONCURRENCY",
            "is less than LEDGER_SHARDS: each shard has at least one attempt under way; raise it, or \
             use fewer shards",
        );
    }
    Some(u32::try_from(concurrency.checked_div(shards).unwrap_or(1).max(1)).unwrap_or(u32::MAX))
}
