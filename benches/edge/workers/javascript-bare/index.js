// The least that is sound, written by hand in JavaScript: WebCrypto with a kept key, the raw bytes, the
// age, one SQLite object for each shard, called by RPC: claim, forward, commit. No order of a job's
// events, no audit trail, no counts, no trace, no deadline for the ledger, no second try of a commit.

import { DurableObject } from "cloudflare:workers";

const TOLERANCE_SECONDS = 300;
const MAX_BODY_BYTES = 262_144;
const ORIGIN_TIMEOUT_MS = 7_000;
const LEASE_MS = 30_000;
const RETENTION_MS = 72 * 3_600_000;
const SHARDS = 16;
const LABELS = new Set(["v", "v1", "sha256"]);
const KEPT_HEADERS = ["content-type", "user-agent", "x-nextapi-event"];

const encoder = new TextEncoder();
const decoder = new TextDecoder();
let imported;

export default {
  fetch(request, env, context) {
    const answer = deliver(request, env);
    context.waitUntil(answer);
    return answer;
  },
};

async function deliver(request, env) {
  const began = Date.now();
  const correlation = request.headers.get("x-correlation-id") ?? crypto.randomUUID();
  const record = { time: new Date(began).toISOString(), correlation_id: correlation };
  let answer;
  try {
    answer = await process(request, env, record, correlation);
  } catch (error) {
    record.error = error.message;
    answer = [503, "unavailable"];
  }
  const [status, outcome] = answer;
  console.log(JSON.stringify({ ...record, outcome, status, milliseconds: Date.now() - began }));
  return new Response(JSON.stringify({ code: outcome }), {
    status,
    headers: { "content-type": "application/json", "x-correlation-id": correlation },
  });
}

async function process(request, env, record, correlation) {
  if (request.method !== "POST") return [405, "method_not_allowed"];
  if (new URL(request.url).pathname !== "/webhook") return [404, "not_found"];
  const header =
    request.headers.get("x-nextapi-signature") ?? request.headers.get("x-webhook-signature");
  if (header === null) return [400, "signature_missing"];
  if (Number(request.headers.get("content-length")) > MAX_BODY_BYTES) return [413, "body_too_large"];
  const body = new Uint8Array(await request.arrayBuffer());
  if (body.byteLength > MAX_BODY_BYTES) return [413, "body_too_large"];
  record.body_bytes = body.byteLength;

  const refusal = await verify(header, body, env);
  if (refusal !== undefined) return refusal;

  const event = parse(body);
  const key = await name(event, body);
  record.event_key = key;
  record.event_type = event?.type;
  const ledger = env.LEDGER.get(env.LEDGER.idFromName(`shard-${shard(event?.data?.job?.id ?? key)}`));
  const claim = await ledger.claim(key, event?.type);
  if (claim.state === "done") return [200, "duplicate"];
  if (claim.state === "in_flight") return [503, "in_flight"];

  const status = await forward(request, env, body, key, claim.attempt, correlation);
  record.origin_status = status;
  if (status >= 200 && status < 300) {
    await ledger.commit(key, claim.attempt);
    return [200, "forwarded"];
  }
  await ledger.release(key, claim.attempt);
  return [502, "origin_failed"];
}

/** Why the delivery is refused, or undefined. */
async function verify(header, body, env) {
  let timestamp;
  const signatures = [];
  for (const element of header.split(",")) {
    const [label, value] = element.trim().split("=", 2);
    if (label === "t") timestamp = value;
    else if (LABELS.has(label)) signatures.push(value);
  }
  if (timestamp === undefined || !/^\d{1,12}$/.test(timestamp) || signatures.length === 0) {
    return [400, "signature_malformed"];
  }
  imported ??= crypto.subtle.importKey(
    "raw",
    encoder.encode(env.WEBHOOK_SECRETS),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
  const key = await imported;
  const prefix = encoder.encode(`${timestamp}.`);
  const signed = new Uint8Array(prefix.byteLength + body.byteLength);
  signed.set(prefix);
  signed.set(body, prefix.byteLength);
  let holds = false;
  for (const signature of signatures) {
    const bytes = hex(signature);
    if (bytes !== undefined && (await crypto.subtle.verify("HMAC", key, bytes, signed))) {
      holds = true;
      break;
    }
  }
  if (!holds) return [401, "signature_mismatch"];
  const age = Math.floor(Date.now() / 1_000) - Number(timestamp);
  if (Math.abs(age) >= TOLERANCE_SECONDS) return [401, "timestamp_expired"];
  return undefined;
}

function hex(text) {
  if (!/^[0-9a-f]{64}$/.test(text)) return undefined;
  const bytes = new Uint8Array(32);
  for (let index = 0; index < 32; index += 1) {
    bytes[index] = Number.parseInt(text.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes;
}

function parse(body) {
  try {
    return JSON.parse(decoder.decode(body));
  } catch {
    return undefined;
  }
}

/** The event's name: its id and type, or the hash of what has none. */
async function name(event, body) {
  if (typeof event?.id === "string" && typeof (event.type ?? event.status) === "string") {
    return `${event.id}:${event.type ?? event.status}`;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** FNV-1a. */
function shard(text) {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % SHARDS;
}

async function forward(request, env, body, key, attempt, correlation) {
  const headers = new Headers({
    "idempotency-key": key,
    "x-edge-attempt": String(attempt),
    "x-correlation-id": correlation,
  });
  for (const name of KEPT_HEADERS) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  try {
    const response = await fetch(env.ORIGIN_URL, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(ORIGIN_TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  }
}

export class Ledger extends DurableObject {
  constructor(context, env) {
    super(context, env);
    this.sql = context.storage.sql;
    this.sql.exec(`
      CREATE TABLE IF NOT EXISTS event (
        key TEXT NOT NULL PRIMARY KEY,
        type TEXT,
        state TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        lease_end_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS event_by_last_ms ON event (last_ms)`);
    this.hasAlarm = false;
  }

  async claim(key, type) {
    if (!this.hasAlarm) {
      if ((await this.ctx.storage.getAlarm()) === null) {
        await this.ctx.storage.setAlarm(Date.now() + RETENTION_MS);
      }
      this.hasAlarm = true;
    }
    const now = Date.now();
    const [row] = this.sql
      .exec("SELECT state, attempt, lease_end_ms FROM event WHERE key = ?", key)
      .toArray();
    if (row?.state === "done") return { state: "done" };
    if (row?.state === "claimed" && row.lease_end_ms > now) return { state: "in_flight" };
    const attempt = (row?.attempt ?? 0) + 1;
    this.sql.exec(
      "INSERT OR REPLACE INTO event VALUES (?, ?, 'claimed', ?, ?, ?)",
      key,
      type ?? null,
      attempt,
      now + LEASE_MS,
      now,
    );
    return { state: "granted", attempt };
  }

  commit(key, attempt) {
    this.settle("done", key, attempt);
  }

  release(key, attempt) {
    this.settle("open", key, attempt);
  }

  settle(state, key, attempt) {
    this.sql.exec(
      "UPDATE event SET state = ?, last_ms = ? WHERE key = ? AND attempt = ? AND state = 'claimed'",
      state,
      Date.now(),
      key,
      attempt,
    );
  }

  async alarm() {
    const due = Date.now() - RETENTION_MS;
    this.sql.exec("DELETE FROM event WHERE last_ms <= ?", due);
    const [{ oldest }] = this.sql.exec("SELECT min(last_ms) AS oldest FROM event").toArray();
    this.hasAlarm = oldest !== null;
    if (this.hasAlarm) await this.ctx.storage.setAlarm(oldest + RETENTION_MS);
  }
}
