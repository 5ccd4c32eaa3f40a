//! Walking the list of jobs while it changes.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::{Job, JobPage, PageRequest};

/// Rows that two pages have in common, if nothing changes in between.
const OVERLAP: u64 = 10;
/// How often a walk begins again before it is given up.
const MAX_RESTARTS: u8 = 3;
/// Jobs this much older than the watermark are read again, in seconds: one may have come into the list late.
const REREAD: u64 = 120;
/// A page of more rows is no page: each row is kept until the next one, and compared with it.
const MOST_ROWS: u64 = 1_000;
/// The provider's largest page, and the smallest that makes progress in spite of the overlap.
const LIMITS: (u64, u64) = (20, 100);

/// How far the list was read, once and for all: up to this second, and in it up to these jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Watermark {
    /// When the newest job was submitted, in Unix seconds.
    pub created_at: u64,
    /// The jobs of that second that were handed out. More of them may come.
    pub ids: Vec<Box<str>>,
}

/// Reads the list of jobs from the newest to those that are known, page by page.
///
/// The list is asked for by offsets, and it moves meanwhile. New jobs only make rows come twice. Deletions pull
/// rows up, past the next page's beginning: so each page begins ten rows early and must have a job in common with
/// the one before. If it has none, something may have been missed, and the walk begins again, three times at most.
///
/// A job is handed out at least once, and more often if the walk begins again or if it lies in the 120 s before the
/// watermark: what is done with it must do no harm twice.
///
/// # Driving it
/// While [`next_page`](Self::next_page) asks for a page, read it, with [`ListPage`](crate::ListPage) for one, and give
/// it to [`on_page`](Self::on_page). Store the jobs that come back together with [`state`](Self::state), which is
/// what [`resume`](Self::resume) goes on from. When no page is asked for any more and everything is stored, call
/// [`stored`](Self::stored): only that moves the watermark, and the next walk may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobWalk {
    state: WalkState,
}

/// Where a walk is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WalkState {
    /// Up to where the walks before have read.
    pub watermark: Option<Watermark>,
    /// Up to where this one will have read.
    pub newest: Option<Watermark>,
    /// The size of a page.
    pub limit: u64,
    /// Where the next page begins.
    pub offset: u64,
    /// The jobs of the page before.
    pub previous: Vec<Box<str>>,
    /// How often it has begun again.
    pub restarts: u8,
    /// Whether it has come to the known jobs, or to the end of the list.
    pub done: bool,
}

/// Why a walk cannot go on. It stands at its beginning again; the watermark has not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WalkError {
    /// Rows were missing between two pages, again after it had begun anew three times: more is deleted than the
    /// walk can follow.
    Unstable,
    /// The page contradicts what was asked for, or itself: another offset, more than 1,000 jobs, or none although
    /// there are some.
    Inconsistent,
}

impl JobWalk {
    /// A walk down to what `watermark` knows; without one, down to the end of the list. To ignore what was before a
    /// certain moment, begin with a watermark of that moment without ids. `limit` is the size of a page, from 20 to
    /// 100.
    #[must_use]
    pub fn new(watermark: Option<Watermark>, limit: u64) -> Self {
        Self::resume(WalkState { watermark, limit, ..WalkState::default() })
    }

    /// Goes on where a walk was.
    #[must_use]
    pub fn resume(mut state: WalkState) -> Self {
        state.limit = state.limit.clamp(LIMITS.0, LIMITS.1);
        Self { state }
    }

    /// Where it is: what to store together with the jobs that it has handed out.
    #[must_use]
    pub const fn state(&self) -> &WalkState {
        &self.state
    }

    /// The page to read next. `None` if the walk is done.
    #[must_use]
    pub fn next_page(&self) -> Option<PageRequest> {
        let WalkState { limit, offset, done, .. } = self.state;
        (!done).then_some(PageRequest { limit, offset })
    }

    /// Takes the page in, and hands out its jobs that are not known yet.
    ///
    /// # Errors
    /// If the walk cannot go on.
    pub fn on_page(&mut self, page: JobPage) -> Result<Vec<Job>, WalkError> {
        let state = &mut self.state;
        if state.done {
            return Ok(Vec::new());
        }
        let received = page.jobs.len() as u64;
        let end = state.offset.saturating_add(received);
        let is_empty = received == 0 && state.offset == 0;
        if received > MOST_ROWS
            || page.offset.is_some_and(|offset| offset != state.offset)
            || (is_empty && page.total.is_some_and(|total| total > 0))
        {
            self.begin_again(0);
            return Err(WalkError::Inconsistent);
        }
        let shared = page.jobs.iter().any(|job| state.previous.contains(&job.id));
        if state.offset > 0 && !shared {
            let restarts = state.restarts.saturating_add(1);
            if restarts > MAX_RESTARTS {
                self.begin_again(0);
                return Err(WalkError::Unstable);
            }
            self.begin_again(restarts);
            return Ok(Vec::new());
        }

        let known = state.watermark.as_ref();
        let floor = known.map_or(0, |known| known.created_at.saturating_sub(REREAD));
        let is_older = |job: &Job| job.created_at.is_some_and(|at| at < floor);
        let reached = page.jobs.last().is_some_and(is_older);
        let last_page = page.total.map_or(received < state.limit, |total| end >= total);
        state.done = is_empty || reached || last_page;
        let overlap = OVERLAP.min(received / 2);
        state.offset = end.saturating_sub(overlap);
        let previous: Vec<_> = page.jobs.iter().map(|job| job.id.clone()).collect();

        let mut jobs = page.jobs;
        for job in &jobs {
            note_newest(&mut state.newest, job);
        }
        jobs.retain(|job| {
            let handed_out = known.is_some_and(|known| known.ids.contains(&job.id));
            !is_older(job) && !handed_out && !state.previous.contains(&job.id)
        });
        state.previous = previous;
        Ok(jobs)
    }

    /// Everything that the walk has handed out is on disk: moves the watermark, and makes ready for the next walk.
    /// `false`, and nothing happens, if the walk is not done.
    pub fn stored(&mut self) -> bool {
        if !self.state.done {
            return false;
        }
        let newest = self.state.newest.take();
        let is_newer = |it: &Watermark| {
            self.state.watermark.as_ref().is_none_or(|old| it.created_at >= old.created_at)
        };
        if let Some(newest) = newest.filter(is_newer) {
            self.state.watermark = Some(newest);
        }
        self.begin_again(0);
        true
    }

    fn begin_again(&mut self, restarts: u8) {
        let state = &mut self.state;
        (state.offset, state.restarts, state.done) = (0, restarts, false);
        state.previous.clear();
    }
}

fn note_newest(newest: &mut Option<Watermark>, job: &Job) {
    let Some(created_at) = job.created_at else { return };
    match newest {
        Some(it) if it.created_at > created_at => {}
        Some(it) if it.created_at == created_at => {
            if !it.ids.contains(&job.id) {
                it.ids.push(job.id.clone());
            }
        }
        _ => *newest = Some(Watermark { created_at, ids: Vec::from([job.id.clone()]) }),
    }
}

impl fmt::Display for WalkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unstable => {
                "the list of jobs changes faster than it can be read without missing one"
            }
            Self::Inconsistent => "the page of jobs is not the one that was asked for",
        })
    }
}

impl core::error::Error for WalkError {}
