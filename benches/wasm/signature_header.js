// The signature header, taken apart, for the verifiers that are written in JavaScript.

const TIMESTAMP = /^(?:0|[1-9][0-9]*)$/;
const MAC = /^[0-9a-f]{64}$/;
const MAX_SIGNATURES = 8;

/** The timestamp as it was signed and the MACs as digits, or undefined if the header is malformed. */
export function parseSignatureHeader(header) {
  let timestamp;
  const signatures = [];
  for (const element of header.split(",")) {
    const at = element.indexOf("=");
    const name = element.slice(0, at).trim();
    const value = element.slice(at + 1).trim();
    if (name === "t") {
      if (timestamp !== undefined || !TIMESTAMP.test(value)) return undefined;
      timestamp = value;
    } else if ((name === "v" || name === "v1" || name === "sha256") && MAC.test(value)) {
      signatures.push(value);
    }
  }
  const { length } = signatures;
  if (timestamp === undefined || length === 0 || length > MAX_SIGNATURES) return undefined;
  return { timestamp, signatures };
}

/** Whether a signature of this timestamp is fresh, by the provider's rule; `now` in seconds. */
export function isFresh(timestamp, now) {
  return Math.abs(now - Number(timestamp)) < 300;
}
