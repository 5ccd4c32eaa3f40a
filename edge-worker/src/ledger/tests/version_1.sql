-- The ledger's tables. The script runs each time an object starts, so it must be repeatable; a
-- change of the tables needs a new version and a step that leads there.

CREATE TABLE IF NOT EXISTS schema_version (
    version INTEGER NOT NULL
) STRICT;

INSERT INTO schema_version (version)
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM schema_version);

-- One row for each event. Times are milliseconds since 1970.
CREATE TABLE IF NOT EXISTS event (
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

-- The sweep asks for the oldest rows.
CREATE INDEX IF NOT EXISTS event_by_last_ms ON event (last_ms);
