//! What the platform calls for a ledger's object: its start, a call, its alarm.

use super::attempt::Attempt;
use super::message::Call;
use super::sqlite_store::{self, SqliteStore, Storage};
use super::store::Store as _;
use super::transaction::transaction;
use super::{alarm, protocol, replays, sql};
use crate::settings::Settings;

/// Makes sure of the tables of an object that has started, and notes how many shards there are:
/// another number comes with another deployment, and a deployment starts all objects.
///
/// # Errors
/// SQLite's message, or that a later version has changed the tables.
pub fn start(storage: &impl Storage, settings: &Settings, now_ms: u64) -> Result<(), String> {
    transaction(storage, || {
        sqlite_store::prepare(storage, sql::STEPS)?;
        SqliteStore(storage).note_shards(settings.ledger_shards, now_ms)
    })
}

/// Applies a call to an object that was started, and gives the reply; both are messages.
///
/// # Errors
/// What is wrong with the message or the database. The call then had no effect.
pub fn call(
    storage: &impl Storage,
    settings: &Settings,
    message: &str,
    now_ms: u64,
) -> Result<String, String> {
    let (call, by) = Call::decode_by(message)?;
    let mut store = SqliteStore(storage);
    let act = || protocol::act(&mut store, call, by.as_deref(), &settings.policy, now_ms);
    transaction(storage, act).map(|reply| reply.encode())
}

/// Forgets what is due when the alarm rings; a line for the log for each event that was never delivered. It first
/// sets the alarm's successor, outside of any transaction, so that nothing undoes it, and then starts the object if
/// that is necessary. Without sound settings nothing is forgotten, since nobody knows for how long events are to be
/// kept.
///
/// # Errors
/// SQLite's message. The platform need not try again: the successor stands.
pub fn ring(
    storage: &impl Storage,
    settings: Option<&Settings>,
    is_started: bool,
    now_ms: u64,
) -> Result<Vec<String>, String> {
    let mut store = SqliteStore(storage);
    alarm::set_successor(&mut store, settings.map(|it| &it.policy), now_ms);
    let Some(settings) = settings else { return Ok(Vec::new()) };
    if !is_started {
        start(storage, settings, now_ms)?;
    }
    transaction(storage, || alarm::sweep(&mut store, &settings.policy, now_ms))
        .map(|swept| swept.lines(now_ms))
}

/// Makes the next attempts of events that the object owes, as far as they are due and nothing holds them
/// back: at most `limit`. If too few are due, those of bulk replays that may go out now are among them.
///
/// # Errors
/// SQLite's message. No attempt was then begun.
pub fn take(
    storage: &impl Storage,
    settings: &Settings,
    limit: usize,
    now_ms: u64,
) -> Result<Vec<Attempt>, String> {
    let mut store = SqliteStore(storage);
    transaction(storage, || {
        let mut attempts = Vec::new();
        while attempts.len() < limit {
            let Some(taken) = replays::take(&mut store, &settings.policy, now_ms)? else { break };
            attempts.push(Attempt::of(taken));
        }
        Ok(attempts)
    })
}

/// Sets the alarm for what is due next, once nothing is left that is due.
///
/// # Errors
/// SQLite's message. The alarm that was pending then stands.
pub fn rest(storage: &impl Storage, settings: &Settings, now_ms: u64) -> Result<(), String> {
    let mut store = SqliteStore(storage);
    transaction(storage, || alarm::rest(&mut store, &settings.policy, now_ms))
}
