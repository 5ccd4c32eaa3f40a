//! Time against the rows of one shard, the rows that SQLite reads and writes for an event, and what
//! that costs. Draws `benches/charts/ledger.svg` and replaces the section `ledger` of
//! `benches/RESULTS.md`. With `--rows` it only prints rows and costs, which takes no minutes.

mod client;
mod event;
mod growth;
mod meter;
mod mode;
mod origin;
mod price;
mod rows;
mod shard;
mod table;

use core::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nextapi_webhook_benches::{Failure, Machine, Results};

use crate::growth::Measured;
use crate::mode::Mode;
use crate::origin::Origin;
use crate::rows::Counts;
use crate::shard::Storage;
use crate::table::Table;

/// Where Linux has a file system in memory.
const MEMORY: &str = "/dev/shm";
/// What the storages take at most, in KiB.
const ROOM: u64 = 2 * 1024 * 1024;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let origin = Origin::start().await?;
    if std::env::args().skip(1).any(|argument| argument == "--rows") {
        return print_rows(&origin).await;
    }
    let mut tables = Vec::new();
    let mut storages = None;
    for (storage, folder) in folders() {
        eprintln!("ledger: storage {storage}");
        let Measured { times, few, many } = growth::measure(&origin, &folder).await?;
        tables.push(Table { storage, times });
        storages = Some([few, many]);
    }
    let [few, many] = storages.ok_or("no storage")?;

    let mut text = String::new();
    table::write_introduction(&mut text)?;
    for table in &tables {
        table.write(&mut text)?;
    }
    table::draw(&tables)?;
    writeln!(text, "\n![Time against rows](charts/ledger.svg)\n")?;

    eprintln!("ledger: counting rows");
    let bytes = many.bytes_per_event()?;
    let counts = count(&few, &many, &origin).await?;
    rows::write_introduction(&mut text)?;
    for counts in &counts {
        counts.write(&mut text)?;
    }
    let [fresh, duplicate] = tables.first().map(Table::processor).unwrap_or_default();
    writeln!(
        text,
        "\nWith 10⁶ rows, an event takes {bytes:.0} bytes of the database, its indexes included. All \
         threads of the engine together used {fresh:.2} ms of the processor for a fresh event and \
         {duplicate:.2} ms for a duplicate.\n"
    )?;
    for counts in &counts {
        price::write(&mut text, counts, round(bytes))?;
    }

    writeln!(text, "\n| what | target | measured | met |\n| --- | --- | --- | --- |")?;
    for counts in &counts {
        price::write_targets(&mut text, counts, round(bytes))?;
    }
    for table in &tables {
        table.write_targets(&mut text)?;
    }
    // Counting fails otherwise.
    writeln!(
        text,
        "| calls of an object for a fresh event, for a duplicate | 2, 1 | 2, 1 | yes |"
    )?;
    writeln!(text, "| rows read and written, 10⁶ rows / 10³ rows | the same | the same | yes |")?;
    writeln!(text, "\nworkerd {}; {}", shard::engine_version()?, Machine::here())?;
    println!("{text}");
    Ok(Results::of_checkout().replace("ledger", &text)?)
}

/// Rows and costs alone, with fewer events than the whole run has.
async fn print_rows(origin: &Origin) -> Result<(), Failure> {
    let folder = std::env::temp_dir();
    let few = Storage::filled(origin, &folder, 1_000).await?;
    let many = Storage::filled(origin, &folder, 100_000).await?;
    let bytes = round(many.bytes_per_event()?);
    let mut text = String::new();
    for counts in count(&few, &many, origin).await? {
        counts.write(&mut text)?;
        price::write(&mut text, &counts, bytes)?;
        price::write_targets(&mut text, &counts, bytes)?;
    }
    println!("{text}");
    Ok(())
}

/// Where storages are put. The last one is on disk.
fn folders() -> Vec<(&'static str, PathBuf)> {
    let mut folders = Vec::new();
    if Path::new(MEMORY).is_dir() && free_kib(MEMORY).is_some_and(|free| free >= ROOM) {
        folders.push(("in memory", PathBuf::from(MEMORY)));
    }
    folders.push(("on disk", std::env::temp_dir()));
    folders
}

fn free_kib(folder: &str) -> Option<u64> {
    let output = Command::new("df").args(["-Pk", folder]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

/// The rows, which must not depend on how many there are. That the counting would notice is shown with
/// an index less.
async fn count(few: &Storage, many: &Storage, origin: &Origin) -> Result<Vec<Counts>, Failure> {
    let mut all = Vec::new();
    for (mode, time) in Mode::ALL.into_iter().zip(0..) {
        let counts = Counts::of(many, origin, mode, time).await?;
        let with_few = Counts::of(few, origin, mode, time).await?;
        if counts.without_log() != with_few.without_log() {
            return Err(format!("rows depend on the size: {with_few:?}, {counts:?}").into());
        }
        all.push(counts);
    }
    few.drop_index()?;
    let without = Counts::of(few, origin, Mode::Durable, 2).await?;
    if all.last().is_some_and(|counts| counts.without_log() == without.without_log()) {
        return Err("the counts are the same without an index".into());
    }
    Ok(all)
}

/// To tens, so that the arithmetic does not change with every run.
fn round(bytes: f64) -> f64 {
    (bytes / 10.0).round() * 10.0
}
