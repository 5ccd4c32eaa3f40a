// The peer that most people write: createHmac and timingSafeEqual. In workerd it takes nodejs_compat.

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { isFresh, parseSignatureHeader } from "./signature_header.js";

/** A function from header, body and time to the verdict. */
export function nodeCryptoVerifier(secret) {
  return (header, body, now) => {
    const parsed = parseSignatureHeader(header);
    if (parsed === undefined || !isFresh(parsed.timestamp, now)) return false;
    const hmac = createHmac("sha256", secret).update(`${parsed.timestamp}.`).update(body);
    const mac = hmac.digest();
    return parsed.signatures.some((digits) => timingSafeEqual(mac, Buffer.from(digits, "hex")));
  };
}
