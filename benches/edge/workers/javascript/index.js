// The same job, written by hand in JavaScript as an experienced author would: WebCrypto with a kept key,
// one SQLite object for each shard, called by RPC. It does what the edge worker does with a delivery, and
// leaves the same traces: order, audit trail, counts, log line, trace context. With `DELIVERY=durable` it
// stores the event, answers, forwards after that, and retries from the object's alarm.

import { count, makeAttempt, within } from "./attempt.js";
import { keptHeaders, spanOf, traceparent } from "./headers.js";
import { hex, toHex } from "./hex.js";
import { verify } from "./signature.js";

export { Ledger } from "./ledger.js";

const MAX_BODY_BYTES = 262_144;
const BODY_TIMEOUT_MS = 10_000;
const LEDGER_TIMEOUT_MS = 3_000;
const SHARDS = 16;

const decoder = new TextDecoder();

export default {
  fetch(request, env, context) {
    const answer = deliver(request, env, context);
    context.waitUntil(answer);
    return answer;
  },
};

async function deliver(request, env, context) {
  const began = Date.now();
  const offered = request.headers.get("x-correlation-id") ?? "";
  const correlation = /^[\w.:-]{1,128}$/.test(offered) ? offered : hex(16);
  const trace = traceparent(request.headers.get("traceparent"));
  const record = {
    time: new Date(began).toISOString(),
    correlation_id: correlation,
    ...spanOf(trace),
  };
  let outcome;
  try {
    outcome = await process(request, env, record, correlation, trace, began);
  } catch (error) {
    record.ledger_error = error.message;
    outcome = { status: 503, code: "ledger_unavailable" };
  }
  const { status, code, later } = outcome;
  if (record.settlement === undefined) count(code);
  console.log(JSON.stringify({ ...record, outcome: code, "http.response.status_code": status }));
  // What is stored is owed; the attempt begins when the answer is on its way.
  if (later !== undefined) context.waitUntil(later());
  const body = status < 300 ? { status: code } : { error: { code } };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "x-correlation-id": correlation },
  });
}

async function process(request, env, record, correlation, trace, began) {
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
  record["http.request.body.size"] = body.byteLength;

  const { refusal, age, keyIndex } = await verify(signature, body, env.WEBHOOK_SECRETS);
  const verified = Date.now();
  record.verify_ms = verified - began;
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
  const describe = () => ({
    key: event.key,
    kept: keptHeaders(request.headers, signatureHeader),
    correlation,
    trace,
  });
  const isDurable = env.DELIVERY === "durable";
  const delivery = isDurable ? describe() : undefined;
  const stored = isDurable ? { head: JSON.stringify(delivery), body } : undefined;
  const claim = await within(LEDGER_TIMEOUT_MS, ledger.claim(event, stored));
  record.claim_ms = Date.now() - verified;
  if (claim.state === "done") return { status: 200, code: "duplicate" };
  if (claim.state === "in_flight") return { status: 503, code: "in_flight" };
  if (claim.state === "stored") return { status: 200, code: "accepted" };
  const attempt = () => makeAttempt(env, ledger, delivery ?? describe(), claim, body, record);
  if (!isDurable) return attempt();
  return {
    status: 200,
    code: "accepted",
    later: async () => {
      const { code, status } = await attempt();
      console.log(
        JSON.stringify({ ...record, outcome: code, "http.response.status_code": status }),
      );
    },
  };
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
