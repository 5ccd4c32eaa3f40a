//! How the origin answers what it lets in.

use core::time::Duration;

use clap::Args;
use http::StatusCode;
use nextapi_testkit::Reply;

use super::arrival::Answered;

/// How the origin answers what it lets in.
#[derive(Args)]
pub(crate) struct Behaviour {
    /// Answer with this status
    #[arg(long, value_name = "N", default_value = "200", value_parser = status)]
    status: StatusCode,
    /// Wait this long before each answer: `200ms`, `3s`, `1m`
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    delay: Option<Duration>,
    /// Answer the first N requests with 503, whatever events they carry
    #[arg(long, value_name = "N", default_value_t = 0)]
    fail_first: u64,
    /// Never answer: keep the connection open until the other side gives up
    #[arg(long, conflicts_with_all = ["status", "delay"])]
    hang: bool,
}

impl Behaviour {
    /// The answer to the request that `before` others were let in before.
    pub(super) fn reply(&self, before: u64) -> (Answered, Reply) {
        let status = if before < self.fail_first {
            StatusCode::SERVICE_UNAVAILABLE
        } else if self.hang {
            return (Answered::Never, Reply::hang());
        } else {
            self.status
        };
        let mut reply = Reply::status(status);
        // RFC 9110 sections 15.3.5 and 15.4.5: these have no body.
        if !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            let word = if status.is_success() { "received" } else { "failed_on_purpose" };
            reply = reply.with_body(format!("{{\"status\":\"{word}\"}}"));
        }
        if let Some(delay) = self.delay {
            reply = reply.after(delay);
        }
        (Answered::With(status), reply)
    }
}

/// A final status: 1xx would leave the other side waiting.
fn status(text: &str) -> Result<StatusCode, String> {
    let status = text.parse::<StatusCode>().ok();
    let last = status.filter(|status| (200..600).contains(&status.as_u16()));
    last.ok_or_else(|| "expected is a number from 200 to 599".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behaviour(fail_first: u64, hang: bool) -> Behaviour {
        Behaviour { status: StatusCode::ACCEPTED, delay: None, fail_first, hang }
    }

    #[test]
    fn the_first_fail_and_then_it_is_as_chosen() {
        let statuses = [0, 1, 2, 3].map(|before| behaviour(2, false).reply(before).0);
        let (failed, good) =
            (Answered::With(StatusCode::SERVICE_UNAVAILABLE), Answered::With(StatusCode::ACCEPTED));
        assert_eq!(statuses, [failed, failed, good, good]);
        assert_eq!(behaviour(1, true).reply(0).0, failed);
        assert_eq!(behaviour(1, true).reply(1).0, Answered::Never);
    }

    #[test]
    fn only_a_final_status_is_one() {
        assert_eq!(status("599").map(|status| status.as_u16()), Ok(599));
        for text in ["100", "199", "600", "x", ""] {
            assert!(status(text).is_err(), "{text}");
        }
    }
}
