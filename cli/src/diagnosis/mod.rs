//! Why a delivery was rejected, in words.

mod finding;
mod guess;
mod header;
mod json_style;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::time::SystemTime;

use nextapi_testkit::Secrets;
use nextapi_webhook::{Tolerance, UnixTime};

pub use finding::Finding;

use crate::time_in_words;
use guess::{Case, mistakes};
use header::LooseHeader;

/// Everything that a verifier was given.
///
/// [`findings`](Self::findings) says why it rejected that: which part of the header is wrong, what
/// the clock says, and which of the usual mistakes, tried one at a time, makes the signature hold.
/// It computes many MACs, and tells more than an endpoint should tell a stranger: it is for the
/// desk of somebody who has the secret.
#[derive(Clone, Copy, Debug)]
pub struct Diagnosis<'a> {
    /// The signature header's value.
    pub header: &'a [u8],
    /// The body as it was given.
    pub body: &'a [u8],
    /// The time of the clock.
    pub now: UnixTime,
    /// How far off the clock a signature may be.
    pub tolerance: Tolerance,
    /// The secrets that are active.
    pub secrets: &'a Secrets,
}

impl Diagnosis<'_> {
    /// What is wrong, the header first. No finding holds a secret, a computed MAC or a part of the
    /// body.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let header = LooseHeader::read(self.header);
        if let Some(mac) = header.github_mac() {
            return vec![self.judge_github(mac)];
        }
        let LooseHeader { macs, findings, .. } = &header;
        let mut findings = findings.clone();
        let Some(timestamp) = header.timestamp() else { return findings };
        self.judge_time(timestamp, &mut findings);
        if macs.is_empty() {
            return findings;
        }
        if self.cases(timestamp).any(|case| macs.contains(&case.mac())) {
            if !findings.iter().all(|finding| is_about_time(finding.name())) {
                let text = "Apart from that, the signature is right for this body and secret.";
                findings.push(Finding::new("otherwise_right", text));
            }
            return findings;
        }
        // A mistake that has nothing to do with the secret is found once per secret.
        let mut explained: Vec<Finding> = Vec::new();
        for finding in self.cases(timestamp).flat_map(|case| mistakes(case, macs)) {
            if !explained.contains(&finding) {
                explained.push(finding);
            }
        }
        if explained.is_empty() {
            self.suspect(&mut explained);
        }
        findings.extend(explained);
        findings
    }

    /// The MAC that was expected with each secret, in lower-case hexadecimal digits; nothing if the
    /// header does not say for which timestamp.
    ///
    /// Whoever sees one can forge this delivery, so it is not for logs.
    #[must_use]
    pub fn expected_macs(&self) -> Vec<String> {
        let timestamp = self.timestamp();
        let cases = timestamp.into_iter().flat_map(|timestamp| self.cases(timestamp));
        cases.map(|case| base16ct::lower::encode_string(&case.mac())).collect()
    }

    fn timestamp(&self) -> Option<&[u8]> {
        LooseHeader::read(self.header).timestamp()
    }

    fn cases<'s>(&'s self, timestamp: &'s [u8]) -> impl Iterator<Item = Case<'s>> {
        let body = self.body;
        self.secrets.raw().map(move |secret| Case { secret, timestamp, body })
    }

    fn judge_time(&self, timestamp: &[u8], findings: &mut Vec<Finding>) {
        let text = core::str::from_utf8(timestamp).ok();
        let Some(seconds) = text.and_then(|text| text.parse::<u64>().ok()) else { return };
        let now = self.now.as_secs();
        let (age, ahead) = (now.saturating_sub(seconds), seconds.saturating_sub(now));
        // Within a year of the clock when read in a unit, and not otherwise.
        let is_near = |seconds: u64| seconds.abs_diff(now) < 366 * 24 * 60 * 60;
        let units = [
            ("milliseconds", Duration::from_millis(seconds)),
            ("microseconds", Duration::from_micros(seconds)),
            ("nanoseconds", Duration::from_nanos(seconds)),
        ];
        let unit = units.iter().find(|(_, time)| is_near(time.as_secs()));
        if let Some((unit, _)) = unit.filter(|_| !is_near(seconds)) {
            let text = format!("The timestamp is in {unit}; expected are Unix seconds.");
            findings.push(Finding::new("timestamp_unit", text));
            return;
        }
        let written = rfc_3339(seconds).map(|date| format!(" ({date})")).unwrap_or_default();
        if ahead >= self.tolerance.future_secs().max(1) {
            let limit = self.tolerance.future_secs();
            let text = format!(
                "The timestamp {seconds}{written} is {} ({now}); expected is less than {limit} s. Is \
                 the clock right?",
                time_in_words(ahead, "ahead of the clock")
            );
            findings.push(Finding::new("time_ahead", text));
        } else if ahead == 0 && age >= self.tolerance.past_secs() {
            let limit = self.tolerance.past_secs();
            let text = format!(
                "The timestamp {seconds}{written} is {} by the clock ({now}); expected is less than \
                 {limit} s. Is the clock right? A delivery that was captured earlier is verified with \
                 `--now`.",
                time_in_words(age, "old")
            );
            findings.push(Finding::new("time_expired", text));
        } else {
            let distance = if ahead > 0 {
                time_in_words(ahead, "ahead of the clock")
            } else {
                time_in_words(age, "old")
            };
            let text = format!("The timestamp {seconds}{written} is {distance}: that is fresh.");
            findings.push(Finding::new("time_fresh", text));
        }
    }

    /// What a signature in GitHub's style means here.
    fn judge_github(&self, mac: [u8; 32]) -> Finding {
        let style = "This is the style of GitHub (`X-Hub-Signature-256`): the MAC of the body alone, \
                     without a timestamp.";
        let expected = "expected is `t=<seconds>,v=<MAC>`, with the MAC over `<t>.<body>`";
        let holds = self.cases(b"").any(|case| case.mac_of_body() == mac);
        let text = if holds {
            format!("{style} It is right for this body and secret, but {expected}.")
        } else {
            format!("{style} It is not even right for this body and secret; {expected}.")
        };
        Finding::new(if holds { "github_style" } else { "github_style_mismatch" }, text)
    }

    /// What may be the reason, when nothing that can be tried out is.
    fn suspect(&self, findings: &mut Vec<Finding>) {
        if self.body.is_empty() {
            let text = "The body is empty: was it read before, by a middleware?";
            findings.push(Finding::new("body_empty", text));
        } else if self.body.windows(3).any(|bytes| bytes == "\u{fffd}".as_bytes()) {
            let text = "The body has replacement characters (U+FFFD): it was decoded as text, and \
                        the bytes that were not UTF-8 are lost.";
            findings.push(Finding::new("body_decoded", text));
        }
        let text = "None of the usual mistakes explains it, one at a time: the body differs from \
                    the signed one (was it changed, or serialised again?), or it was signed with \
                    another secret (of the other environment, or rotated since?).";
        findings.push(Finding::new("unexplained", text));
    }
}

fn is_about_time(name: &str) -> bool {
    name.starts_with("time_") || name == "timestamp_unit"
}

fn rfc_3339(seconds: u64) -> Option<String> {
    // Four digits of a year are as many as the format has.
    const YEAR_10000: u64 = 253_402_300_800;
    let seconds = (seconds < YEAR_10000).then_some(seconds)?;
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    Some(humantime::format_rfc3339_seconds(time).to_string())
}
