// The ledger: which events the origin has, and which are owed to it, in SQLite.

import { DurableObject } from "cloudflare:workers";
import { makeAttempt } from "./attempt.js";
import { spanOf } from "./headers.js";

const LEASE_MS = 30_000;
const RETENTION_MS = 72 * 3_600_000;
const MAX_ATTEMPTS = 60;
const MAX_BACKOFF_MS = 3_600_000;
/** Not sooner than this does an alarm follow another one. */
const ALARM_PAUSE_MS = 1_000;
/** An object has six connections that wait for an answer. */
const MOST_UNDER_WAY = 5;
const STAGES = new Map([
  ["job.queued", 1],
  ["job.running", 2],
  ["job.succeeded", 3],
  ["job.failed", 3],
]);

/** Events that are due, unless an earlier one of their job is still to be delivered. */
const SELECT_DUE = `SELECT key, attempts, head, body FROM entry WHERE due_ms <= ?1 AND NOT EXISTS (
    SELECT 1 FROM entry AS earlier
    WHERE earlier.job_id = entry.job_id AND earlier.state IN ('claimed', 'waiting')
      AND earlier.due_ms IS NOT NULL AND (earlier.first_ms, earlier.key) < (entry.first_ms, entry.key))
  ORDER BY due_ms LIMIT 1`;

export class Ledger extends DurableObject {
  #sql = this.ctx.storage.sql;
  /** When the alarm rings; unknown at first. */
  #alarmMs;

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
        stage INTEGER,
        due_ms INTEGER,
        head TEXT,
        body BLOB
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS entry_by_state ON entry (state, last_ms);
      CREATE INDEX IF NOT EXISTS entry_by_job ON entry (job_id, stage) WHERE job_id IS NOT NULL;
      CREATE INDEX IF NOT EXISTS entry_by_due ON entry (due_ms) WHERE due_ms IS NOT NULL;
      CREATE TABLE IF NOT EXISTS tally (
        outcome TEXT NOT NULL PRIMARY KEY,
        times INTEGER NOT NULL
      ) WITHOUT ROWID`);
  }

  /** Claims an event for one attempt; one that comes with its head and body is owed from then on. */
  async claim({ key, id, type, job }, stored) {
    await this.#wakeBy(Date.now() + (stored === undefined ? RETENTION_MS : LEASE_MS));
    const now = Date.now();
    const [row] = this.#sql
      .exec("SELECT state, lease_end_ms, attempts, due_ms FROM entry WHERE key = ?", key)
      .toArray();
    if (row?.state === "done" || row?.state === "dead") return { state: "done" };
    if (row !== undefined && row.due_ms !== null) return { state: "done" };
    if (row?.state === "claimed" && row.lease_end_ms > now) return { state: "in_flight" };
    const stage = STAGES.get(type) ?? null;
    let order = "in-order";
    if (job !== undefined && stage !== null) {
      const { furthest } = this.#sql
        .exec("SELECT max(stage) AS furthest FROM entry WHERE job_id = ? AND state = 'done'", job)
        .one();
      if (furthest !== null && furthest > stage) order = "late";
    }
    const isBlocked = stored !== undefined && job !== undefined && this.#isLaneBusy(job);
    const attempt = (row?.attempts ?? 0) + (isBlocked ? 0 : 1);
    const leaseEnd = isBlocked ? null : now + LEASE_MS;
    this.#sql.exec(
      `INSERT INTO entry (key, state, lease_end_ms, attempts, first_ms, last_ms, event_id,
         event_type, job_id, stage, due_ms, head, body)
       VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
       ON CONFLICT (key) DO UPDATE SET state = excluded.state, lease_end_ms = excluded.lease_end_ms,
         attempts = excluded.attempts, last_ms = excluded.last_ms, due_ms = excluded.due_ms,
         head = excluded.head, body = excluded.body`,
      key,
      isBlocked ? "waiting" : "claimed",
      leaseEnd,
      attempt,
      now,
      id ?? null,
      type ?? null,
      job ?? null,
      stage,
      stored === undefined ? null : (leaseEnd ?? now + ALARM_PAUSE_MS),
      stored?.head ?? null,
      stored?.body ?? null,
    );
    if (isBlocked) {
      await this.#wakeBy(now + ALARM_PAUSE_MS);
      return { state: "stored" };
    }
    return { state: "granted", attempt, order };
  }

  #isLaneBusy(job) {
    const busy = "SELECT 1 FROM entry WHERE job_id = ? AND state IN ('claimed', 'waiting') LIMIT 1";
    return this.#sql.exec(busy, job).toArray().length > 0;
  }

  /** Whether the attempt was still the latest. */
  async settle(key, attempt, outcome, tally) {
    const now = Date.now();
    const due = now + this.#backoffMs(attempt);
    const isOver = outcome === "origin_rejected" || attempt >= MAX_ATTEMPTS;
    const { rowsWritten } =
      outcome === "forwarded"
        ? this.#sql.exec(
            `UPDATE entry SET state = 'done', lease_end_ms = NULL, last_ms = ?, last_outcome = ?,
               due_ms = NULL, head = NULL, body = NULL
             WHERE key = ? AND attempts = ? AND state = 'claimed'`,
            now,
            outcome,
            key,
            attempt,
          )
        : this.#sql.exec(
            `UPDATE entry SET lease_end_ms = NULL, last_ms = ?1, last_outcome = ?2,
               state = CASE WHEN due_ms IS NULL THEN 'open' WHEN ?3 THEN 'dead' ELSE 'waiting' END,
               due_ms = CASE WHEN due_ms IS NULL OR ?3 THEN NULL ELSE ?4 END
             WHERE key = ?5 AND attempts = ?6 AND state = 'claimed'`,
            now,
            outcome,
            isOver ? 1 : 0,
            due,
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
    if (outcome !== "forwarded") await this.#wakeBy(due);
    return true;
  }

  /** Full jitter, but never sooner than an alarm may follow. */
  #backoffMs(attempt) {
    const initial = Number(this.env.RETRY_INITIAL_SECONDS ?? 5) * 1_000;
    const longest = Math.min(initial * 2 ** (attempt - 1), MAX_BACKOFF_MS);
    return Math.max(ALARM_PAUSE_MS, longest * Math.random());
  }

  /** Sets the alarm, unless one rings by then. */
  async #wakeBy(ms) {
    this.#alarmMs ??= (await this.ctx.storage.getAlarm()) ?? Number.POSITIVE_INFINITY;
    if (this.#alarmMs <= ms) return;
    this.#alarmMs = ms;
    await this.ctx.storage.setAlarm(ms);
  }

  async alarm() {
    this.#alarmMs = Number.POSITIVE_INFINITY;
    // If the object ends before its work does, this one takes over.
    await this.#wakeBy(Date.now() + LEASE_MS);
    const longAgo = Date.now() - RETENTION_MS;
    this.#sql.exec("DELETE FROM entry WHERE last_ms <= ? AND due_ms IS NULL", longAgo);
    await this.#makeAttempts();
    const { due, oldest } = this.#sql
      .exec("SELECT min(due_ms) AS due, min(last_ms) AS oldest FROM entry")
      .one();
    if (oldest === null) return;
    const soonest = Date.now() + ALARM_PAUSE_MS;
    this.#alarmMs = Math.max(soonest, Math.min(due ?? Number.POSITIVE_INFINITY, oldest + RETENTION_MS));
    await this.ctx.storage.setAlarm(this.#alarmMs);
  }

  async #makeAttempts() {
    const underWay = new Set();
    for (;;) {
      while (underWay.size < MOST_UNDER_WAY) {
        const attempt = this.#takeDue();
        if (attempt === undefined) break;
        const made = attempt.finally(() => underWay.delete(made));
        underWay.add(made);
      }
      if (underWay.size === 0) return;
      await Promise.race(underWay);
    }
  }

  /** Claims an event that is due, and begins the attempt. */
  #takeDue() {
    const now = Date.now();
    const [row] = this.#sql.exec(SELECT_DUE, now).toArray();
    if (row === undefined) return undefined;
    const attempt = row.attempts + 1;
    const leaseEnd = now + LEASE_MS;
    this.#sql.exec(
      `UPDATE entry SET state = 'claimed', lease_end_ms = ?1, due_ms = ?1, attempts = ?2, last_ms = ?3
       WHERE key = ?4`,
      leaseEnd,
      attempt,
      now,
      row.key,
    );
    return this.#attempt(JSON.parse(row.head), { attempt, order: "in-order" }, row.body);
  }

  async #attempt(delivery, claim, body) {
    const record = {
      correlation_id: delivery.correlation,
      links: [spanOf(delivery.trace)],
      event_key: delivery.key,
    };
    const { code, status } = await makeAttempt(this.env, this, delivery, claim, body, record);
    console.log(
      JSON.stringify({ ...record, outcome: code, "http.response.status_code": status }),
    );
  }
}
