// A naive edge in plain JavaScript, for the tests of the command line only: it shows that `demo` and
// `send` are content with an edge that does what the design says, and that they notice one that does
// not. FAULT names what it does wrong, several names with spaces between them.
import { DurableObject } from "cloudflare:workers";

export class Ledger extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec(
      "CREATE TABLE IF NOT EXISTS events (place INTEGER PRIMARY KEY, key TEXT UNIQUE, done INTEGER, attempt INTEGER, body BLOB)",
    );
  }

  // `body` is what the edge owes from now on; without one, the provider retries.
  async claim(key, body) {
    const [row] = this.sql.exec("SELECT done, attempt FROM events WHERE key = ?", key);
    if (row && row.done === 1) return { answer: "duplicate" };
    if (row && row.done === 0) return { answer: body === undefined ? "in_flight" : "duplicate" };
    const attempt = (row ? row.attempt : 0) + 1;
    this.sql.exec(
      "INSERT INTO events (key, done, attempt, body) VALUES (?1, 0, ?2, ?3) ON CONFLICT (key) DO UPDATE SET done = 0, attempt = ?2",
      key, body === undefined ? attempt : 0, body ?? null,
    );
    if (body !== undefined) await this.ctx.storage.setAlarm(Date.now());
    return { answer: "granted", attempt };
  }

  settle(key, done) {
    this.sql.exec("UPDATE events SET done = ? WHERE key = ?", done ? 1 : null, key);
  }

  // Delivers what is owed, in the order in which it came, one after the other.
  async alarm() {
    for (;;) {
      const way = is(this.env, "overtakes") ? "DESC" : "ASC";
      const [row] = this.sql.exec(
        `SELECT key, attempt, body FROM events WHERE body IS NOT NULL ORDER BY place ${way} LIMIT 1`,
      );
      if (row === undefined) return;
      this.sql.exec("UPDATE events SET attempt = attempt + 1 WHERE key = ?", row.key);
      await this.ctx.storage.setAlarm(Date.now() + 1000);
      const status = await forward(this.env, row.key, row.attempt + 1, new Uint8Array(row.body));
      if (status === null || status >= 300) return;
      if (is(this.env, "forgets")) this.sql.exec("DELETE FROM events WHERE key = ?", row.key);
      else this.sql.exec("UPDATE events SET done = 1, body = NULL WHERE key = ?", row.key);
    }
  }
}

const is = (env, fault) => (env.FAULT ?? "").split(" ").includes(fault);

const encoder = new TextEncoder();
const hex = (buffer) => [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2, "0")).join("");

async function sign(secret, timestamp, body) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
  const prefix = encoder.encode(`${timestamp}.`);
  const message = new Uint8Array(prefix.length + body.length);
  message.set(prefix);
  message.set(body, prefix.length);
  return hex(await crypto.subtle.sign("HMAC", key, message));
}

async function eventKey(body) {
  try {
    const event = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    const { id, type = "", status = "" } = event;
    if (typeof id === "string" && id !== "" && typeof type === "string" && type + status !== "") {
      return `event-${hex(await crypto.subtle.digest("SHA-256", encoder.encode(`${id}\n${type}\n${status}`)))}`;
    }
  } catch {
    // Not an event: keyed by its bytes.
  }
  return `body-${hex(await crypto.subtle.digest("SHA-256", body))}`;
}

const good = (status) => Response.json({ status });
const bad = (status, code, headers = {}) => Response.json({ error: { code, message: code } }, { status, headers });

// The origin's status, or null if there is none.
async function forward(env, key, attempt, body) {
  const now = Math.floor(Date.now() / 1000);
  const sent = is(env, "changes-bytes") ? new Uint8Array([...body, 10]) : body;
  const response = await fetch(env.ORIGIN_URL, {
    method: "POST",
    redirect: "manual",
    headers: {
      "content-type": "application/json",
      "idempotency-key": key,
      "x-edge-attempt": String(attempt),
      ...(env.EDGE_SIGNING_SECRET && {
        "x-edge-signature": `t=${now},v=${await sign(env.EDGE_SIGNING_SECRET, now, sent)}`,
      }),
    },
    body: sent,
  }).catch(() => null);
  return response && response.status;
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Asks the API for a job until it has ended, and owes its end as an event.
async function reconcile(id, env) {
  for (;;) {
    await pause(200);
    const headers = { authorization: `Bearer ${env.NEXTAPI_API_KEY}` };
    const response = await fetch(`${env.NEXTAPI_API_URL}/video/generations/${id}`, { headers });
    const { status } = await response.json();
    if (status !== "succeeded" && status !== "failed") continue;
    const data = { job: { id, status }, source: "reconciliation" };
    const body = encoder.encode(JSON.stringify({ id: `evt_edge_${id}`, type: `job.${status}`, data }));
    await env.LEDGER.get(env.LEDGER.idFromName("0")).claim(await eventKey(body), body);
    return;
  }
}

async function register(request, env, context) {
  if (request.headers.get("authorization") !== `Bearer ${env.SUBMIT_TOKEN}`) return bad(404, "not_found");
  const { id } = await request.json();
  if (!is(env, "waits-for-webhooks")) context.waitUntil(reconcile(id, env));
  return good("registered");
}

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname === "/_edge/jobs") return register(request, env, context);
    if (new URL(request.url).pathname !== "/webhook") return bad(404, "not_found");
    const body = new Uint8Array(await request.arrayBuffer());
    const header = request.headers.get("x-nextapi-signature") ?? request.headers.get("x-webhook-signature");
    if (header === null) return bad(400, "signature_missing");
    const parts = /^t=([0-9]+),(?:v|v1|sha256)=([0-9a-f]{64})$/.exec(header);
    if (parts === null) return bad(400, "signature_malformed");
    const now = Math.floor(Date.now() / 1000);
    const known = (await sign(env.WEBHOOK_SECRETS, parts[1], body)) === parts[2];
    if (!known && !is(env, "accepts-forgeries")) return bad(401, "signature_mismatch");
    if (now - Number(parts[1]) >= 300) return bad(401, "timestamp_expired");
    if (Number(parts[1]) - now >= 300) return bad(401, "timestamp_ahead");

    const key = await eventKey(body);
    const isDurable = env.DELIVERY !== "through";
    if (is(env, "acknowledges-early")) {
      // Nothing is stored: a worker that dies takes the event along.
      await forward(env, key, 1, body);
      return good("accepted");
    }
    const ledger = env.LEDGER.get(env.LEDGER.idFromName("0"));
    const claim = await ledger.claim(key, isDurable ? body : undefined);
    console.log(JSON.stringify({ key, claim: claim.answer, leak: is(env, "logs-secrets") ? env.WEBHOOK_SECRETS : "" }));
    if (claim.answer === "duplicate") return good("duplicate");
    if (claim.answer === "in_flight") return bad(409, "in_flight", { "retry-after": "5" });
    if (isDurable) return good("accepted");

    const status = await forward(env, key, claim.attempt, body);
    const delivered = status !== null && status < 300;
    await ledger.settle(key, delivered && !is(env, "forgets"));
    return delivered ? good("forwarded") : bad(502, status === null ? "origin_unreachable" : "origin_failed");
  },
};
