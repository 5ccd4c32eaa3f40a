// The ledger: which events the origin has, in SQLite.

import { DurableObject } from "cloudflare:workers";

const LEASE_MS = 30_000;
const RETENTION_MS = 72 * 3_600_000;
const STAGES = new Map([
  ["job.queued", 1],
  ["job.running", 2],
  ["job.succeeded", 3],
  ["job.failed", 3],
]);

export class Ledger extends DurableObject {
  #sql = this.ctx.storage.sql;
  #hasAlarm = false;

  constructor(context, env) {
    super(context, env);
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS entry (
        key TEXT NOT NULL PRIMARY KEY,
        state TEXT NOT NULL,
        lease_end_ms INTEGER,
        attempts INTEGER NOT NULL,
        first_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        last_outcome TEXT,
        event_id TEXT,
        event_type TEXT,
        job_id TEXT,
        stage INTEGER
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS entry_by_state ON entry (state, last_ms);
      CREATE INDEX IF NOT EXISTS entry_by_job ON entry (job_id, stage) WHERE job_id IS NOT NULL;
      CREATE TABLE IF NOT EXISTS tally (
        outcome TEXT NOT NULL PRIMARY KEY,
        times INTEGER NOT NULL
      ) WITHOUT ROWID`);
  }

  async claim(key, eventId, eventType, jobId) {
    if (!this.#hasAlarm) {
      if ((await this.ctx.storage.getAlarm()) === null) {
        await this.ctx.storage.setAlarm(Date.now() + RETENTION_MS);
      }
      this.#hasAlarm = true;
    }
    const now = Date.now();
    const [row] = this.#sql
      .exec("SELECT state, lease_end_ms, attempts FROM entry WHERE key = ?", key)
      .toArray();
    if (row?.state === "done") return { state: "done" };
    if (row?.state === "claimed" && row.lease_end_ms > now) return { state: "in_flight" };
    const stage = STAGES.get(eventType) ?? null;
    let order = "in-order";
    if (jobId !== undefined && stage !== null) {
      const { furthest } = this.#sql
        .exec("SELECT max(stage) AS furthest FROM entry WHERE job_id = ? AND state = 'done'", jobId)
        .one();
      if (furthest !== null && furthest > stage) order = "late";
    }
    const attempt = (row?.attempts ?? 0) + 1;
    this.#sql.exec(
      `INSERT INTO entry (key, state, lease_end_ms, attempts, first_ms, last_ms, event_id,
         event_type, job_id, stage) VALUES (?1, 'claimed', ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8)
       ON CONFLICT (key) DO UPDATE SET state = 'claimed', lease_end_ms = excluded.lease_end_ms,
         attempts = excluded.attempts, last_ms = excluded.last_ms`,
      key,
      now + LEASE_MS,
      attempt,
      now,
      eventId ?? null,
      eventType ?? null,
      jobId ?? null,
      stage,
    );
    return { state: "granted", attempt, order };
  }

  /** Whether the attempt was still the latest. */
  settle(key, attempt, outcome, tally) {
    const state = outcome === "forwarded" ? "done" : "open";
    const { rowsWritten } = this.#sql.exec(
      `UPDATE entry SET state = ?, lease_end_ms = NULL, last_ms = ?, last_outcome = ?
       WHERE key = ? AND attempts = ? AND state = 'claimed'`,
      state,
      Date.now(),
      outcome,
      key,
      attempt,
    );
    if (rowsWritten === 0) return false;
    for (const [code, times] of tally) {
      this.#sql.exec(
        `INSERT INTO tally (outcome, times) VALUES (?, ?)
         ON CONFLICT (outcome) DO UPDATE SET times = times + excluded.times`,
        code,
        times,
      );
    }
    return true;
  }

  async alarm() {
    this.#hasAlarm = false;
    const due = Date.now() - RETENTION_MS;
    this.#sql.exec("DELETE FROM entry WHERE last_ms <= ?", due);
    const { oldest } = this.#sql.exec("SELECT min(last_ms) AS oldest FROM entry").one();
    if (oldest !== null) {
      await this.ctx.storage.setAlarm(oldest + RETENTION_MS);
      this.#hasAlarm = true;
    }
  }
}
