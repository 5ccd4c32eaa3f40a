//! The options of the API's faults.

use core::time::Duration;

use clap::{Args, ValueEnum};
use nextapi_simulator::{ApiFaults, ResetForm, RetryAfterForm};

/// What goes wrong between the API and its clients.
#[derive(Args)]
#[command(next_help_heading = "Faults of the API")]
pub(crate) struct ApiFaultArguments {
    /// How many answers are 500, 502, 503 or 504, and nothing was done
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    api_fail_before: f64,
    /// How many answers are one of these, and what was asked for was done
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    api_fail_after: f64,
    /// How many submissions are answered 500 for as long as their idempotency key is known
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    api_store_error: f64,
    /// How many answers are lost after what was asked for was done
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    api_lose_answer: f64,
    /// How many answers break off in the middle of their body
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    api_cut_answer: f64,
    /// How many answers are held back after what was asked for was done
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    api_hang: f64,
    /// How long they are held back
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
    api_hang_for: Duration,
    /// Answer 409 while the first submission with an idempotency key is held back
    #[arg(long)]
    api_conflict: bool,
    /// How many reads show jobs as they were some time ago
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    api_stale: f64,
    /// How long ago
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
    api_stale_for: Duration,
    /// How many jobs that are read have a status that no client knows
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    api_unknown_status: f64,
    /// How many pages of the list find a job of an earlier page deleted
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    api_delete_listed: f64,
    /// What X-RateLimit-Reset counts
    #[arg(long, value_name = "FORM", default_value = "epoch-seconds")]
    api_reset: ResetArgument,
    /// How Retry-After is written
    #[arg(long, value_name = "FORM", default_value = "seconds")]
    api_retry_after: RetryAfterArgument,
}

#[derive(Clone, Copy, ValueEnum)]
enum ResetArgument {
    EpochSeconds,
    EpochMillis,
    DeltaSeconds,
}

#[derive(Clone, Copy, ValueEnum)]
enum RetryAfterArgument {
    Seconds,
    Date,
}

impl ApiFaultArguments {
    pub(crate) const fn faults(&self) -> ApiFaults {
        ApiFaults {
            fail_before: self.api_fail_before,
            fail_after: self.api_fail_after,
            store_error: self.api_store_error,
            lose_answer: self.api_lose_answer,
            cut_answer: self.api_cut_answer,
            hang: self.api_hang,
            hang_for: self.api_hang_for,
            conflict_in_flight: self.api_conflict,
            stale: self.api_stale,
            stale_for: self.api_stale_for,
            unknown_status: self.api_unknown_status,
            delete_listed: self.api_delete_listed,
            reset: match self.api_reset {
                ResetArgument::EpochSeconds => ResetForm::EpochSeconds,
                ResetArgument::EpochMillis => ResetForm::EpochMillis,
                ResetArgument::DeltaSeconds => ResetForm::DeltaSeconds,
            },
            retry_after: match self.api_retry_after {
                RetryAfterArgument::Seconds => RetryAfterForm::Seconds,
                RetryAfterArgument::Date => RetryAfterForm::Date,
            },
        }
    }
}
