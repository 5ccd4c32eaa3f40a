//! A job, and a page of jobs, as the API tells them.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::json::Object;
use crate::timestamp::unix_seconds;
use crate::{Bucket, Credits, Ending, Status};

/// A job as the API tells it. Only the id is certain; whatever else is absent, or is not what is expected
/// there, is `None`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// The id, `job_…`.
    pub id: Box<str>,
    /// The video's id, `vid_…`. Some bodies name the job by it.
    pub video_id: Option<Box<str>>,
    /// The status; without one, the unknown status of the empty name.
    pub status: Status,
    /// Per cent, from 0 to 100.
    pub progress: Option<u8>,
    /// Where the video is. Its query may be a signature: whoever has it can read the video.
    pub video_url: Option<Box<str>>,
    /// What the job cost: final on success, nothing on failure.
    pub credits: Option<Credits>,
    /// What was reserved.
    pub estimated_credits: Option<Credits>,
    /// When it was submitted, in Unix seconds.
    pub created_at: Option<u64>,
    /// The code of the error, if it has failed.
    pub error_code: Option<Box<str>>,
    /// What the provider says about the error. It may repeat what was submitted.
    pub error_message: Option<Box<str>>,
}

/// A page of the list of jobs, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// How many there are on all pages.
    pub total: Option<u64>,
    /// How many a page has at most, by the answer.
    pub limit: Option<u64>,
    /// How many come before it, by the answer.
    pub offset: Option<u64>,
}

impl Job {
    /// Reads a job from the body of an answer. `None` if it is not JSON, or has no id.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let fields = Object::read(body)?;
        let amount = |name| fields.raw(name).and_then(Credits::parse);
        let error = fields.object("error");
        let error = |name| error.as_ref().and_then(|error| error.text(name));
        Some(Self {
            id: name(fields.text("id").or_else(|| fields.text("job_id")))?,
            video_id: name(fields.text("video_id")),
            status: Status::from_name(&fields.text("status").unwrap_or_default()),
            progress: fields.whole_number("progress").and_then(|it| it.min(100).try_into().ok()),
            video_url: fields.text("video_url"),
            credits: amount("credits").or_else(|| amount("cost_credits")),
            estimated_credits: amount("estimated_credits"),
            created_at: fields
                .raw("created_at")
                .and_then(|raw| unix_seconds(raw.trim_matches('"'))),
            error_code: error("code"),
            error_message: error("message"),
        })
    }

    /// Whether `id` names this job: its own id or its video's.
    #[must_use]
    pub fn is(&self, id: &str) -> bool {
        *self.id == *id || self.video_id.as_deref() == Some(id)
    }

    /// What can be done about it, as far as one look can tell: a status that is not known, and success
    /// without a URL, count as progress here. [`Poller`](crate::Poller) looks again, and then says blocked.
    #[must_use]
    pub fn bucket(&self) -> Bucket {
        match self.status.ending() {
            Some(Ending::Failed) => Bucket::Terminal(Ending::Failed),
            Some(Ending::Succeeded) if self.video_url.is_some() => {
                Bucket::Terminal(Ending::Succeeded)
            }
            _ => Bucket::InProgress,
        }
    }
}

/// Of the URL nothing behind the path is shown, and of what the provider says about an error nothing.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.video_url.as_deref().and_then(|url| url.split(['?', '#']).next());
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("video_id", &self.video_id)
            .field("status", &self.status)
            .field("progress", &self.progress)
            .field("video_url", &url)
            .field("credits", &self.credits)
            .field("estimated_credits", &self.estimated_credits)
            .field("created_at", &self.created_at)
            .field("error_code", &self.error_code)
            .finish_non_exhaustive()
    }
}

impl JobPage {
    /// Reads a page from the body of an answer: `{"data":[…],"total":…,"limit":…,"offset":…}`. `None` if
    /// there is no `data`, or a job in it has no id: nobody can say then that no job was missed.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let fields = Object::read(body)?;
        let mut jobs = Vec::new();
        for row in fields.array("data")? {
            jobs.push(Job::read(row.as_bytes())?);
        }
        Some(Self {
            jobs,
            total: fields.whole_number("total"),
            limit: fields.whole_number("limit"),
            offset: fields.whole_number("offset"),
        })
    }
}

/// The longest id that is taken for one, in bytes. The provider's have a few dozen.
const MAX_ID_BYTES: usize = 256;

/// An id that can be stored, compared and written to a log.
fn name(text: Option<Box<str>>) -> Option<Box<str>> {
    text.filter(|text| text.len() <= MAX_ID_BYTES && !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_in_full() {
        let body = br#"{"id":"job_1","video_id":"vid_1","status":"succeeded","progress":100,"credits":1.05,
            "estimated_credits":2,"video_url":"https://cdn.example.com/1.mp4?sig=canary","created_at":1700000000}"#;
        let job = Job::read(body).unwrap();
        assert_eq!((&*job.id, job.video_id.as_deref()), ("job_1", Some("vid_1")));
        assert_eq!(job.credits, Some(Credits::from_micros(1_050_000)));
        assert_eq!(job.estimated_credits, Some(Credits::from_micros(2_000_000)));
        assert_eq!((job.progress, job.created_at), (Some(100), Some(1_700_000_000)));
        assert_eq!(job.bucket(), Bucket::Terminal(Ending::Succeeded));
        assert!(job.is("job_1") && job.is("vid_1") && !job.is("job_2"));
        let shown = alloc::format!("{job:?}");
        assert!(shown.contains("cdn.example.com/1.mp4") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn only_the_id_is_certain() {
        let job =
            Job::read(br#"{"id":"job_1","status":7,"progress":"x","credits":-1,"created_at":{}}"#)
                .unwrap();
        assert_eq!(job.status, Status::Unknown("".into()));
        assert_eq!((job.progress, job.credits, job.created_at), (None, None, None));
        assert_eq!(job.bucket(), Bucket::InProgress);
        for body in [
            "",
            "[]",
            "{}",
            r#"{"id":""}"#,
            r#"{"id":7}"#,
            r#"{"id":"job\u0000"}"#,
            r#"{"id":"job\n1"}"#,
            r#"{"id":"job_1""#,
        ] {
            assert_eq!(Job::read(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn success_without_a_url_is_no_end_yet() {
        let job = Job::read(br#"{"id":"job_1","status":"succeeded","video_url":""}"#).unwrap();
        assert_eq!(job.bucket(), Bucket::InProgress);
        let failed = Job::read(
            br#"{"id":"job_1","status":"failed",
            "error":{"code":"internal_error","message":"canary"}}"#,
        );
        let failed = failed.unwrap();
        assert_eq!(failed.bucket(), Bucket::Terminal(Ending::Failed));
        assert_eq!(failed.error_code.as_deref(), Some("internal_error"));
        assert!(!alloc::format!("{failed:?}").contains("canary"));
    }

    #[test]
    fn a_page_with_a_job_that_cannot_be_told_is_none() {
        let page = JobPage::read(
            br#"{"data":[{"id":"job_2"},{"id":"job_1"}],"total":7,"limit":2,"offset":0}"#,
        );
        let page = page.unwrap();
        assert_eq!(page.jobs.iter().map(|job| &*job.id).collect::<Vec<_>>(), ["job_2", "job_1"]);
        assert_eq!((page.total, page.limit, page.offset), (Some(7), Some(2), Some(0)));
        for body in ["{}", r#"{"data":{}}"#, r#"{"data":[{"id":"a"},{}]}"#, r#"{"data":[1]}"#] {
            assert_eq!(JobPage::read(body.as_bytes()), None, "{body}");
        }
    }
}
