//! All SQL of the ledger: the tables, version by version, and the statements on the latest ones.
//!
//! An object that starts takes its tables through the steps that they have not been through yet. A
//! step never changes once it was deployed; a change of the tables is a new step. Every statement of
//! a step can be run again, so a step that was broken off is simply repeated.

/// Makes the table that holds the version, the number of steps that the tables have been through.
pub(crate) const PREPARE: &str = "
    CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT;
    INSERT INTO schema_version (version)
        SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM schema_version)";

/// Reads the version.
pub(crate) const SELECT_VERSION: &str = "SELECT max(version) FROM schema_version";

/// Notes the version.
pub(crate) const UPDATE_VERSION: &str = "UPDATE schema_version SET version = ?";

/// The steps, each from the version of its place to the next.
pub(crate) const STEPS: [&str; 3] = [
    // One row for each event.
    "CREATE TABLE IF NOT EXISTS event (
        key          TEXT    NOT NULL PRIMARY KEY,
        state        TEXT    NOT NULL CHECK (state IN ('claimed', 'open', 'done')),
        lease_end_ms INTEGER CHECK ((lease_end_ms IS NOT NULL) = (state = 'claimed')),
        attempts     INTEGER NOT NULL CHECK (attempts >= 1),
        first_ms     INTEGER NOT NULL,
        last_ms      INTEGER NOT NULL,
        last_outcome TEXT,
        event_id     TEXT,
        event_type   TEXT,
        job_id       TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS event_by_last_ms ON event (last_ms)",
    // The same, with two states more, and with the stage of the job: 1 queued, 2 running, 3 ended.
    // Times are milliseconds since 1970. The sweep and the figures go by state; whether an event is
    // late, by job. Beside it, counts by outcome, and the numbers of shards that were in use.
    "CREATE TABLE IF NOT EXISTS entry (
        key          TEXT    NOT NULL PRIMARY KEY,
        state        TEXT    NOT NULL
            CHECK (state IN ('claimed', 'open', 'done', 'dropped', 'forgotten')),
        lease_end_ms INTEGER CHECK ((lease_end_ms IS NOT NULL) = (state = 'claimed')),
        attempts     INTEGER NOT NULL CHECK (attempts >= 0),
        first_ms     INTEGER NOT NULL,
        last_ms      INTEGER NOT NULL,
        last_outcome TEXT,
        event_id     TEXT,
        event_type   TEXT,
        job_id       TEXT,
        stage        INTEGER CHECK (stage BETWEEN 1 AND 3)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS entry_by_state ON entry (state, last_ms);
    CREATE INDEX IF NOT EXISTS entry_by_job ON entry (job_id, stage) WHERE job_id IS NOT NULL;
    CREATE TABLE IF NOT EXISTS tally (
        outcome TEXT    NOT NULL PRIMARY KEY,
        times   INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS shard_count (
        since_ms INTEGER NOT NULL PRIMARY KEY,
        shards   INTEGER NOT NULL
    ) STRICT;
    INSERT OR REPLACE INTO entry
        SELECT key, state, lease_end_ms, attempts, first_ms, last_ms, last_outcome,
            event_id, event_type, job_id, CASE event_type
                WHEN 'job.queued' THEN 1 WHEN 'queued' THEN 1
                WHEN 'job.running' THEN 2 WHEN 'running' THEN 2
                WHEN 'job.succeeded' THEN 3 WHEN 'succeeded' THEN 3
                WHEN 'job.failed' THEN 3 WHEN 'failed' THEN 3
            END
        FROM event",
    // Only once the rows are where they are read from now.
    "DROP TABLE IF EXISTS event",
];

/// Reads the row of an event; the columns are those that [`row::entry`](super::row::entry) expects.
pub(crate) const SELECT: &str = "SELECT key, state, lease_end_ms, attempts, first_ms, last_ms, \
     last_outcome, event_id, event_type, job_id FROM entry WHERE key = ?";

/// Writes a row that is not there yet; the values are those of [`row::values`](super::row::values).
pub(crate) const INSERT: &str = "INSERT INTO entry (key, state, lease_end_ms, \
     attempts, first_ms, last_ms, last_outcome, event_id, event_type, job_id, stage) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Writes a row that is there. What an event is never changes, so only the rest is written; the values
/// are those of [`row::changes`](super::row::changes).
pub(crate) const UPDATE: &str = "UPDATE entry SET state = ?, lease_end_ms = ?, attempts = ?, \
     last_ms = ?, last_outcome = ? WHERE key = ?";

/// Reads the furthest stage of a job among the events that the origin has.
pub(crate) const SELECT_FURTHEST: &str =
    "SELECT max(stage) FROM entry WHERE job_id = ? AND state = 'done'";

/// Deletes rows of a state that are due, the oldest first, up to a limit.
pub(crate) const DELETE_DUE: &str = "DELETE FROM entry WHERE key IN (SELECT key FROM entry \
     WHERE state = ? AND last_ms <= ? ORDER BY last_ms LIMIT ?) RETURNING 1";

/// Reads the time of the last transition of the oldest row of a state.
pub(crate) const SELECT_OLDEST: &str = "SELECT min(last_ms) FROM entry WHERE state = ?";

/// Counts the rows of a state, up to a limit.
pub(crate) const COUNT: &str = "SELECT count(*) FROM (SELECT 1 FROM entry WHERE state = ? LIMIT ?)";

/// Reads rows of a state, the latest first.
pub(crate) const LIST_BY_STATE: &str = "SELECT key, state, lease_end_ms, attempts, first_ms, \
     last_ms, last_outcome, event_id, event_type, job_id FROM entry \
     WHERE state = ?1 AND (?2 IS NULL OR event_type = ?2) ORDER BY last_ms DESC, key LIMIT ?3";

/// Reads rows of a job, the latest first.
pub(crate) const LIST_BY_JOB: &str = "SELECT key, state, lease_end_ms, attempts, first_ms, \
     last_ms, last_outcome, event_id, event_type, job_id FROM entry \
     WHERE job_id = ?1 AND (?2 IS NULL OR event_type = ?2) AND (?3 IS NULL OR state = ?3) \
     ORDER BY last_ms DESC, key LIMIT ?4";

/// Adds to the count of an outcome.
pub(crate) const ADD_TO_TALLY: &str = "INSERT INTO tally (outcome, times) VALUES (?, ?) \
     ON CONFLICT (outcome) DO UPDATE SET times = times + excluded.times";

/// Reads the counts of all outcomes.
pub(crate) const SELECT_TALLY: &str = "SELECT outcome, times FROM tally ORDER BY outcome";

/// Notes the number of shards unless the last one that was noted is the same. One that comes within
/// the same millisecond, or after the clock was set back, still counts as the later one.
pub(crate) const INSERT_SHARD_COUNT: &str = "INSERT INTO shard_count (since_ms, shards) \
     SELECT max(?1, coalesce((SELECT max(since_ms) + 1 FROM shard_count), 0)), ?2 WHERE ?2 IS NOT \
     (SELECT shards FROM shard_count ORDER BY since_ms DESC LIMIT 1)";

/// Reads the latest numbers of shards, the latest first.
pub(crate) const SELECT_SHARD_COUNTS: &str =
    "SELECT since_ms, shards FROM shard_count ORDER BY since_ms DESC LIMIT 10";

/// The statements of claims, commits and releases. The platform is told their texts once, and then
/// their places here: to hand over a text takes longer than to look for a row.
pub(crate) const FREQUENT: [&str; 5] = [SELECT, SELECT_FURTHEST, INSERT, UPDATE, ADD_TO_TALLY];
