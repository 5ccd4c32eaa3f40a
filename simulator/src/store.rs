//! The file that the simulator's state is kept in.

use std::fs::{self, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use redb::backends::FileBackend;
use redb::{
    Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, StorageError,
    TableDefinition, TableHandle as _,
};

use crate::rows::{Change, Row};

/// Which form the rows have. It counts up with every change that makes them unreadable for programs
/// of before, or those of before unreadable for this one.
const FORMAT: u64 = 2;
/// The table that says whose file it is, and the row in it.
const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("nextapi-hook provider");
const FORMAT_ROW: &str = "format";
/// Only the owner: jobs, addresses of videos and hashes of API keys are in it.
const MODE: u32 = 0o600;

/// A file of numbered rows in tables. What a call of [`write`](Self::write) has written is on the
/// disk, all of it, when the call ends; if it is cut, nothing of it is. What the rows mean is not
/// its business.
pub(crate) struct Store {
    path: PathBuf,
    database: Database,
}

impl Store {
    /// Opens a file, or makes a new one. It is locked as long as this lives.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let store = Self { database: open(path)?, path: path.to_owned() };
        store.check_format().with_context(|| format!("the data file {}", path.display()))?;
        // One that others made for us, by `touch` for instance.
        fs::set_permissions(path, Permissions::from_mode(MODE))
            .with_context(|| format!("cannot keep others from reading {}", path.display()))?;
        Ok(store)
    }

    fn check_format(&self) -> anyhow::Result<()> {
        let transaction = self.database.begin_write()?;
        // Of a file that is new, or whose maker was killed before anything was in it.
        let is_new = transaction.list_tables()?.next().is_none();
        let is_ours = transaction.list_tables()?.any(|table| table.name() == ABOUT.name());
        if !is_new && !is_ours {
            bail!("is another program's database; name another file");
        }
        let found = {
            let mut about = transaction.open_table(ABOUT)?;
            if is_new {
                about.insert(FORMAT_ROW, FORMAT)?;
            }
            about.get(FORMAT_ROW)?.map(|format| format.value())
        };
        match found {
            Some(FORMAT) => Ok(transaction.commit()?),
            other => {
                let other = other.map_or("none".to_owned(), |format| format.to_string());
                bail!(
                    "has format {other}, and this version of nextapi-hook reads format {FORMAT}; \
                     use the version that made it, or name another file"
                )
            }
        }
    }

    /// The rows of a table, in the order of their numbers.
    pub(crate) fn read(&self, table: &'static str) -> anyhow::Result<Vec<Row>> {
        let transaction = self.database.begin_read()?;
        let table = match transaction.open_table(definition(table)) {
            Ok(table) => table,
            // Nothing was ever written there.
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let rows = table.iter()?.map(|row| {
            let (number, json) = row?;
            Ok((number.value(), json.value().to_vec()))
        });
        rows.collect()
    }

    /// Writes rows, all or none.
    pub(crate) fn write(&self, changes: &[Change]) -> anyhow::Result<()> {
        self.commit(changes)
            .with_context(|| format!("cannot write the data file {}", self.path.display()))
    }

    fn commit(&self, changes: &[Change]) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        for changes in changes.chunk_by(|one, next| one.table == next.table) {
            let Some(first) = changes.first() else { continue };
            let mut table = transaction.open_table(definition(first.table))?;
            for change in changes {
                match &change.row {
                    Some(json) => drop(table.insert(change.number, json.as_slice())?),
                    None => drop(table.remove(change.number)?),
                }
            }
        }
        Ok(transaction.commit()?)
    }
}

const fn definition(table: &'static str) -> TableDefinition<'static, u64, &'static [u8]> {
    TableDefinition::new(table)
}

fn open(path: &Path) -> anyhow::Result<Database> {
    let shown = path.display();
    let file = OpenOptions::new().read(true).write(true).create(true).mode(MODE).open(path);
    let file = file.with_context(|| format!("cannot open the data file {shown}"))?;
    let opened = FileBackend::new(file).and_then(|file| {
        // A file that was damaged is told by its check sums.
        Database::builder().set_check_integrity_on_open(true).create_with_backend(file)
    });
    opened.map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => {
            anyhow!("the data file {shown} is in use by another process")
        }
        DatabaseError::Storage(StorageError::Io(error))
            if error.kind() != ErrorKind::InvalidData =>
        {
            anyhow::Error::new(error).context(format!("cannot open the data file {shown}"))
        }
        error => anyhow::Error::new(error).context(format!(
            "the data file {shown} is not one of nextapi-hook provider, or is damaged; name another \
             file"
        )),
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

    use tempfile::TempDir;

    use super::*;

    fn change(number: u64, row: Option<&str>) -> Change {
        Change { table: "letters", number, row: row.map(|row| row.as_bytes().to_vec()) }
    }

    fn folder() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provider.data");
        (folder, path)
    }

    #[track_caller]
    fn refused(path: &Path) -> String {
        match Store::open(path) {
            Ok(_) => panic!("it was opened"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn rows_that_were_written_are_there_when_it_is_opened_again() {
        let (_folder, path) = folder();
        let store = Store::open(&path).unwrap();
        assert_eq!(store.read("letters").unwrap(), []);
        store.write(&[change(9, Some("a")), change(10, Some("b")), change(11, Some("c"))]).unwrap();
        store.write(&[change(9, None), change(10, Some("z")), change(7, None)]).unwrap();
        drop(store);
        let rows = Store::open(&path).unwrap().read("letters").unwrap();
        assert_eq!(rows, [(10, b"z".to_vec()), (11, b"c".to_vec())]);
    }

    #[test]
    fn only_its_owner_can_read_it() {
        let (_folder, path) = folder();
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        drop(Store::open(&path).unwrap());
        assert_eq!(mode(), 0o600);
        // Somebody has loosened it.
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        drop(Store::open(&path).unwrap());
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn one_process_has_it() {
        let (_folder, path) = folder();
        let store = Store::open(&path).unwrap();
        let error = refused(&path);
        assert!(error.ends_with("provider.data is in use by another process"), "{error}");
        drop(store);
        assert!(Store::open(&path).is_ok());
    }

    #[test]
    fn an_empty_file_becomes_one() {
        let (_folder, path) = folder();
        File::create(&path).unwrap();
        assert!(Store::open(&path).is_ok());
    }

    #[test]
    fn what_is_not_ours_is_left_as_it_is() {
        let (_folder, path) = folder();
        fs::write(&path, "a letter to somebody").unwrap();
        let error = refused(&path);
        assert!(error.contains("is not one of nextapi-hook provider"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"a letter to somebody");

        fs::remove_file(&path).unwrap();
        let database = Database::create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(definition("recipes")).unwrap();
        transaction.commit().unwrap();
        drop(database);
        let error = refused(&path);
        assert!(error.ends_with("is another program's database; name another file"), "{error}");
    }

    #[test]
    fn another_format_is_named() {
        let (_folder, path) = folder();
        let store = Store::open(&path).unwrap();
        let transaction = store.database.begin_write().unwrap();
        transaction.open_table(ABOUT).unwrap().insert(FORMAT_ROW, FORMAT + 1).unwrap();
        transaction.commit().unwrap();
        drop(store);
        let error = refused(&path);
        assert!(error.contains("has format 3, and this version of nextapi-hook reads"), "{error}");
    }

    #[test]
    fn damage_is_noticed() {
        let (_folder, path) = folder();
        let store = Store::open(&path).unwrap();
        store.write(&[change(1, Some(&"canary".repeat(100)))]).unwrap();
        drop(store);
        let mut bytes = Vec::new();
        let mut file = File::options().read(true).write(true).open(&path).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        for (place, _) in bytes.windows(6).enumerate().filter(|(_, bytes)| bytes == b"canary") {
            file.seek(SeekFrom::Start(place as u64)).unwrap();
            file.write_all(b"C").unwrap();
        }
        drop(file);
        let error = refused(&path);
        assert!(error.contains("or is damaged"), "{error}");
    }
}
