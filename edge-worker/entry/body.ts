// Reads a body into one buffer.

import type { Output } from "./border";
import { within } from "./deadline";

export type Body = { bytes: Uint8Array } | "too_large" | "timed_out" | "cut";

/** The buffer that a body of unknown length is read into first, in bytes; most bodies fit. */
const FIRST_BYTES = 4096;

/**
 * Reads the body, never more of it than one byte over the limit. Everything is read into one buffer: the
 * pieces that a stream gives are views on buffers of their own, a thousand times as large as a small
 * piece.
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  { limit, length, deadlineMs }: Extract<Output, { type: "read_body" }>,
): Promise<Body> {
  if (body === null || length === 0) return { bytes: new Uint8Array(0) };
  const reader = body.getReader({ mode: "byob" });
  const read = fill(reader, length ?? Math.min(FIRST_BYTES, limit + 1), length ?? limit + 1).catch(
    () => "cut" as const,
  );
  const result = await within(deadlineMs, read, () => "timed_out" as const);
  if (result === "timed_out" || result === "cut") {
    // Nobody reads on. What is still under way ends with an error, which changes nothing any more.
    reader.cancel().catch(() => {});
    return result;
  }
  if (result.byteLength > limit) {
    reader.cancel().catch(() => {});
    return "too_large";
  }
  return { bytes: result };
}

/** Reads until the end, or until `most` bytes are there; the buffer has `size` bytes at first. */
async function fill(reader: ReadableStreamBYOBReader, size: number, most: number): Promise<Uint8Array> {
  let buffer = new Uint8Array(size);
  let filled = 0;
  for (;;) {
    // The buffer is handed over and comes back as another object with the same bytes.
    const space = buffer.byteLength - filled;
    const { value, done } = await reader.readAtLeast(space, buffer.subarray(filled));
    if (value !== undefined) {
      filled += value.byteLength;
      buffer = new Uint8Array(value.buffer as ArrayBuffer);
    }
    if (done || filled === most) return buffer.subarray(0, filled);
    if (filled === buffer.byteLength) {
      const larger = new Uint8Array(Math.min(2 * filled, most));
      larger.set(buffer);
      buffer = larger;
    }
  }
}
