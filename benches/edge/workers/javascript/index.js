// The same job, written by hand in JavaScript as an experienced author would: WebCrypto with a kept key,
// one SQLite object for each shard, called by RPC. It does what the edge worker does with a delivery, and
// leaves the same traces: order, audit trail, counts, log line, trace context.

import { verify } from "./signature.js";

export { Ledger } from "./ledger.js";

const MAX_BODY_BYTES = 262_144;
const ORIGIN_TIMEOUT_MS = 7_000;
const BODY_TIMEOUT_MS = 10_000;
const LEDGER_TIMEOUT_MS = 3_000;
const COMMIT_TRIES = 4;
const SHARDS = 16;

const decoder = new TextDecoder();
const counts = new Map();

export default {
  fetch(request, env, context) {
    const answer = deliver(request, env);
    context.waitUntil(answer);
    return answer;
  },
};

async function deliver(request, env) {
  const began = Date.now();
  const offered = request.headers.get("x-correlation-id") ?? "";
  const correlation = /^[\w.:-]{1,128}$/.test(offered) ? offered : hex(16);
  const record = { time: new Date(began).toISOString(), correlation_id: correlation };
  let outcome;
  try {
    outcome = await process(request, env, record, began);
  } catch (error) {
    record.ledger_error = error.message;
    outcome = { status: 503, code: "ledger_unavailable" };
  }
  const { status, code } = outcome;
  if (record.settlement === undefined) count(code);
  console.log(JSON.stringify({ ...record, outcome: code, status }));
  const body = status < 300 ? { status: code } : { error: { code } };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "x-correlation-id": correlation },
  });
}

async function process(request, env, record, began) {
  if (new URL(request.url).pathname !== "/webhook") return { status: 404, code: "not_found" };
  if (request.method !== "POST") return { status: 405, code: "method_not_allowed" };
  const length = Number(request.headers.get("content-length"));
  if (length > MAX_BODY_BYTES) return { status: 413, code: "body_too_large" };
  let signatureHeader = "x-nextapi-signature";
  let signature = request.headers.get(signatureHeader);
  if (signature === null) {
    signatureHeader = "x-webhook-signature";
    signature = request.headers.get(signatureHeader);
  }
  if (signature === null) return { status: 400, code: "signature_missing" };
  const body = new Uint8Array(await within(BODY_TIMEOUT_MS, request.arrayBuffer()));
  if (body.byteLength > MAX_BODY_BYTES) return { status: 413, code: "body_too_large" };
  record.body_bytes = body.byteLength;

  const { refusal, age, keyIndex } = await verify(signature, body, env.WEBHOOK_SECRETS);
  const verified = Date.now();
  record.milliseconds = { verify: verified - began };
  if (refusal !== undefined) {
    record.reason = refusal.reason;
    return refusal;
  }

  const event = await read(body);
  Object.assign(record, {
    event_key: event.key,
    event_id: event.id,
    event_type: event.type,
    job_id: event.job,
    credits: event.credits,
    key_index: keyIndex,
    age_seconds: age,
  });
  const ledger = env.LEDGER.get(env.LEDGER.idFromName(`shard-${shard(event.job ?? event.key)}`));
  const claim = await within(LEDGER_TIMEOUT_MS, ledger.claim(event.key, event.id, event.type, event.job));
  const claimed = Date.now();
  record.milliseconds.claim = claimed - verified;
  if (claim.state === "done") return { status: 200, code: "duplicate" };
  if (claim.state === "in_flight") return { status: 503, code: "in_flight" };

  record.attempt = claim.attempt;
  record.order = claim.order;
  const headers = forwarded(request.headers, signatureHeader, event.key, claim, record);
  const status = await forward(env.ORIGIN_URL, headers, body);
  const answered = Date.now();
  record.origin_status = status;
  record.milliseconds.origin = answered - claimed;
  const isDelivered = status >= 200 && status < 300;
  const outcome = isDelivered ? "forwarded" : "origin_failed";
  count(outcome);
  record.settlement = await settle(ledger, event.key, claim.attempt, outcome);
  record.milliseconds.commit = Date.now() - answered;
  return { status: isDelivered ? 200 : 502, code: outcome };
}

/** The facts of an event, and its name: the hash of id, type and status, or of what has no id. */
async function read(body) {
  let event;
  try {
    event = JSON.parse(decoder.decode(body));
  } catch {
    event = undefined;
  }
  const job = event?.data?.job;
  const id = text(event?.id);
  const type = text(event?.type);
  const status = text(event?.status);
  const named = id !== undefined && (type !== undefined || status !== undefined);
  const digest = await crypto.subtle.digest(
    "SHA-256",
    named ? new TextEncoder().encode(`${id}\n${type ?? ""}\n${status ?? ""}`) : body,
  );
  return {
    key: `${named ? "event" : "body"}-${toHex(new Uint8Array(digest))}`,
    id,
    type: type ?? status,
    job: text(job?.id) ?? text(event?.data?.job_id) ?? text(event?.job_id),
    credits: job?.cost_credits ?? event?.cost_credits,
  };
}

function text(value) {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** FNV-1a. */
function shard(name) {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % SHARDS;
}

/** What goes to the origin: an allow-list, and what is added. */
function forwarded(delivered, signatureHeader, key, claim, record) {
  const headers = new Headers();
  for (const [name, value] of delivered) {
    if (
      name === "content-type" ||
      name === "user-agent" ||
      name === signatureHeader ||
      name.startsWith("x-nextapi-")
    ) {
      headers.append(name, value);
    }
  }
  headers.set("idempotency-key", key);
  headers.set("x-edge-attempt", String(claim.attempt));
  headers.set("x-edge-order", claim.order);
  headers.set("x-correlation-id", record.correlation_id);
  const parent = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(
    delivered.get("traceparent") ?? "",
  );
  headers.set("traceparent", `00-${parent?.[1] ?? hex(16)}-${hex(8)}-${parent?.[2] ?? "01"}`);
  return headers;
}

async function forward(url, headers, body) {
  const signal = AbortSignal.timeout(ORIGIN_TIMEOUT_MS);
  try {
    const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    response.body?.cancel().catch(() => {});
    return response.status;
  } catch {
    return 0;
  }
}

/** Commits or releases; what was counted goes along. */
async function settle(ledger, key, attempt, outcome) {
  const tally = [...counts];
  counts.clear();
  for (let tries = 1; ; tries += 1) {
    try {
      const settled = within(LEDGER_TIMEOUT_MS, ledger.settle(key, attempt, outcome, tally));
      return (await settled) ? "committed" : "commit_refused";
    } catch {
      if (tries === COMMIT_TRIES) {
        for (const [code, times] of tally) count(code, times);
        return "commit_failed";
      }
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** tries * Math.random()));
    }
  }
}

function count(code, times = 1) {
  counts.set(code, (counts.get(code) ?? 0) + times);
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

/** Random hex digits, two for each byte. */
function hex(bytes) {
  return toHex(crypto.getRandomValues(new Uint8Array(bytes)));
}

function toHex(bytes) {
  let digits = "";
  for (const byte of bytes) digits += byte.toString(16).padStart(2, "0");
  return digits;
}
