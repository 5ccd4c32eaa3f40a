//! The settings of reconciliation: the provider's API, and how long it waits for webhooks.

use core::fmt;

use nextapi_client::Environment;

use super::{
    Access, HOURS_PER_YEAR, MILLISECONDS, Reader, Role, SECONDS_PER_HOUR, Secret, TenantField, Url,
    tenant_field,
};
use crate::ledger::job::JobPolicy;

/// The provider's API.
const API_URL: &str = "https://api.nextapi.top/v1";

/// The longest time for which webhooks are waited for: a day.
const MAX_AFTER_SECONDS: u64 = 24 * 60 * 60;

/// The most requests a minute: a tenth of the 600 that the provider allows a key.
const MAX_REQUESTS: u64 = 60;

/// Which jobs are reconciled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ReconciledJobs {
    /// Those that were registered or had an event.
    #[default]
    Known,
    /// All that the API lists.
    All,
}

impl ReconciledJobs {
    /// The setting's value.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::All => "all",
        }
    }
}

/// What the reconciler goes by.
pub(crate) struct ReconcileSettings {
    /// `NEXTAPI_API_KEY`.
    pub(crate) api_key: Secret,
    /// `NEXTAPI_API_URL`, without a slash at its end.
    pub(crate) api_url: String,
    /// Host and port of that, as they may be shown.
    pub(crate) api_host: String,
    /// `NEXTAPI_ENVIRONMENT`.
    pub(crate) environment: Environment,
    /// `RECONCILE_AFTER_SECONDS`, in milliseconds.
    pub(crate) after_ms: u64,
    /// `RECONCILE_JOBS`.
    pub(crate) jobs: ReconciledJobs,
    /// `RECONCILE_REQUESTS_PER_MINUTE`.
    pub(crate) requests_per_minute: u32,
}

impl fmt::Debug for ReconcileSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            api_key,
            api_url: _,
            api_host,
            environment,
            after_ms,
            jobs,
            requests_per_minute,
        } = self;
        f.debug_struct("ReconcileSettings")
            .field("api_key", api_key)
            .field("api_host", api_host)
            .field("environment", environment)
            .field("after_ms", after_ms)
            .field("jobs", jobs)
            .field("requests_per_minute", requests_per_minute)
            .finish_non_exhaustive()
    }
}

/// Everything about jobs.
pub(super) struct Reconcile {
    /// None without an API key.
    pub(super) settings: Option<ReconcileSettings>,
    /// Whether there is a token that is for registering jobs.
    registers: bool,
    pub(super) tenant_field: Option<TenantField>,
    jobs: JobPolicy,
}

impl Reconcile {
    /// How jobs are followed, if they are.
    pub(super) fn followed(&self) -> Option<JobPolicy> {
        (self.settings.is_some() || self.registers).then_some(self.jobs)
    }

    /// Refuses what does not go together with other settings; the retention is in seconds.
    pub(super) fn check(&self, reader: &mut Reader<'_>, has_signing_key: bool, retention: u64) {
        const SIGNING: &str = "EDGE_SIGNING_SECRET";
        if self.settings.is_none() {
            return;
        }
        if !has_signing_key && !reader.is_refused(SIGNING) {
            reader.refuse(
                SIGNING,
                "is not set, and NEXTAPI_API_KEY is: events that the edge makes carry no other \
                 signature; set it, or remove NEXTAPI_API_KEY",
            );
        }
        let horizon_ms = self.jobs.deadline_ms.saturating_add(self.jobs.after_ms);
        if horizon_ms / MILLISECONDS >= retention {
            reader.refuse(
                "JOB_DEADLINE_HOURS",
                "is, with RECONCILE_AFTER_SECONDS, not less than RETENTION_HOURS: an end would be \
                 made that the ledger had and has forgotten; lower it, or raise RETENTION_HOURS",
            );
        }
    }
}

pub(super) fn read(
    reader: &mut Reader<'_>,
    parse_url: &dyn Fn(&str) -> Option<Url>,
    access: &Access,
) -> Reconcile {
    let tenant_field = tenant_field::read(reader);
    let api_key = reader.secret_header("NEXTAPI_API_KEY");
    let api_url = api_url(reader, parse_url);
    let environment = environment(reader);
    let after = reader.number("RECONCILE_AFTER_SECONDS", 600, 1..=MAX_AFTER_SECONDS);
    let hours = reader.number("JOB_DEADLINE_HOURS", 24, 1..=HOURS_PER_YEAR);
    let reconciled = reconciled_jobs(reader);
    let requests = reader.number("RECONCILE_REQUESTS_PER_MINUTE", 60, 1..=MAX_REQUESTS);
    let after_ms = after.saturating_mul(MILLISECONDS);
    let deadline_ms = hours.saturating_mul(SECONDS_PER_HOUR).saturating_mul(MILLISECONDS);
    if let Some(api_key) = &api_key {
        check_key(reader, api_key, environment);
    }
    let settings = api_key.zip(api_url).map(|(api_key, (api_url, api_host))| ReconcileSettings {
        api_key,
        api_url,
        api_host,
        environment,
        after_ms,
        jobs: reconciled,
        requests_per_minute: u32::try_from(requests).unwrap_or(u32::MAX),
    });
    let jobs = JobPolicy { after_ms, deadline_ms };
    Reconcile { settings, registers: access.has(Role::Submit), tenant_field, jobs }
}

fn check_key(reader: &mut Reader<'_>, api_key: &Secret, environment: Environment) {
    const SETTING: &str = "NEXTAPI_API_KEY";
    if api_key.expose().contains(' ') {
        reader
            .refuse(SETTING, "has a space in it, which no key has: set it again, without `Bearer`");
    }
    if environment_of(api_key.expose()).is_some_and(|of_key| of_key != environment) {
        let text = format!(
            "is a key of another environment than NEXTAPI_ENVIRONMENT={}: set a key of that one, or the \
             environment of the key",
            environment.as_str()
        );
        reader.refuse(SETTING, text);
    }
}

/// The environment that a key is of, if it says so.
fn environment_of(key: &str) -> Option<Environment> {
    let name = key.strip_prefix("nxa_")?.split_once("_sk_")?.0;
    Environment::from_name(name)
}

fn environment(reader: &mut Reader<'_>) -> Environment {
    const SETTING: &str = "NEXTAPI_ENVIRONMENT";
    let Some(name) = reader.text(SETTING) else { return Environment::Live };
    Environment::from_name(&name).unwrap_or_else(|| {
        reader.refuse(SETTING, "is neither `live` nor `test`: correct it, or remove it");
        Environment::Live
    })
}

fn reconciled_jobs(reader: &mut Reader<'_>) -> ReconciledJobs {
    const SETTING: &str = "RECONCILE_JOBS";
    match reader.text(SETTING).as_deref() {
        None | Some("known") => ReconciledJobs::Known,
        Some("all") => ReconciledJobs::All,
        Some(_) => {
            reader.refuse(SETTING, "is neither `known` nor `all`: correct it, or remove it");
            ReconciledJobs::default()
        }
    }
}

/// The URL and its host. None if it is refused.
fn api_url(
    reader: &mut Reader<'_>,
    parse_url: &dyn Fn(&str) -> Option<Url>,
) -> Option<(String, String)> {
    const SETTING: &str = "NEXTAPI_API_URL";
    let text = reader.text(SETTING).unwrap_or_else(|| API_URL.to_owned());
    let Some(url) = parse_url(&text) else {
        reader
            .refuse(SETTING, "is not a URL: give a whole one, such as https://api.nextapi.top/v1");
        return None;
    };
    let problem = if !url.username.is_empty() || !url.password.is_empty() {
        "has credentials in it: the key is NEXTAPI_API_KEY"
    } else if url.href.contains(['?', '#']) {
        "has a query or a fragment, and paths are added to it: remove that"
    } else if url.protocol != "https:" && !(url.protocol == "http:" && is_loopback(&url.host)) {
        "is not https: the key would be sent in the clear; only an address of the machine itself may be http"
    } else {
        let href = url.href.trim_end_matches('/').to_owned();
        return Some((href, url.host));
    };
    reader.refuse(SETTING, problem);
    None
}

/// Whether a host, which the platform has brought into its normal form, is the machine itself.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name == "localhost"
        || name == "[::1]"
        || name.parse().is_ok_and(|address: core::net::Ipv4Addr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::{problems_with, settings_with};

    const KEY: (&str, &str) = ("NEXTAPI_API_KEY", "nxa_live_sk_canary");
    const SIGNED: (&str, &str) = ("EDGE_SIGNING_SECRET", "edge");

    fn problem(values: &[(&str, &str)]) -> String {
        let values = [&[KEY, SIGNED], values].concat();
        let problems = problems_with(&values);
        assert_eq!(problems.len(), 1, "{values:?}: {problems:?}");
        assert!(!problems[0].contains("canary"), "{problems:?}");
        problems[0].clone()
    }

    #[test]
    fn without_a_key_and_a_token_no_job_is_kept() {
        let settings = settings_with(&[("RECONCILE_JOBS", "all"), ("NEXTAPI_ENVIRONMENT", "test")]);
        assert!(settings.reconcile.is_none());
        assert_eq!(settings.policy.jobs, None);
        let readers = [("ADMIN_TOKENS", "a:read:0123456789abcdef b:operate:fedcba9876543210")];
        assert_eq!(settings_with(&readers).policy.jobs, None);
        for token in
            [("SUBMIT_TOKEN", "0123456789abcdef"), ("ADMIN_TOKENS", "shop:submit:0123456789abcdef")]
        {
            let settings = settings_with(&[token]);
            assert!(settings.reconcile.is_none());
            let jobs = JobPolicy { after_ms: 600_000, deadline_ms: 24 * 3_600_000 };
            assert_eq!(settings.policy.jobs, Some(jobs));
        }
    }

    #[test]
    fn defaults_with_a_key() {
        let settings = settings_with(&[KEY, SIGNED]);
        let reconcile = settings.reconcile.as_ref().unwrap();
        assert_eq!(reconcile.api_key.expose(), KEY.1);
        assert_eq!(reconcile.api_url, "https://api.nextapi.top/v1");
        assert_eq!(reconcile.environment, Environment::Live);
        assert_eq!((reconcile.after_ms, reconcile.requests_per_minute), (600_000, 60));
        assert_eq!(reconcile.jobs, ReconciledJobs::Known);
        assert!(settings.policy.jobs.is_some());
        assert!(!format!("{settings:?}").contains("canary"));
    }

    #[test]
    fn every_one_is_taken_over() {
        let settings = settings_with(&[
            ("NEXTAPI_API_KEY", "nxa_test_sk_1"),
            SIGNED,
            ("NEXTAPI_API_URL", "http://127.0.0.1:9001/v1/"),
            ("NEXTAPI_ENVIRONMENT", "test"),
            ("RECONCILE_AFTER_SECONDS", "1"),
            ("JOB_DEADLINE_HOURS", "2"),
            ("RECONCILE_JOBS", "all"),
            ("RECONCILE_REQUESTS_PER_MINUTE", "7"),
        ]);
        let jobs = JobPolicy { after_ms: 1_000, deadline_ms: 2 * 3_600_000 };
        assert_eq!(settings.policy.jobs, Some(jobs));
        let reconcile = settings.reconcile.unwrap();
        assert_eq!(reconcile.api_url, "http://127.0.0.1:9001/v1");
        assert_eq!(reconcile.environment, Environment::Test);
        assert_eq!((reconcile.after_ms, reconcile.requests_per_minute), (1_000, 7));
        assert_eq!(reconcile.jobs, ReconciledJobs::All);
    }

    #[test]
    fn a_key_of_another_environment_is_refused() {
        assert!(problem(&[("NEXTAPI_ENVIRONMENT", "test")]).contains("another environment"));
        assert!(
            problem(&[("NEXTAPI_API_KEY", "nxa_test_sk_canary")]).contains("another environment")
        );
        settings_with(&[("NEXTAPI_API_KEY", "a_key_of_another_shape"), SIGNED]);
        assert!(problem(&[("NEXTAPI_API_KEY", "Bearer nxa_live_sk_canary")]).contains("space"));
    }

    /// What the edge makes has no other signature.
    #[test]
    fn a_key_needs_the_edge_s_own_signature() {
        let problems = problems_with(&[KEY]);
        assert!(problems[0].starts_with("EDGE_SIGNING_SECRET is not set"), "{problems:?}");
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn an_end_is_made_before_one_is_forgotten() {
        let hours = |deadline| [("JOB_DEADLINE_HOURS", deadline), ("RETENTION_HOURS", "36")];
        settings_with(&[&[KEY, SIGNED], &hours("35")[..]].concat());
        assert!(problem(&hours("36")).starts_with("JOB_DEADLINE_HOURS is, with"));
        let grace = [("RECONCILE_AFTER_SECONDS", "3600")];
        assert!(problem(&[&hours("35"), &grace[..]].concat()).contains("RETENTION_HOURS"));
        // Nothing is made without the API.
        settings_with(&hours("36"));
    }

    #[test]
    fn a_key_is_never_sent_in_the_clear() {
        for url in ["http://127.0.0.1:9001", "http://localhost/v1", "http://[::1]:9001/v1"] {
            settings_with(&[KEY, SIGNED, ("NEXTAPI_API_URL", url)]);
        }
        for (url, text) in [
            ("http://api.nextapi.top/v1", "is not https"),
            ("http://127.0.0.1.example/v1", "is not https"),
            ("http://localhost.example/v1", "is not https"),
            ("ftp://localhost/v1", "is not https"),
            ("https://canary:canary@api.nextapi.top/v1", "credentials"),
            ("https://api.nextapi.top/v1?canary", "query"),
            ("https://api.nextapi.top/v1#canary", "fragment"),
            ("api.nextapi.top", "not a URL"),
        ] {
            let problem = problem(&[("NEXTAPI_API_URL", url)]);
            assert!(problem.contains(text), "{url}: {problem}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (setting, value) in [
            ("NEXTAPI_ENVIRONMENT", "Live"),
            ("RECONCILE_JOBS", "none"),
            ("RECONCILE_AFTER_SECONDS", "0"),
            ("RECONCILE_AFTER_SECONDS", "86401"),
            ("JOB_DEADLINE_HOURS", "0"),
            ("RECONCILE_REQUESTS_PER_MINUTE", "0"),
            ("RECONCILE_REQUESTS_PER_MINUTE", "61"),
        ] {
            assert!(problem(&[(setting, value)]).starts_with(setting));
        }
    }
}
