// The peer: WebCrypto, which is what a worker has without WASM.

import { isFresh, parseSignatureHeader } from "./signature_header.js";

const encoder = new TextEncoder();

/** A promise of a function from header, body and time to a promise of the verdict. */
export async function webCryptoVerifier(secret) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  // Kept, so that no verification pays for it.
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["verify"]);
  return async (header, body, now) => {
    const parsed = parseSignatureHeader(header);
    if (parsed === undefined || !isFresh(parsed.timestamp, now)) return false;
    // WebCrypto takes a message whole, so it has to be put together.
    const front = `${parsed.timestamp}.`;
    const message = new Uint8Array(front.length + body.length);
    encoder.encodeInto(front, message);
    message.set(body, front.length);
    for (const signature of parsed.signatures) {
      if (await crypto.subtle.verify("HMAC", key, bytes(signature), message)) return true;
    }
    return false;
  };
}

/** The bytes that lower-case hexadecimal digits stand for. */
function bytes(digits) {
  const result = new Uint8Array(digits.length / 2);
  for (let at = 0; at < result.length; at++) {
    result[at] = (value(digits.charCodeAt(2 * at)) << 4) | value(digits.charCodeAt(2 * at + 1));
  }
  return result;
}

/** `a` is 97, `0` is 48. */
function value(digit) {
  return digit < 58 ? digit - 48 : digit - 87;
}
