// The headers of the request to the origin: an allow-list, and what is added.

import { hex } from "./hex.js";

/** The delivery's headers that go along, as names and values. */
export function keptHeaders(delivered, signatureHeader) {
  const kept = [];
  for (const [name, value] of delivered) {
    if (
      name === "content-type" ||
      name === "user-agent" ||
      name === signatureHeader ||
      name.startsWith("x-nextapi-")
    ) {
      kept.push([name, value]);
    }
  }
  return kept;
}

/** Continues the delivery's trace, or begins one. */
export function traceparent(delivered) {
  const parent = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(delivered ?? "");
  return `00-${parent?.[1] ?? hex(16)}-${hex(8)}-${parent?.[2] ?? "01"}`;
}

/** The span of a `traceparent`, as log lines name it. */
export function spanOf(trace) {
  const [, trace_id, span_id] = trace.split("-");
  return { trace_id, span_id };
}

export function forwardedHeaders({ key, kept, correlation, trace }, claim) {
  const headers = new Headers();
  for (const [name, value] of kept) headers.append(name, value);
  headers.set("idempotency-key", key);
  headers.set("x-edge-attempt", String(claim.attempt));
  headers.set("x-edge-order", claim.order);
  headers.set("x-correlation-id", correlation);
  headers.set("traceparent", trace);
  return headers;
}
