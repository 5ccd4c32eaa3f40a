//! The right to submit a job.

use core::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Context as _;
use nextapi_client::{Fingerprint, ValidRequest};

use super::{Boundary, ClaimError, Conflict, JobIntent, Journal, Record};

/// The extension of what is not finished.
pub(super) const UNFINISHED: &str = "new";

/// The right to submit a job, for one process at a time: a lock on its file in the journal.
pub struct Claim {
    journal: Journal,
    intent: JobIntent,
    path: PathBuf,
    record: Option<Record>,
    /// The file that has the name: the lock is on it.
    locked: File,
}

impl Claim {
    pub(super) fn take(
        journal: Journal,
        intent: JobIntent,
        path: PathBuf,
    ) -> Result<Self, ClaimError> {
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).mode(0o600);
            let mut file = match options.clone().create_new(true).open(&path) {
                Ok(file) => {
                    journal.reached(Boundary::Created);
                    file
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    match options.open(&path) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                        opened => opened.with_context(|| journal.unwritable())?,
                    }
                }
                Err(error) => Err(error).with_context(|| journal.unwritable())?,
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(ClaimError::InUse),
                Err(TryLockError::Error(error)) => {
                    Err(error).with_context(|| journal.unwritable())?;
                }
            }
            // Whoever had it may have replaced the file before this lock was there.
            let locked = file.metadata().with_context(|| journal.unreadable())?;
            match fs::metadata(&path) {
                Ok(named) if (named.dev(), named.ino()) == (locked.dev(), locked.ino()) => {}
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(error).with_context(|| journal.unreadable())?;
                }
                _ => continue,
            }
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).with_context(|| journal.unreadable())?;
            let record = journal.read(&path, &bytes)?;
            return Ok(Self { journal, intent, path, record, locked: file });
        }
    }

    /// What is known about the job.
    #[must_use]
    pub const fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// Notes what is to be sent, unless it was sent before: then that goes on. `None` says so.
    ///
    /// # Errors
    /// If the journal cannot be written, or with a [`Conflict`] if something else was sent under this name.
    pub fn intend(
        &mut self,
        base_url: &str,
        api_key: Fingerprint,
        request: &ValidRequest,
    ) -> anyhow::Result<Result<(), Conflict>> {
        match &self.record {
            Some(record) if !record.is_free() => Ok(record.check(base_url, request)),
            _ => {
                let record = Record::new(
                    self.intent.clone(),
                    base_url,
                    api_key,
                    request,
                    SystemTime::now(),
                )?;
                self.write(record)?;
                Ok(Ok(()))
            }
        }
    }

    /// Changes what is known, on the disk.
    ///
    /// # Errors
    /// If it cannot be written. Then what was there before is there.
    pub(crate) fn update(&mut self, change: impl FnOnce(&mut Record)) -> anyhow::Result<()> {
        let mut record = self.record.clone().context("there is no record to change")?;
        change(&mut record);
        self.write(record)
    }

    /// Deletes the body.
    pub(super) fn delete_body(&mut self) -> anyhow::Result<()> {
        if self.record.as_ref().is_some_and(|record| record.body.is_some()) {
            self.update(|record| record.body = None)?;
        }
        Ok(())
    }

    pub(crate) fn reached(&self, boundary: Boundary) {
        self.journal.reached(boundary);
    }

    fn write(&mut self, record: Record) -> anyhow::Result<()> {
        let bytes = serde_json::to_vec(&record).context("the record cannot be written as JSON")?;
        self.replace(&bytes, record.time()).with_context(|| self.journal.unwritable())?;
        self.record = Some(record);
        Ok(())
    }

    fn replace(&mut self, bytes: &[u8], time: SystemTime) -> io::Result<()> {
        let unfinished = self.path.with_extension(UNFINISHED);
        // What is left of a process that was killed.
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        // Before it has the name, so that there is no moment without a lock.
        file.try_lock()?;
        file.write_all(bytes)?;
        // By which old bodies are found without reading every file.
        file.set_modified(time)?;
        self.journal.reached(Boundary::Written);
        file.sync_all()?;
        self.journal.reached(Boundary::FileSynced);
        fs::rename(&unfinished, &self.path)?;
        self.locked = file;
        self.journal.reached(Boundary::Renamed);
        File::open(&self.journal.folder)?.sync_all()?;
        self.journal.reached(Boundary::FolderSynced);
        Ok(())
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("record", &self.record).finish_non_exhaustive()
    }
}
