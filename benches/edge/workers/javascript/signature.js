// The signature, with WebCrypto.

const TOLERANCE_SECONDS = 300;
const LABELS = new Set(["v", "v1", "sha256"]);

const encoder = new TextEncoder();
let imported;

/** Why a delivery is refused, or its age in seconds and which key holds. */
export async function verify(header, body, secrets) {
  const malformed = (reason) => ({ refusal: { status: 400, code: "signature_malformed", reason } });
  let timestamp;
  const signatures = [];
  for (const element of header.split(",")) {
    const at = element.indexOf("=");
    const label = element.slice(0, at).trim();
    const value = element.slice(at + 1).trim();
    if (label === "t") timestamp ??= value;
    else if (LABELS.has(label)) signatures.push(value);
  }
  if (timestamp === undefined || !/^\d{1,12}$/.test(timestamp)) return malformed("no timestamp");
  if (signatures.length === 0) return malformed("no signature");
  imported ??= Promise.all(secrets.trim().split(/\s+/).map(importKey));
  const keys = await imported;
  const prefix = encoder.encode(`${timestamp}.`);
  const signed = new Uint8Array(prefix.byteLength + body.byteLength);
  signed.set(prefix);
  signed.set(body, prefix.byteLength);
  const keyIndex = await matching(keys, signatures, signed);
  if (keyIndex === undefined) {
    return { refusal: { status: 401, code: "signature_mismatch", reason: "no signature holds" } };
  }
  const age = Math.floor(Date.now() / 1_000) - Number(timestamp);
  if (Math.abs(age) >= TOLERANCE_SECONDS) {
    const code = age > 0 ? "timestamp_expired" : "timestamp_ahead";
    return { refusal: { status: 401, code, reason: `the signature is ${age} s old` } };
  }
  return { age, keyIndex };
}

function importKey(secret) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["verify"]);
}

/** Which key has made one of the signatures. */
async function matching(keys, signatures, signed) {
  for (const signature of signatures) {
    const bytes = fromHex(signature);
    if (bytes === undefined) continue;
    for (const [index, key] of keys.entries()) {
      if (await crypto.subtle.verify("HMAC", key, bytes, signed)) return index;
    }
  }
  return undefined;
}

function fromHex(text) {
  if (!/^[0-9a-f]{64}$/.test(text)) return undefined;
  const bytes = new Uint8Array(32);
  for (let index = 0; index < 32; index += 1) {
    bytes[index] = Number.parseInt(text.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes;
}
