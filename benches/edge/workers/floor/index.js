// The floor: what the platform takes, and nothing else. It makes the calls of the platform that the edge
// worker cannot do without (headers, body, two calls of the object with their statements, the origin, the
// log, the answer), but verifies nothing, reads no more of an event than its number, and decides nothing.
// What a worker that makes these calls computes on top, in whatever language, comes on top of this.

import { DurableObject } from "cloudflare:workers";

const ORIGIN_TIMEOUT_MS = 7_000;
const BODY_TIMEOUT_MS = 10_000;
const LEDGER_TIMEOUT_MS = 3_000;
const LEASE_MS = 30_000;
const RETENTION_MS = 72 * 3_600_000;
const SHARDS = 16;
const READ_FIRST = [
  "x-nextapi-signature",
  "content-length",
  "transfer-encoding",
  "x-correlation-id",
  "traceparent",
];
const KEPT = ["content-type", "user-agent", "x-nextapi-event", "x-nextapi-signature"];

/** As long as the names that stand in headers, logs and rows. */
const CORRELATION = "0123456789abcdef".repeat(2);
const TRACE = `00-${CORRELATION}-0123456789abcdef-01`;
const KEY = "0123456789abcdef".repeat(4).slice(8);
const LINE = " ".repeat(360);

const decoder = new TextDecoder();

export default {
  fetch(request, env, context) {
    const answer = deliver(request, env);
    context.waitUntil(answer);
    return answer;
  },
};

async function deliver(request, env) {
  for (const name of READ_FIRST) request.headers.get(name);
  const body = new Uint8Array(await within(BODY_TIMEOUT_MS, request.arrayBuffer()));
  // {"id":"evt_000000000017",
  const number = decoder.decode(body.subarray(11, 23));
  // Scattered as a hash is, so that rows land on pages as theirs do.
  const scattered = ((Number(number) * 0x9e3779b1) % 0x1_0000_0000).toString(16).padStart(8, "0");
  const key = `event-${scattered}${KEY}`;
  const ledger = env.LEDGER.getByName(`shard-${Number(number) % SHARDS}`);
  const claim = await within(LEDGER_TIMEOUT_MS, ledger.call(`claim\n${key}\n${number}`));
  let outcome = "duplicate";
  if (claim !== outcome) {
    outcome = "forwarded";
    await forward(request, env, body, key);
    await within(LEDGER_TIMEOUT_MS, ledger.call(`commit\n${key}\n${number}`));
  }
  console.log(`{"event_key":"${key}","outcome":"${outcome}"${LINE}}`);
  return new Response(`{"status":"${outcome}"}`, {
    headers: { "content-type": "application/json", "x-correlation-id": CORRELATION },
  });
}

async function forward(request, env, body, key) {
  const headers = new Headers();
  request.headers.forEach((value, name) => {
    if (KEPT.includes(name)) headers.append(name, value);
  });
  headers.append("idempotency-key", key);
  headers.append("x-edge-attempt", "1");
  headers.append("x-edge-order", "in-order");
  headers.append("x-correlation-id", CORRELATION);
  headers.append("traceparent", TRACE);
  const signal = AbortSignal.timeout(ORIGIN_TIMEOUT_MS);
  const response = await fetch(env.ORIGIN_URL, {
    method: "POST",
    headers,
    body,
    redirect: "manual",
    signal,
  });
  response.body?.cancel().catch(() => {});
}

async function within(deadline, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${deadline} ms`)), deadline);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const SELECT = `SELECT key, state, lease_end_ms, attempts, first_ms, last_ms, last_outcome, event_id,
  event_type, job_id FROM entry WHERE key = ?`;
const SELECT_FURTHEST = "SELECT max(stage) FROM entry WHERE job_id = ? AND state = 'done'";
const WRITE = `INSERT INTO entry (key, state, lease_end_ms, attempts, first_ms, last_ms, last_outcome,
  event_id, event_type, job_id, stage) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET state = excluded.state, lease_end_ms = excluded.lease_end_ms,
  attempts = excluded.attempts, last_ms = excluded.last_ms, last_outcome = excluded.last_outcome`;

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
      CREATE INDEX IF NOT EXISTS entry_by_job ON entry (job_id, stage) WHERE job_id IS NOT NULL`);
  }

  async call(text) {
    const [word, key, number] = text.split("\n");
    if (word === "claim" && !this.#hasAlarm) {
      if ((await this.ctx.storage.getAlarm()) === null) {
        await this.ctx.storage.setAlarm(Date.now() + RETENTION_MS);
      }
      this.#hasAlarm = true;
    }
    const now = Date.now();
    const job = `job_${number}`;
    const [row] = this.#sql.exec(SELECT, key).raw().toArray();
    if (word === "claim") {
      if (row?.[1] === "done") return "duplicate";
      this.#sql.exec(SELECT_FURTHEST, job).raw().toArray();
    }
    const [state, lease, outcome] =
      word === "claim" ? ["claimed", now + LEASE_MS, null] : ["done", null, "forwarded"];
    const event = `evt_${number}`;
    const values = [key, state, lease, 1, now, now, outcome, event, "job.succeeded", job, 3];
    this.#sql.exec(WRITE, ...values);
    return "ok";
  }

  async alarm() {
    // A run of the bench ends long before.
  }
}
