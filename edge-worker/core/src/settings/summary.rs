//! The settings as they may be shown.

use serde::Serialize;

use super::{MILLISECONDS, Role, SECONDS_PER_HOUR, Settings, TenantField};
use crate::ledger::order::LateEvents;
use crate::watch::Rule;

/// The settings in force. Of secrets it says only whether they are set, and of the origin's URL not
/// the path, which may hold a token.
#[derive(Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "whether each secret is set")]
pub(crate) struct Summary<'a> {
    webhook_path: &'a str,
    webhook_secrets: usize,
    source_networks: Option<usize>,
    signature_headers: &'a [String],
    tolerance_past_seconds: u64,
    tolerance_future_seconds: u64,
    origin: &'a str,
    origin_authorization: bool,
    edge_signing_secret: bool,
    max_body_bytes: usize,
    origin_timeout_ms: u32,
    lease_seconds: u64,
    retention_hours: u64,
    ledger_shards: u32,
    late_events: &'static str,
    delivery: &'static str,
    order: &'static str,
    retry_initial_seconds: u64,
    retry_max_seconds: u64,
    retry_hours: u64,
    retry_attempts: u64,
    breaker_failures: u32,
    breaker_seconds: u64,
    origin_concurrency_of_a_shard: Option<u32>,
    dead_retention_days: u64,
    keep_bodies_hours: u64,
    max_waiting_bytes: u64,
    /// Whether there is a token that is for registering jobs.
    submit_token: bool,
    tokens: Vec<TokenSummary<'a>>,
    tenant_field: Option<String>,
    alerts: Vec<String>,
    alert_url: bool,
    reconcile: Option<ReconcileSummary<'a>>,
}

/// What may be said of a token.
#[derive(Serialize)]
struct TokenSummary<'a> {
    name: &'a str,
    role: Role,
}

/// What of it is about the provider's API.
#[derive(Serialize)]
struct ReconcileSummary<'a> {
    api: &'a str,
    environment: &'static str,
    after_seconds: u64,
    deadline_hours: u64,
    jobs: &'static str,
    requests_per_minute: u32,
}

impl Settings {
    /// The settings as they may be shown.
    pub(crate) fn summary(&self) -> Summary<'_> {
        let tolerance = self.verifier.tolerance();
        Summary {
            webhook_path: &self.webhook_path,
            webhook_secrets: self.secret_count,
            source_networks: self.source_networks.as_ref().map(Vec::len),
            signature_headers: &self.signature_headers,
            tolerance_past_seconds: tolerance.past_secs(),
            tolerance_future_seconds: tolerance.future_secs(),
            origin: self.origin.host(),
            origin_authorization: self.origin_authorization.is_some(),
            edge_signing_secret: self.edge_signing_key.is_some(),
            max_body_bytes: self.max_body_bytes,
            origin_timeout_ms: self.origin_timeout_ms,
            lease_seconds: self.policy.lease_ms / MILLISECONDS,
            retention_hours: self.policy.retention_ms / MILLISECONDS / SECONDS_PER_HOUR,
            ledger_shards: self.ledger_shards,
            late_events: match self.policy.late_events {
                LateEvents::Forward => "forward",
                LateEvents::Drop => "drop",
            },
            delivery: self.delivery.name(),
            order: if self.policy.is_ordered { "job" } else { "none" },
            retry_initial_seconds: self.policy.retry.initial_ms / MILLISECONDS,
            retry_max_seconds: self.policy.retry.max_ms / MILLISECONDS,
            retry_hours: self.policy.retry.within_ms / MILLISECONDS / SECONDS_PER_HOUR,
            retry_attempts: self.policy.retry.attempts,
            breaker_failures: self.policy.breaker.failures,
            breaker_seconds: self.policy.breaker.pause_ms / MILLISECONDS,
            origin_concurrency_of_a_shard: self.policy.concurrency,
            dead_retention_days: self.policy.dead_retention_ms
                / MILLISECONDS
                / SECONDS_PER_HOUR
                / 24,
            keep_bodies_hours: self.policy.keep_bodies_ms / MILLISECONDS / SECONDS_PER_HOUR,
            max_waiting_bytes: self.policy.most_bytes,
            submit_token: self.access.has(Role::Submit),
            tokens: (self.access.holders().iter())
                .map(|holder| TokenSummary { name: holder.name(), role: holder.role() })
                .collect(),
            tenant_field: self.tenant_field.as_ref().map(TenantField::to_string),
            alerts: self.alerts.rules.iter().map(Rule::to_string).collect(),
            alert_url: self.alerts.url.is_some(),
            reconcile: self.reconcile.as_ref().map(|reconcile| ReconcileSummary {
                api: &reconcile.api_host,
                environment: reconcile.environment.as_str(),
                after_seconds: reconcile.after_ms / MILLISECONDS,
                deadline_hours: self
                    .policy
                    .jobs
                    .map_or(0, |jobs| jobs.deadline_ms / MILLISECONDS / SECONDS_PER_HOUR),
                jobs: reconcile.jobs.name(),
                requests_per_minute: reconcile.requests_per_minute,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::settings::tests::settings_with;

    #[test]
    fn the_summary_is_pinned_and_holds_no_secret() {
        let settings = settings_with(&[
            ("WEBHOOK_SECRETS", "canary-1 canary-2"),
            ("ORIGIN_URL", "https://Origin.example:8443/canary?token=canary"),
            ("ORIGIN_AUTHORIZATION", "Bearer canary"),
            ("EDGE_SIGNING_SECRET", "canary"),
            ("ADMIN_TOKEN", "canary-of-the-admin"),
            ("LATE_EVENTS", "drop"),
            ("SOURCE_ADDRESSES", "192.0.2.7"),
            ("SUBMIT_TOKEN", "canary-of-who-submits"),
            ("ADMIN_TOKENS", "grafana:read:canary-of-grafana"),
            ("NEXTAPI_API_KEY", "nxa_test_sk_canary"),
            ("NEXTAPI_API_URL", "https://api.example/canary"),
            ("NEXTAPI_ENVIRONMENT", "test"),
            ("TENANT_FIELD", "data.job.metadata.tenant"),
            ("ALERTS", "dead>0; waiting > 5 for 10m"),
            ("ALERT_URL", "https://hooks.example/canary?canary"),
        ]);
        let summary = serde_json::to_value(settings.summary()).unwrap();
        let expected = json!({
            "webhook_path": "/webhook",
            "webhook_secrets": 2,
            "source_networks": 1,
            "signature_headers": ["x-nextapi-signature", "x-webhook-signature"],
            "tolerance_past_seconds": 300,
            "tolerance_future_seconds": 300,
            "origin": "origin.example:8443",
            "origin_authorization": true,
            "edge_signing_secret": true,
            "max_body_bytes": 262_144,
            "origin_timeout_ms": 7_000,
            "lease_seconds": 30,
            "retention_hours": 72,
            "ledger_shards": 16,
            "late_events": "drop",
            "delivery": "durable",
            "order": "job",
            "retry_initial_seconds": 5,
            "retry_max_seconds": 3_600,
            "retry_hours": 72,
            "retry_attempts": 60,
            "breaker_failures": 5,
            "breaker_seconds": 30,
            "origin_concurrency_of_a_shard": null,
            "dead_retention_days": 30,
            "keep_bodies_hours": 0,
            "max_waiting_bytes": 1_000_000_000,
            "submit_token": true,
            "tokens": [
                { "name": "admin", "role": "operate" },
                { "name": "submit", "role": "submit" },
                { "name": "grafana", "role": "read" },
            ],
            "tenant_field": "data.job.metadata.tenant",
            "alerts": ["dead > 0", "waiting > 5 for 10m"],
            "alert_url": true,
            "reconcile": {
                "api": "api.example",
                "environment": "test",
                "after_seconds": 600,
                "deadline_hours": 24,
                "jobs": "known",
                "requests_per_minute": 60,
            },
        });
        assert_eq!(summary, expected);
        assert!(!summary.to_string().contains("canary"));
    }
}
