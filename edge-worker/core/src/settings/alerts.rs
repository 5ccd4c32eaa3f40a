//! The settings of alerts: what somebody is told of, and where.

use core::fmt;

use zeroize::Zeroizing;

use super::{Reader, Url};
use crate::ledger::figures::COUNT_LIMIT;
use crate::watch::{self, Rule};

/// Everything about alerts.
#[derive(Debug, Default)]
pub(crate) struct AlertSettings {
    /// `ALERTS`: what somebody is told of.
    pub(crate) rules: Vec<Rule>,
    /// `ALERT_URL`: where; none if alerts are only shown.
    pub(crate) url: Option<AlertUrl>,
}

/// Where notifications go. All of it is a secret, since for chat services whoever has it may write. Wiped when dropped.
pub(crate) struct AlertUrl(Zeroizing<String>);

impl AlertUrl {
    /// The URL itself: only for the request.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AlertUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlertUrl(redacted)")
    }
}

impl AlertSettings {
    /// What is allowed, and hardly meant.
    pub(super) fn warnings(&self, are_jobs_kept: bool, shards: u64) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.rules.is_empty() && self.url.is_none() {
            let text = "ALERTS is set and ALERT_URL is not: alerts are shown at /_edge/alerts, and sent to nobody";
            warnings.push(text.to_owned());
        }
        if self.rules.is_empty() && self.url.is_some() {
            warnings
                .push("ALERT_URL is set and ALERTS is not: there is nothing to send".to_owned());
        }
        let most = shards.saturating_mul(COUNT_LIMIT.into());
        for rule in self.rules.iter().filter(|rule| rule.is_above_what_is_counted(most)) {
            warnings.push(format!(
                "ALERTS has `{rule}`, which never fires: each of {shards} shards counts up to {COUNT_LIMIT}"
            ));
        }
        if !are_jobs_kept {
            for rule in self.rules.iter().filter(|rule| rule.subject.is_about_jobs()) {
                warnings.push(format!(
                    "ALERTS has `{rule}`, which never fires: jobs are not kept without NEXTAPI_API_KEY or \
                     SUBMIT_TOKEN"
                ));
            }
        }
        warnings
    }
}

pub(super) fn read(
    reader: &mut Reader<'_>,
    parse_url: &dyn Fn(&str) -> Option<Url>,
) -> AlertSettings {
    AlertSettings { rules: rules(reader), url: url(reader, parse_url) }
}

fn rules(reader: &mut Reader<'_>) -> Vec<Rule> {
    const SETTING: &str = "ALERTS";
    let Some(text) = reader.text(SETTING) else { return Vec::new() };
    watch::rules(&text).unwrap_or_else(|mistake| {
        reader.refuse(SETTING, mistake.to_string());
        Vec::new()
    })
}

fn url(reader: &mut Reader<'_>, parse_url: &dyn Fn(&str) -> Option<Url>) -> Option<AlertUrl> {
    const SETTING: &str = "ALERT_URL";
    let text = reader.secret(SETTING)?;
    let Some(url) = parse_url(&text) else {
        reader
            .refuse(SETTING, "is not a URL: give a whole one, such as https://example.com/alerts");
        return None;
    };
    let is_sound = match url.protocol.as_str() {
        "https:" => true,
        "http:" => is_loopback(&url.host),
        _ => false,
    };
    if !is_sound {
        reader.refuse(
            SETTING,
            "is not https, so that others could read it on the way: plain http is for this machine only",
        );
        return None;
    }
    if !url.username.is_empty() || !url.password.is_empty() {
        reader.refuse(SETTING, "has credentials in it, which are not sent: leave them out");
        return None;
    }
    Some(AlertUrl(Zeroizing::new(url.href)))
}

/// Whether a host, perhaps with a port, is this machine.
fn is_loopback(host: &str) -> bool {
    let name = if host.starts_with('[') {
        host.split_inclusive(']').next()
    } else {
        host.split(':').next()
    };
    let is_address =
        |name: &str| name.parse().is_ok_and(|address: core::net::Ipv4Addr| address.is_loopback());
    name.is_some_and(|name| matches!(name, "localhost" | "[::1]") || is_address(name))
}

#[cfg(test)]
mod tests {
    use crate::settings::tests::{problems_with, settings_with};

    #[test]
    fn rules_and_url_are_taken_over() {
        let settings = settings_with(&[
            ("ALERTS", "dead > 0; origin_failed > 10 for 10m"),
            ("ALERT_URL", "https://hooks.example/services/T0?a=b\n"),
        ]);
        let rules: Vec<_> = settings.alerts.rules.iter().map(ToString::to_string).collect();
        assert_eq!(rules, ["dead > 0", "origin_failed > 10 for 10m"]);
        let url = settings.alerts.url.as_ref().unwrap();
        assert_eq!(url.expose(), "https://hooks.example/services/T0?a=b");
        assert_eq!(settings.warnings, [""; 0]);
        assert!(settings.watches() && !settings_with(&[]).watches());
        assert!(settings_with(&[("ADMIN_TOKEN", "0123456789abcdef")]).watches());
    }

    #[test]
    fn a_url_that_others_could_read_is_refused_and_never_shown() {
        for url in ["http://127.0.0.1:9/a", "http://localhost/", "http://[::1]:9/", "https://a"] {
            assert!(settings_with(&[("ALERT_URL", url)]).alerts.url.is_some(), "{url}");
        }
        for (url, expected) in [
            ("canary", "is not a URL"),
            ("http://canary.example/", "is not https"),
            ("http://127.0.0.1.canary.example/", "is not https"),
            ("http://localhost.canary.example:80/", "is not https"),
            ("http://10.0.0.1/canary", "is not https"),
            ("ftp://canary.example/", "is not https"),
            ("https://canary@hooks.example/", "credentials"),
            ("https://:canary@hooks.example/", "credentials"),
        ] {
            let problems = problems_with(&[("ALERT_URL", url)]);
            assert_eq!(problems.len(), 1, "{url}: {problems:?}");
            assert!(problems[0].starts_with("ALERT_URL ") && problems[0].contains(expected));
            assert!(!problems[0].contains("canary"), "{problems:?}");
        }
        let settings = settings_with(&[("ALERT_URL", "https://hooks.example/canary")]);
        let text = format!("{settings:?}");
        assert!(!text.contains("hooks.example") && text.contains("AlertUrl(redacted)"), "{text}");
    }

    #[test]
    fn a_mistake_in_a_rule_is_named_by_its_place() {
        let problems = problems_with(&[("ALERTS", "dead > 0;\norigin_fail > 1")]);
        let expected = "ALERTS is malformed at line 2, column 1 (word 1 of its rule): expected the name of a \
                        figure, perhaps `origin_failed`";
        assert_eq!(problems, [expected]);
    }

    #[test]
    fn what_is_hardly_meant_is_warned_of() {
        let warned = |values: &[(&str, &str)]| settings_with(values).warnings;
        assert!(warned(&[("ALERTS", "dead > 0")])[0].contains("sent to nobody"));
        assert!(warned(&[("ALERT_URL", "https://a")])[0].contains("nothing to send"));
        let url = ("ALERT_URL", "https://a");
        let jobs = ("ALERTS", "jobs_overdue > 0");
        assert!(warned(&[url, jobs])[0].contains("`jobs_overdue > 0`, which never fires"));
        let kept = ("SUBMIT_TOKEN", "0123456789abcdef");
        assert_eq!(warned(&[url, jobs, kept]), [""; 0]);
    }
}
