//! All SQL of the ledger: the tables, version by version, and the statements on the latest ones.
//!
//! An object that starts takes its tables through the steps that they have not been through yet. A
//! step never changes once it was released; a change of the tables is a new step. All that an object has not been
//! through are one transaction, so a step that was broken off has not happened, and is taken the next time.

use super::{audit_sql, job_sql, kept_sql, replay_sql};

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
    // One row for each event, with the stage of its job: 1 queued, 2 running, 3 ended. An event without a job
    // has the empty text. Times are milliseconds since 1970. All rows of a job stand side by side, so its lane,
    // what the origin knows of it and its list take no index. An owed event has its place in its lane, its
    // headers and its bytes; dropping them is part of the commit.
    //
    // Each entry of an index is billed as a row written. So an event that goes well has one at most: as long as
    // it is owed and due, in `event_by_due`. Those that somebody has to look at are in `event_unsettled`. What is
    // settled is in none: the walk that forgets it goes by key.
    //
    // Beside it, what holds owed events back, where that walk stands, counts by outcome, and the numbers of
    // shards that were in use.
    "CREATE TABLE IF NOT EXISTS event (
        job_id       TEXT    NOT NULL,
        key          TEXT    NOT NULL,
        state        TEXT    NOT NULL CHECK (state IN
            ('claimed', 'waiting', 'dead', 'open', 'done', 'dropped', 'reopened')),
        lease_end_ms INTEGER CHECK ((lease_end_ms IS NOT NULL) = (state = 'claimed')),
        attempts     INTEGER NOT NULL CHECK (attempts >= 0),
        first_ms     INTEGER NOT NULL,
        last_ms      INTEGER NOT NULL,
        last_outcome TEXT,
        event_id     TEXT,
        event_type   TEXT,
        stage        INTEGER CHECK (stage BETWEEN 1 AND 3),
        due_ms       INTEGER CHECK (due_ms IS NULL OR state IN ('claimed', 'waiting')),
        owed_ms      INTEGER,
        tries        INTEGER CHECK ((tries IS NOT NULL) = (owed_ms IS NOT NULL)),
        seq          INTEGER CHECK ((seq IS NOT NULL) = (owed_ms IS NOT NULL)),
        replay       TEXT,
        head         TEXT    CHECK ((head IS NOT NULL) = (owed_ms IS NOT NULL)),
        body         BLOB    CHECK ((body IS NOT NULL) = (owed_ms IS NOT NULL)),
        PRIMARY KEY (job_id, key),
        CHECK (owed_ms IS NOT NULL OR (due_ms IS NULL AND state NOT IN ('waiting', 'dead')))
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS event_by_due ON event (state, due_ms) WHERE due_ms IS NOT NULL;
    CREATE INDEX IF NOT EXISTS event_unsettled ON event (state, last_ms)
        WHERE state NOT IN ('claimed', 'done');
    CREATE TABLE IF NOT EXISTS gate (
        id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
        paused  INTEGER NOT NULL CHECK (paused IN (0, 1)),
        breaker TEXT    NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS walk (
        id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
        state TEXT    NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS outcome_count (
        outcome TEXT    NOT NULL PRIMARY KEY,
        times   INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS shard_count (
        since_ms INTEGER NOT NULL PRIMARY KEY,
        shards   INTEGER NOT NULL
    ) STRICT",
    // Bytes of delivered events.
    kept_sql::TABLE,
    // Bulk replays.
    replay_sql::TABLE,
    // Jobs.
    job_sql::TABLE,
    // The audit log.
    audit_sql::TABLE,
    // What was done about an event: lines, as `trail` has them.
    "ALTER TABLE event ADD COLUMN trail TEXT",
];

/// The columns that [`row::entry`](super::row::entry) expects. The body is not among them: it never enters the
/// code that decides.
macro_rules! columns {
    () => {
        "job_id, key, state, lease_end_ms, attempts, first_ms, last_ms, last_outcome, event_id, \
         event_type, due_ms, owed_ms, tries, seq, head, replay"
    };
}

/// The columns that [`row::expired`](super::row::expired) expects.
macro_rules! expired {
    () => {
        "last_ms, key, state, event_type, job_id, last_outcome"
    };
}

/// The states of rows in the index `event_unsettled`.
pub(crate) const UNSETTLED: [&str; 5] = ["waiting", "dead", "open", "dropped", "reopened"];

/// What the index `event_unsettled` is about, in the words that let SQLite see that it may be used.
macro_rules! unsettled {
    () => {
        "state NOT IN ('claimed', 'done')"
    };
}

/// Adds lines to the trail of a row, of which the last bytes stay, as many as `trail` says: all of it is ASCII.
macro_rules! trail {
    ($lines:literal) => {
        concat!("trail = substr(coalesce(trail, '') || ", $lines, ", -5376)")
    };
}

pub(super) use {columns, trail, unsettled};

/// Reads the row of an event, given its job and its key.
pub(crate) const SELECT: &str =
    concat!("SELECT ", columns!(), " FROM event WHERE job_id = ? AND key = ?");

/// Reads all that a claim goes by: what holds events back, the furthest stage of the job among the events that the
/// origin has, and the row of the event.
pub(crate) const SELECT_KNOWN: &str = concat!(
    "SELECT (SELECT paused FROM gate), (SELECT breaker FROM gate), \
     (SELECT max(stage) FROM event WHERE ?1 <> '' AND job_id = ?1 AND state = 'done'), ",
    columns!(),
    " FROM (SELECT 1) LEFT JOIN event ON job_id = ?1 AND key = ?2"
);

/// Looks for an event whose job is not known, among all.
pub(crate) const FIND: &str = concat!("SELECT ", columns!(), " FROM event WHERE key = ? LIMIT 1");

/// Writes a row that is not there yet; the values are those of [`row::values`](super::row::values).
pub(crate) const INSERT: &str = "INSERT INTO event (job_id, key, state, lease_end_ms, \
     attempts, first_ms, last_ms, last_outcome, event_id, event_type, stage, trail) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// The same for an event that is owed; the values are followed by those of [`row::owed`](super::row::owed).
pub(crate) const INSERT_OWED: &str = "INSERT INTO event (job_id, key, state, lease_end_ms, \
     attempts, first_ms, last_ms, last_outcome, event_id, event_type, stage, trail, \
     due_ms, owed_ms, tries, seq, replay, head, body) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Writes a row that is there. What an event is never changes, so only the rest is written; the values
/// are those of [`row::changes`](super::row::changes). Of an event that is not owed no bytes are kept.
pub(crate) const UPDATE: &str = concat!(
    "UPDATE event SET state = ?, lease_end_ms = ?, attempts = ?, last_ms = ?, last_outcome = ?, ",
    trail!("?"),
    ", due_ms = NULL, owed_ms = NULL, tries = NULL, seq = NULL, replay = NULL, head = NULL, body = NULL \
     WHERE job_id = ? AND key = ?"
);

/// The same for an event that is owed, whose bytes are there.
pub(crate) const UPDATE_OWED: &str = concat!(
    "UPDATE event SET state = ?, lease_end_ms = ?, attempts = ?, last_ms = ?, last_outcome = ?, ",
    trail!("?"),
    ", due_ms = ?, owed_ms = ?, tries = ?, seq = ?, replay = ? WHERE job_id = ? AND key = ?"
);

/// The same for an event that becomes owed.
pub(crate) const UPDATE_ACCEPTED: &str = concat!(
    "UPDATE event SET state = ?, lease_end_ms = ?, attempts = ?, last_ms = ?, last_outcome = ?, ",
    trail!("?"),
    ", due_ms = ?, owed_ms = ?, tries = ?, seq = ?, replay = ?, head = ?, body = ? \
     WHERE job_id = ? AND key = ?"
);

/// Adds lines to the trail of a row and changes nothing else, unless what `?2` says stands in it `?3` times already.
pub(crate) const NOTE: &str = concat!(
    "UPDATE event SET ",
    trail!("?1"),
    " WHERE job_id = ?4 AND key = ?5 AND length(coalesce(trail, '')) - \
     length(replace(coalesce(trail, ''), ?2, '')) < ?3 * length(?2)"
);

/// Reads the trail of an event.
pub(crate) const SELECT_TRAIL: &str = "SELECT trail FROM event WHERE job_id = ? AND key = ?";

/// Reads the body of an owed event, given its job (the empty text if it has none) and its key.
pub const SELECT_BODY: &str = "SELECT body FROM event WHERE job_id = ? AND key = ?";

/// Reads the first event of a job that the edge still has to deliver.
pub(crate) const SELECT_LANE_HEAD: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM event WHERE job_id = ? AND owed_ms IS NOT NULL AND +state IN ('claimed', 'waiting') \
     ORDER BY seq, key LIMIT 1"
);

/// Reads the place behind all owed events of a job.
pub(crate) const SELECT_NEXT_SEQ: &str =
    "SELECT coalesce(max(seq), 0) + 1 FROM event WHERE job_id = ?";

/// Reads the owed event that has been due longest.
pub(crate) const SELECT_FIRST_DUE: &str = concat!(
    "SELECT * FROM (SELECT * FROM (SELECT ",
    columns!(),
    " FROM event WHERE state = 'claimed' AND due_ms <= ?1 ORDER BY due_ms, job_id, key LIMIT 1) \
     UNION ALL SELECT * FROM (SELECT ",
    columns!(),
    " FROM event WHERE state = 'waiting' AND due_ms <= ?1 ORDER BY due_ms, job_id, key LIMIT 1)) \
     ORDER BY due_ms, job_id, key LIMIT 1"
);

/// Reads an owed event with the fewest tries among so many that fell due last.
pub(crate) const SELECT_LEAST_TRIED_DUE: &str = concat!(
    "SELECT * FROM (SELECT * FROM (SELECT ",
    columns!(),
    " FROM event WHERE state = 'claimed' AND due_ms <= ?1 \
     ORDER BY due_ms DESC, job_id DESC, key DESC LIMIT ?2) \
     UNION ALL SELECT * FROM (SELECT ",
    columns!(),
    " FROM event WHERE state = 'waiting' AND due_ms <= ?1 \
     ORDER BY due_ms DESC, job_id DESC, key DESC LIMIT ?2)) \
     ORDER BY tries, due_ms DESC, job_id DESC, key DESC LIMIT 1"
);

/// Reads when the next owed event is due.
pub(crate) const SELECT_NEXT_DUE: &str = "SELECT min(due_ms) FROM \
     (SELECT min(due_ms) AS due_ms FROM event WHERE state = 'claimed' AND due_ms IS NOT NULL \
     UNION ALL SELECT min(due_ms) FROM event WHERE state = 'waiting' AND due_ms IS NOT NULL)";

/// Counts the attempts of owed events that are under way.
pub(crate) const COUNT_UNDER_WAY: &str =
    "SELECT count(*) FROM event WHERE state = 'claimed' AND due_ms > ?";

/// Reads when the first lease of these attempts ends.
pub(crate) const SELECT_NEXT_LEASE_END: &str =
    "SELECT min(due_ms) FROM event WHERE state = 'claimed' AND due_ms > ?";

/// Adds up the bodies of owed events.
pub(crate) const SUM_BODIES: &str = concat!(
    "SELECT coalesce((SELECT sum(length(body)) FROM event \
     WHERE state = 'claimed' AND due_ms IS NOT NULL), 0) + \
     coalesce((SELECT sum(length(body)) FROM event WHERE state IN ('waiting', 'dead') AND ",
    unsettled!(),
    "), 0)"
);

/// Reads what holds owed events back.
pub(crate) const SELECT_GATE: &str = "SELECT paused, breaker FROM gate";

/// Notes what holds owed events back.
pub(crate) const SET_GATE: &str = "INSERT INTO gate (id, paused, breaker) VALUES (1, ?, ?) \
     ON CONFLICT (id) DO UPDATE SET paused = excluded.paused, breaker = excluded.breaker";

/// Reads the furthest stage of a job among the events that the origin has.
pub(crate) const SELECT_FURTHEST: &str =
    "SELECT max(stage) FROM event WHERE job_id = ? AND state = 'done'";

/// Reads where the walk through all rows stands.
pub(crate) const SELECT_WALK: &str = "SELECT state FROM walk";

/// Notes where the walk stands.
pub(crate) const SET_WALK: &str = "INSERT INTO walk (id, state) VALUES (1, ?) \
     ON CONFLICT (id) DO UPDATE SET state = excluded.state";

/// Notes that there is none.
pub(crate) const DELETE_WALK: &str = "DELETE FROM walk";

/// Whether there is a row.
pub(crate) const SELECT_ANY: &str = "SELECT 1 FROM event LIMIT 1";

/// Reads the last row of a piece of the walk, given where it begins and how many rows before it are in the piece.
pub(crate) const SELECT_PIECE_END: &str = "SELECT job_id, key FROM event \
     WHERE (job_id, key) > (?, ?) ORDER BY job_id, key LIMIT 1 OFFSET ?";

/// The rows of a piece of the walk behind `?1`, `?2` and up to `?3`, `?4`, or to the end without them: SQLite
/// places a blob behind every text.
macro_rules! piece {
    () => {
        "(job_id, key) > (?1, ?2) AND (job_id, key) <= (ifnull(?3, x''), ifnull(?4, x'')) \
         AND owed_ms IS NULL"
    };
}

/// Deletes the rows of a piece that are due.
pub(crate) const DELETE_PIECE: &str =
    concat!("DELETE FROM event WHERE ", piece!(), " AND last_ms <= ?5 RETURNING ", expired!());

/// Reads when the row of a piece that changed longest ago had its last transition, and how many leases ended by a
/// time.
pub(crate) const SELECT_PIECE: &str = concat!(
    "SELECT min(last_ms), count(CASE WHEN lease_end_ms <= ?5 THEN 1 END) FROM event WHERE ",
    piece!()
);

/// Opens the events of a piece whose leases ended by a time.
pub(crate) const OPEN_PIECE: &str = concat!(
    "UPDATE event SET state = 'open', lease_end_ms = NULL, last_outcome = ?6, ",
    // As `TrailEntry::lost` has it.
    trail!("lease_end_ms || ' attempt ' || attempts || ' ' || ?6 || ' - -' || char(10)"),
    " WHERE ",
    piece!(),
    " AND lease_end_ms <= ?5"
);

/// Deletes dead letters that are due, the oldest first, up to a limit.
pub(crate) const DELETE_DEAD: &str = concat!(
    "DELETE FROM event WHERE (job_id, key) IN (SELECT job_id, key FROM event \
     WHERE state = 'dead' AND ",
    unsettled!(),
    " AND last_ms <= ? ORDER BY last_ms LIMIT ?) RETURNING ",
    expired!()
);

/// Reads the time of the last transition of the oldest dead letter.
pub(crate) const SELECT_OLDEST_DEAD: &str =
    concat!("SELECT min(last_ms) FROM event WHERE state = 'dead' AND ", unsettled!());

/// Counts the rows of an unsettled state whose last transition was at a time or before, up to a limit.
pub(crate) const COUNT_UNSETTLED: &str = concat!(
    "SELECT count(*) FROM (SELECT 1 FROM event WHERE state = ? AND ",
    unsettled!(),
    " AND last_ms <= ? LIMIT ?)"
);

/// Counts the attempts of owed events, up to a limit.
pub(crate) const COUNT_OWED_CLAIMS: &str = "SELECT count(*) FROM \
     (SELECT 1 FROM event WHERE state = 'claimed' AND due_ms IS NOT NULL LIMIT ?)";

/// Among so many rows: how many there are, the oldest last transition of those that are not owed, how many are done,
/// and how many are claimed and not owed, in all and since a time or before.
pub(crate) const COUNT_SETTLED: &str = "SELECT count(*), min(CASE WHEN owed_ms IS NULL THEN last_ms END), \
     count(CASE WHEN state = 'done' THEN 1 END), \
     count(CASE WHEN state = 'claimed' AND owed_ms IS NULL THEN 1 END), \
     count(CASE WHEN state = 'claimed' AND owed_ms IS NULL AND last_ms <= ?1 THEN 1 END) \
     FROM (SELECT state, owed_ms, last_ms FROM event LIMIT ?2)";

/// Reads when the owed event that waits longest was accepted, among so many that changed longest ago. Its first
/// attempt does not make it younger; one that was replayed waits since then.
pub(crate) const SELECT_OLDEST_WAITING: &str = concat!(
    "SELECT min(CASE WHEN replay IS NULL THEN first_ms ELSE owed_ms END) FROM \
     (SELECT * FROM (SELECT replay, first_ms, owed_ms FROM event WHERE state = 'waiting' AND ",
    unsettled!(),
    " ORDER BY last_ms LIMIT ?1) UNION ALL SELECT * FROM (SELECT replay, first_ms, owed_ms FROM event \
     WHERE state = 'claimed' AND due_ms IS NOT NULL AND tries > 1 LIMIT ?1))"
);

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
pub const FREQUENT: [&str; 14] = [
    SELECT,
    SELECT_KNOWN,
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
    job_sql::SELECT,
    job_sql::INSERT,
];
