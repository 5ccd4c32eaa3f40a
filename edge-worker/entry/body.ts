// Reads a body into one buffer.

import type { Output } from "./border";
import type { Deadlines } from "./deadlines";

export type Body = { bytes: Uint8Array } | "too_large" | "timed_out" | "cut";

/** The buffer that a body of unknown length is read into first, in bytes; most bodies fit. */
const FIRST_BYTES = 4096;

/** Reads the body, never more of it than one byte over the limit. */
export async function readBody(
  request: Request,
  { limit, length, deadlineMs }: Extract<Output, { type: "read_body" }>,
  deadlines: Deadlines,
): Promise<Body> {
  // The platform keeps a body within the length that was declared, and reads it into one buffer by itself.
  const read = length === null ? readPieces(request.body, limit) : readWhole(request);
  const timedOut = () => "timed_out" as const;
  return deadlines.within(deadlineMs, read, timedOut).catch(() => "cut" as const);
}

async function readWhole(request: Request): Promise<Body> {
  return { bytes: new Uint8Array(await request.arrayBuffer()) };
}

/**
 * Reads a body of unknown length into one buffer, which grows. The pieces that a stream gives are views on
 * buffers of their own, a thousand times as large as a small piece: to keep them would let anybody take
 * a thousand times the limit.
 */
async function readPieces(body: ReadableStream<Uint8Array> | null, limit: number): Promise<Body> {
  if (body === null) return { bytes: new Uint8Array(0) };
  const reader = body.getReader({ mode: "byob" });
  const most = limit + 1;
  let buffer = new Uint8Array(Math.min(FIRST_BYTES, most));
  let filled = 0;
  for (;;) {
    // The buffer is handed over and comes back as another object with the same bytes.
    const { value, done } = await reader.readAtLeast(buffer.byteLength - filled, buffer.subarray(filled));
    if (value !== undefined) {
      filled += value.byteLength;
      buffer = new Uint8Array(value.buffer as ArrayBuffer);
    }
    if (filled === most) {
      // Nobody reads on.
      reader.cancel().catch(() => {});
      return "too_large";
    }
    if (done) return { bytes: buffer.subarray(0, filled) };
    if (filled === buffer.byteLength) {
      const larger = new Uint8Array(Math.min(2 * filled, most));
      larger.set(buffer);
      buffer = larger;
    }
  }
}
