//! All SQL of the ledger: the tables, version by version, and the statements on the latest ones.
//!
//! An object that starts takes its tables through the steps that they have not been through yet. A
//! step never changes once it was released; a change of the tables is a new step. Every statement of
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
pub(crate) const STEPS: &[&str] = &[
    // One row for each event, with the stage of its job: 1 queued, 2 running, 3 ended. Times are
    // milliseconds since 1970. The sweep and the figures go by state; whether an event is late, and its
    // lane, by job; the attempts that the edge owes, by when they are due. An owed event has its place in its
    // lane, its headers and its bytes; dropping them is part of the commit. Beside it, what holds owed events
    // back, counts by outcome, and the numbers of shards that were in use.
    "CREATE TABLE IF NOT EXISTS event (
        key          TEXT    NOT NULL PRIMARY KEY,
        state        TEXT    NOT NULL CHECK (state IN
            ('claimed', 'waiting', 'dead', 'open', 'done', 'dropped', 'reopened')),
        lease_end_ms INTEGER CHECK ((lease_end_ms IS NOT NULL) = (state = 'claimed')),
        attempts     INTEGER NOT NULL CHECK (attempts >= 0),
        first_ms     INTEGER NOT NULL,
        last_ms      INTEGER NOT NULL,
        last_outcome TEXT,
        event_id     TEXT,
        event_type   TEXT,
        job_id       TEXT,
        stage        INTEGER CHECK (stage BETWEEN 1 AND 3),
        due_ms       INTEGER,
        owed_ms      INTEGER,
        tries        INTEGER CHECK ((tries IS NOT NULL) = (owed_ms IS NOT NULL)),
        seq          INTEGER CHECK ((seq IS NOT NULL) = (owed_ms IS NOT NULL)),
        replay       TEXT,
        head         TEXT    CHECK ((head IS NOT NULL) = (owed_ms IS NOT NULL)),
        body         BLOB    CHECK ((body IS NOT NULL) = (owed_ms IS NOT NULL)),
        CHECK (owed_ms IS NOT NULL OR state NOT IN ('waiting', 'dead'))
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS event_by_state ON event (state, last_ms);
    CREATE INDEX IF NOT EXISTS event_by_job ON event (job_id, stage) WHERE job_id IS NOT NULL;
    CREATE INDEX IF NOT EXISTS event_by_due ON event (due_ms) WHERE due_ms IS NOT NULL;
    CREATE TABLE IF NOT EXISTS gate (
        id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
        paused  INTEGER NOT NULL CHECK (paused IN (0, 1)),
        breaker TEXT    NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS outcome_count (
        outcome TEXT    NOT NULL PRIMARY KEY,
        times   INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS shard_count (
        since_ms INTEGER NOT NULL PRIMARY KEY,
        shards   INTEGER NOT NULL
    ) STRICT",
];

/// Reads the row of an event; the columns are those that [`row::entry`](super::row::entry) expects. The body is
/// not among them: it never enters the code that decides.
pub(crate) const SELECT: &str = "SELECT key, state, lease_end_ms, attempts, first_ms, last_ms, \
     last_outcome, event_id, event_type, job_id, due_ms, owed_ms, tries, seq, head, replay \
     FROM event WHERE key = ?";

/// Writes a row that is not there yet; the values are those of [`row::values`](super::row::values).
pub(crate) const INSERT: &str = "INSERT INTO event (key, state, lease_end_ms, \
     attempts, first_ms, last_ms, last_outcome, event_id, event_type, job_id, stage) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// The same for an event that is owed; the values are followed by those of [`row::owed`](super::row::owed).
pub(crate) const INSERT_OWED: &str = "INSERT INTO event (key, state, lease_end_ms, \
     attempts, first_ms, last_ms, last_outcome, event_id, event_type, job_id, stage, \
     due_ms, owed_ms, tries, seq, replay, head, body) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Writes a row that is there. What an event is never changes, so only the rest is written; the values
/// are those of [`row::changes`](super::row::changes). Of an event that is not owed no bytes are kept.
pub(crate) const UPDATE: &str = "UPDATE event SET state = ?, lease_end_ms = ?, attempts = ?, \
     last_ms = ?, last_outcome = ?, due_ms = NULL, owed_ms = NULL, tries = NULL, seq = NULL, \
     replay = NULL, head = NULL, body = NULL WHERE key = ?";

/// The same for an event that is owed, whose bytes are there.
pub(crate) const UPDATE_OWED: &str = "UPDATE event SET state = ?, lease_end_ms = ?, attempts = ?, \
     last_ms = ?, last_outcome = ?, due_ms = ?, owed_ms = ?, tries = ?, seq = ?, replay = ? \
     WHERE key = ?";

/// The same for an event that becomes owed.
pub(crate) const UPDATE_ACCEPTED: &str = "UPDATE event SET state = ?, lease_end_ms = ?, \
     attempts = ?, last_ms = ?, last_outcome = ?, due_ms = ?, owed_ms = ?, tries = ?, seq = ?, \
     replay = ?, head = ?, body = ? WHERE key = ?";

/// Reads the body of an owed event.
pub const SELECT_BODY: &str = "SELECT body FROM event WHERE key = ?";

/// Reads the first event of a job that the edge still has to deliver.
pub(crate) const SELECT_LANE_HEAD: &str = "SELECT key, state, lease_end_ms, attempts, first_ms, \
     last_ms, last_outcome, event_id, event_type, job_id, due_ms, owed_ms, tries, seq, head, replay \
     FROM event WHERE job_id = ? AND owed_ms IS NOT NULL AND state IN ('claimed', 'waiting') \
     ORDER BY seq, key LIMIT 1";

/// Reads the place behind all owed events of a job.
pub(crate) const SELECT_NEXT_SEQ: &str =
    "SELECT coalesce(max(seq), 0) + 1 FROM event WHERE job_id = ?";

/// Reads the owed event that has been due longest.
pub(crate) const SELECT_FIRST_DUE: &str = "SELECT key, state, lease_end_ms, attempts, first_ms, \
     last_ms, last_outcome, event_id, event_type, job_id, due_ms, owed_ms, tries, seq, head, replay \
     FROM event WHERE due_ms <= ? ORDER BY due_ms, key LIMIT 1";

/// Reads when the next owed event is due.
pub(crate) const SELECT_NEXT_DUE: &str = "SELECT min(due_ms) FROM event WHERE due_ms IS NOT NULL";

/// Counts the attempts of owed events that are under way.
pub(crate) const COUNT_UNDER_WAY: &str =
    "SELECT count(*) FROM event WHERE due_ms > ? AND state = 'claimed'";

/// Reads when the first lease of these attempts ends.
pub(crate) const SELECT_NEXT_LEASE_END: &str =
    "SELECT min(due_ms) FROM event WHERE due_ms > ? AND state = 'claimed'";

/// Adds up the bodies of owed events.
pub(crate) const SUM_BODIES: &str = "SELECT coalesce(sum(length(body)), 0) FROM event \
     WHERE state IN ('claimed', 'waiting', 'dead')";

/// Reads what holds owed events back.
pub(crate) const SELECT_GATE: &str = "SELECT paused, breaker FROM gate";

/// Notes what holds owed events back.
pub(crate) const SET_GATE: &str = "INSERT INTO gate (id, paused, breaker) VALUES (1, ?, ?) \
     ON CONFLICT (id) DO UPDATE SET paused = excluded.paused, breaker = excluded.breaker";

/// Reads the furthest stage of a job among the events that the origin has.
pub(crate) const SELECT_FURTHEST: &str =
    "SELECT max(stage) FROM event WHERE job_id = ? AND state = 'done'";

/// Deletes rows of a state that are due, the oldest first, up to a limit. Owed events stay, except for dead
/// letters.
pub(crate) const DELETE_DUE: &str = "DELETE FROM event WHERE key IN (SELECT key FROM event \
     WHERE state = ? AND last_ms <= ? AND (owed_ms IS NULL OR state = 'dead') \
     ORDER BY last_ms LIMIT ?) RETURNING 1";

/// Reads the time of the last transition of the oldest row of a state that can be deleted.
pub(crate) const SELECT_OLDEST: &str = "SELECT min(last_ms) FROM event WHERE state = ? \
     AND (owed_ms IS NULL OR state = 'dead')";

/// Counts the rows of a state whose last transition was at a time or before, up to a limit.
pub(crate) const COUNT: &str =
    "SELECT count(*) FROM (SELECT 1 FROM event WHERE state = ? AND last_ms <= ? LIMIT ?)";

/// Reads when the owed event that waits longest was accepted, among so many that changed longest ago.
pub(crate) const SELECT_OLDEST_WAITING: &str = "SELECT min(owed_ms) FROM \
     (SELECT owed_ms FROM event WHERE state = 'waiting' ORDER BY last_ms LIMIT ?)";

/// Reads rows of a state behind a place in the list, the latest first. Both conditions on the place
/// are needed: the first lets the index skip what was shown before.
pub(crate) const LIST_BY_STATE: &str = "SELECT key, state, lease_end_ms, attempts, first_ms, \
     last_ms, last_outcome, event_id, event_type, job_id, due_ms, owed_ms, tries, seq, head, \
     replay FROM event \
     WHERE state = ?1 AND last_ms <= ?2 AND (last_ms < ?2 OR key > ?3) \
     AND (?4 IS NULL OR event_type = ?4) ORDER BY last_ms DESC, key LIMIT ?5";

/// Reads rows of a job behind a place in the list, the latest first.
pub(crate) const LIST_BY_JOB: &str = "SELECT key, state, lease_end_ms, attempts, first_ms, \
     last_ms, last_outcome, event_id, event_type, job_id, due_ms, owed_ms, tries, seq, head, \
     replay FROM event \
     WHERE job_id = ?1 AND last_ms <= ?2 AND (last_ms < ?2 OR key > ?3) \
     AND (?4 IS NULL OR event_type = ?4) AND (?5 IS NULL OR state = ?5) \
     ORDER BY last_ms DESC, key LIMIT ?6";

/// Adds to the count of an outcome.
pub(crate) const ADD_OUTCOME: &str = "INSERT INTO outcome_count (outcome, times) VALUES (?, ?) \
     ON CONFLICT (outcome) DO UPDATE SET times = times + excluded.times";

/// Reads the counts of all outcomes.
pub(crate) const SELECT_OUTCOMES: &str =
    "SELECT outcome, times FROM outcome_count ORDER BY outcome";

/// Notes the number of shards unless the last one noted is the same. One that comes within the same
/// millisecond, or after the clock was set back, still counts as the later one.
pub(crate) const INSERT_SHARD_COUNT: &str = "INSERT INTO shard_count (since_ms, shards) \
     SELECT max(?1, coalesce((SELECT max(since_ms) + 1 FROM shard_count), 0)), ?2 WHERE ?2 IS NOT \
     (SELECT shards FROM shard_count ORDER BY since_ms DESC LIMIT 1)";

/// Reads the latest numbers of shards, the latest first.
pub(crate) const SELECT_SHARD_COUNTS: &str =
    "SELECT since_ms, shards FROM shard_count ORDER BY since_ms DESC LIMIT 10";

/// The statements of claims, acceptances, commits and releases. The platform is told their texts once, and then
/// their index here: to hand over a text takes longer than to look for a row.
pub const FREQUENT: [&str; 11] = [
    SELECT,
    SELECT_FURTHEST,
    INSERT,
    UPDATE,
    ADD_OUTCOME,
    INSERT_OWED,
    UPDATE_OWED,
    SELECT_LANE_HEAD,
    SELECT_NEXT_SEQ,
    SELECT_GATE,
    SELECT_FIRST_DUE,
];
