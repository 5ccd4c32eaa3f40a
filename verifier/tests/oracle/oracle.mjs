// The other opinion of tests/oracle.rs: one JSON object a line on standard input, the answer on
// standard output. Written from the documented words, not from the Rust code; it shares no code
// with it, and its HMAC and SHA-256 are those of OpenSSL.
//
// { "delivery": { secrets, header, body, now, past, future } } -> { sample, verdict }
// { "event": body }                                            -> { key } or { excluded: reason }
//
// Bytes come as hexadecimal digits, times as decimal text (they need all 64 bits).

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { createInterface } from "node:readline";

const bytes = (hex) => Buffer.from(hex, "hex");
const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};
const hmac = (secret, timestamp, body) =>
  createHmac("sha256", secret).update(timestamp, "latin1").update(".").update(body).digest("hex");

// --- The provider's sample verifier --------------------------------------------------------------

// What the sample was written for. On anything else it has no say: it does not look at labels, and
// takes `t=05` and `t=+5` as five.
const DOCUMENTED = /^t=(0|[1-9][0-9]*),(v|v1|sha256)=[0-9a-f]{64}$/;

function sampleAccepts(secret, header, body, now) {
  const parts = header.split(",");
  const after = (part) => part.slice(part.indexOf("=") + 1);
  const timestamp = after(parts[0]);
  const signature = after(parts[1]);
  const expected = hmac(secret, timestamp, body);
  const fresh = Math.abs(now - Number(timestamp)) < 300;
  return fresh && timingSafeEqual(Buffer.from(expected), Buffer.from(signature));
}

// It knows one secret, one tolerance, and counts time in doubles, which is exact for every clock
// that is right.
function sample({ secrets, body, now, past, future }, header) {
  if (!DOCUMENTED.test(header) || past !== "300" || future !== "300") return null;
  if (Number(now) > Number.MAX_SAFE_INTEGER) return null;
  return secrets.some((secret) => sampleAccepts(bytes(secret), header, bytes(body), Number(now)));
}

// --- The grammar of the verifier's README --------------------------------------------------------

const MALFORMED = "signature_malformed";

function grammar({ secrets, body, now, past, future }, header) {
  if (header.length > 1024) return MALFORMED;
  const timestamps = [];
  const signatures = [];
  for (const element of header.split(",")) {
    const stripped = element.replace(/^[ \t]+/, "").replace(/[ \t]+$/, "");
    const named = /^(t|v|v1|sha256)=(.*)$/s.exec(stripped);
    if (named === null) continue;
    (named[1] === "t" ? timestamps : signatures).push(named[2]);
  }
  // A signature that is none counts as one of the eight all the same.
  const sound = signatures.filter((signature) => /^[0-9a-f]{64}$/.test(signature));
  if (timestamps.length !== 1 || signatures.length > 8 || sound.length === 0) return MALFORMED;
  const [timestamp] = timestamps;
  if (!/^(0|[1-9][0-9]*)$/.test(timestamp)) return MALFORMED;
  const signedAt = BigInt(timestamp);
  if (signedAt >= 2n ** 64n) return MALFORMED;

  const key = secrets.findIndex((secret) =>
    sound.includes(hmac(bytes(secret), timestamp, bytes(body))),
  );
  if (key < 0) return "signature_mismatch";

  const age = BigInt(now) - signedAt;
  if (age > 0n && age >= BigInt(past)) return `timestamp_expired age=${age}`;
  if (age < 0n && -age >= BigInt(future)) return `timestamp_ahead ahead=${-age}`;
  // At an age of zero the tolerance for the past decides.
  if (age === 0n && past === "0") return "timestamp_expired age=0";
  return `accepted key=${key} age=${age}`;
}

// --- The event key -------------------------------------------------------------------------------

const LIMITS = { id: 128, type: 64, status: 32 };
const MAX_DEPTH = 32;

// Cc is Unicode's class of control characters.
const isIdentifier = (text, limit) => Buffer.byteLength(text) <= limit && !/\p{Cc}/u.test(text);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const depth = (value) =>
  typeof value === "object" && value !== null
    ? 1 + Math.max(0, ...Object.values(value).map(depth))
    : 0;

// JSON.parse lets two things pass that the verifier refuses, and keeps no trace of the second: half
// of a surrogate pair, and a name that occurs twice. Such texts are left out.
function undecided(text) {
  let names = 0;
  let kept = 0;
  let wellFormed = true;
  // A string followed by a colon is a name. Strings are taken whole, so none is found in another.
  for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"[ \t\r\n]*(:)?/gs)) names += colon ? 1 : 0;
  JSON.parse(text, (name, value) => {
    if (isObject(value)) kept += Object.keys(value).length;
    wellFormed &&= name.isWellFormed() && (typeof value !== "string" || value.isWellFormed());
    return value;
  });
  if (!wellFormed) return "half of a surrogate pair";
  return names === kept ? null : "a name twice";
}

function eventKey(body) {
  const ofBody = { key: `body-${sha256(body)}` };
  let text;
  let parsed;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    parsed = JSON.parse(text);
  } catch {
    return ofBody;
  }
  const excluded = undecided(text);
  if (excluded !== null) return { excluded };
  if (!isObject(parsed) || depth(parsed) > MAX_DEPTH) return ofBody;

  // What is missing, null or empty gives no bytes to the hash.
  const identity = { id: "", type: "", status: "" };
  for (const [name, limit] of Object.entries(LIMITS)) {
    const value = Object.hasOwn(parsed, name) ? parsed[name] : null;
    if (value === null) continue; // null is as good as absent
    if (typeof value !== "string" || !isIdentifier(value, limit)) return ofBody;
    identity[name] = value;
  }
  const { id, type, status } = identity;
  if (id === "" || (type === "" && status === "")) return ofBody;
  return { key: `event-${sha256(id, "\n", type, "\n", status)}` };
}

// -------------------------------------------------------------------------------------------------

for await (const line of createInterface({ input: process.stdin })) {
  const { delivery, event } = JSON.parse(line);
  let answer;
  if (delivery !== undefined) {
    const header = bytes(delivery.header).toString("latin1");
    answer = { sample: sample(delivery, header), verdict: grammar(delivery, header) };
  } else {
    answer = eventKey(bytes(event));
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
