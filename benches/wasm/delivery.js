// What is verified. Signed here with node's crypto, by none of the code that is measured except that
// the peer over node:crypto calls the same function.

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";

export const SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/** Bytes. The provider's events have a few hundred; the last is the longest that the edge takes. */
export const SIZES = [64, 512, 4 * 1024, 64 * 1024, 256 * 1024];

const SIGNED_AT = 1_700_000_000;
const [FRONT, BACK] = ['{"id":"evt_1","type":"job.succeeded","prompt":"', '"}'];

/** A delivery that is in order, with a body of so many bytes. */
export function delivery(size) {
  const body = Buffer.from(FRONT + "x".repeat(size - FRONT.length - BACK.length) + BACK);
  const header = `t=${SIGNED_AT},v=${mac(body)}`;
  return { what: "in order", header, body, now: SIGNED_AT + 10, expected: true };
}

/** The deliveries that every subject has to judge rightly before it is measured. */
export function probes(size) {
  const good = delivery(size);
  const { header, body, now } = good;
  const forged = header.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
  const changed = Buffer.from(body);
  changed[size - 1] = 0x20;
  return [
    good,
    { what: "the second signature holds", header: `${forged},v=${mac(body)}`, body, now, expected: true },
    { what: "the last byte was changed", header, body: changed, now, expected: false },
    { what: "a wrong signature", header: forged, body, now, expected: false },
    { what: "signed too long ago", header, body, now: SIGNED_AT + 300, expected: false },
    { what: "signed too far ahead", header, body, now: SIGNED_AT - 300, expected: false },
  ];
}

function mac(body) {
  return createHmac("sha256", SECRET).update(`${SIGNED_AT}.`).update(body).digest("hex");
}
