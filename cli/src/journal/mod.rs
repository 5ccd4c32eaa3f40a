//! What is known about each submission, on disk, so that a process that is killed at any moment neither loses nor
//! doubles a job.

mod claim;
mod intent;
mod record;

use core::fmt;
use core::time::Duration;
use std::env;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context as _;

pub use claim::Claim;
pub use intent::JobIntent;
pub use record::{Conflict, Phase, Record};

/// How long a body stays in the journal: 24 hours. The provider forgets idempotency keys then, so it is of no use.
const BODY_LIFE: Duration = Duration::from_hours(24);

/// A moment at which a process can be killed with another effect than a moment before. Tests stop there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Boundary {
    /// The file is there, and empty.
    Created,
    /// What is new stands in a second file.
    Written,
    /// The second file is on the disk.
    FileSynced,
    /// It has taken the place of the first one.
    Renamed,
    /// The folder is on the disk.
    FolderSynced,
    /// A request was sent, and the client has taken the answer in, or that there is none.
    Answered,
}

type Observer = Arc<dyn Fn(Boundary) + Send + Sync>;

/// A folder with one file for each job that was ever submitted from here.
///
/// A file has mode 0600 and is created exclusively; whoever works on it holds a lock on it, which ends with the
/// process. What is written replaces it in one step, and is on the disk, file and folder, before a request is sent.
#[derive(Clone)]
pub struct Journal {
    folder: PathBuf,
    observer: Option<Observer>,
}

/// Why a job cannot be claimed.
#[derive(Debug)]
pub enum ClaimError {
    /// Another process is submitting it.
    InUse,
    /// The journal cannot be read or written.
    Broken(anyhow::Error),
}

impl Journal {
    /// Opens the journal in this folder, which is made, for its owner only, if it is not there. Bodies that are older
    /// than 24 hours are deleted.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub fn open(folder: impl Into<PathBuf>) -> anyhow::Result<Self> {
        let journal = Self { folder: folder.into(), observer: None };
        make(&journal.folder)
            .with_context(|| format!("cannot make the journal {}", journal.folder.display()))?;
        journal.delete_old_bodies(SystemTime::now())?;
        Ok(journal)
    }

    /// The folder for a user who has named none: `nextapi-hook/jobs` in `$XDG_STATE_HOME`, or else in
    /// `~/.local/state`.
    ///
    /// # Errors
    /// If neither `XDG_STATE_HOME` nor `HOME` is an absolute path.
    pub fn default_folder() -> anyhow::Result<PathBuf> {
        let absolute =
            |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = absolute("XDG_STATE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
            .context("where should the journal be? Give --journal DIR, or set HOME")?;
        Ok(state.join("nextapi-hook/jobs"))
    }

    /// Calls `observer` at each boundary.
    #[must_use]
    pub fn observed(mut self, observer: impl Fn(Boundary) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// What is known about a job. Nobody has to wait for that.
    ///
    /// # Errors
    /// If the file cannot be read, or is not one of ours.
    pub fn find(&self, intent: &JobIntent) -> anyhow::Result<Option<Record>> {
        match fs::read(self.path(intent)) {
            Ok(bytes) => self.read(&self.path(intent), &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| self.unreadable()),
        }
    }

    /// Takes a job for this process alone, until the claim is dropped or the process ends.
    ///
    /// # Errors
    /// If another process has it, or the file cannot be made, locked or read.
    pub fn claim(&self, intent: &JobIntent) -> Result<Claim, ClaimError> {
        Claim::take(self.clone(), intent.clone(), self.path(intent))
    }

    fn path(&self, intent: &JobIntent) -> PathBuf {
        self.folder.join(intent.file_name())
    }

    /// A file that is empty was made by a process that was killed before it wrote anything: nothing was sent.
    fn read(&self, path: &Path, bytes: &[u8]) -> anyhow::Result<Option<Record>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let record = Record::parse(bytes).with_context(|| {
            format!(
                "cannot read {}. Whether there is a job, only the provider's list says. If there is none, move it \
                 away and submit again",
                path.display()
            )
        });
        record.with_context(|| self.unreadable()).map(Some)
    }

    fn unreadable(&self) -> String {
        format!("cannot read the journal in {}", self.folder.display())
    }

    fn unwritable(&self) -> String {
        format!("cannot write the journal in {}", self.folder.display())
    }

    fn reached(&self, boundary: Boundary) {
        if let Some(observer) = &self.observer {
            observer(boundary);
        }
    }

    /// Deletes bodies that were written more than 24 hours ago, and what a killed process has left half written.
    fn delete_old_bodies(&self, now: SystemTime) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.folder).with_context(|| self.unreadable())? {
            let entry = entry.with_context(|| self.unreadable())?;
            // What vanishes meanwhile was replaced by another process.
            let Ok(written) = entry.metadata().and_then(|metadata| metadata.modified()) else {
                continue;
            };
            if now.duration_since(written).unwrap_or_default() < BODY_LIFE {
                continue;
            }
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == claim::UNFINISHED) {
                // Unless somebody is writing it.
                if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                    match fs::remove_file(&path) {
                        // Another process was quicker.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        removed => removed.with_context(|| self.unwritable())?,
                    }
                }
                continue;
            }
            let Some(record) = fs::read(&path).ok().and_then(|bytes| Record::parse(&bytes).ok())
            else {
                continue;
            };
            // A file that somebody has put aside is theirs.
            if record.body.is_some() && path == self.path(&record.intent) {
                match self.claim(&record.intent) {
                    Ok(mut claim) => claim.delete_body()?,
                    // Whoever has it deletes the body when it is done with it, or the next one does.
                    Err(ClaimError::InUse) => {}
                    Err(ClaimError::Broken(error)) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

/// Makes a folder, and every one above it that is missing, so that a loss of power does not undo it.
fn make(folder: &Path) -> io::Result<()> {
    let missing: Vec<_> =
        folder.ancestors().take_while(|it| !it.as_os_str().is_empty() && !it.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    for made in missing {
        let parent = made.parent().filter(|it| !it.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str("another process is submitting this job"),
            Self::Broken(error) => write!(f, "{error:#}"),
        }
    }
}

impl core::error::Error for ClaimError {}

impl From<anyhow::Error> for ClaimError {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

#[cfg(test)]
mod tests;
