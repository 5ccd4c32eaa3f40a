//! How a job stands, as an exit status.

use std::process::ExitCode;

use nextapi_client::{Ending, Status};

/// How a job stands when a command ends. Its number is the exit status; 2 is for what could not be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// What was asked for is done: the job was submitted, or has succeeded.
    Done = 0,
    /// The job has failed, or was refused.
    Failed = 1,
    /// It is not over yet, or was not taken yet: the same command can be run again.
    NotOver = 3,
    /// Somebody has to do something first.
    Blocked = 4,
    /// Nobody knows whether there is a job.
    Unknown = 5,
}

impl Standing {
    pub(crate) const fn of(status: &Status) -> Self {
        match status.ending() {
            Some(Ending::Succeeded) => Self::Done,
            Some(Ending::Failed) => Self::Failed,
            None => Self::NotOver,
        }
    }
}

impl From<Standing> for ExitCode {
    fn from(standing: Standing) -> Self {
        Self::from(standing as u8)
    }
}
