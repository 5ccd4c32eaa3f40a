// Reads a body into one buffer.

import type { Output } from "./border";
import type { Deadlines } from "./deadlines";

/** A body; and if it is long, what is signed: prefix and body, in the buffer that the body is in. */
export interface Body {
  bytes: Uint8Array;
  signed: Uint8Array | null;
}

/** What came of reading a body. */
export type Read = Body | "too_large" | "timed_out" | "cut";

/** Room for a body of unknown length at first, in bytes; most bodies fit. */
const FIRST_BYTES = 4096;

/**
 * The most that is read at a time, in bytes. The platform holds a buffer that is read into until the read is
 * over or its remains are collected, and the collector does not know how large it is.
 */
const PIECE_BYTES = 65_536;

/** Reads the body, never more of it than one byte over the limit. */
export async function readBody(
  request: Request,
  output: Extract<Output, { type: "read_body" }>,
  deadlines: Deadlines,
): Promise<Read> {
  const { length, handOverLimit, deadlineMs } = output;
  // The platform keeps a body within the length that was declared, and reads a short one faster by itself.
  const isShort = length !== null && length <= handOverLimit;
  const reader = isShort ? undefined : request.body?.getReader({ mode: "byob" });
  const read = reader === undefined ? readWhole(request) : readPieces(reader, output);
  const timedOut = () => "timed_out" as const;
  return deadlines.within(deadlineMs, read, timedOut).catch(() => "cut" as const);
}

async function readWhole(request: Request): Promise<Body> {
  return { bytes: new Uint8Array(await request.arrayBuffer()), signed: null };
}

/**
 * Reads a body into one buffer, which grows. The pieces that a stream gives are views on buffers of their
 * own, a thousand times as large as a small piece: to keep them would let anybody take a thousand times the
 * limit.
 */
async function readPieces(
  reader: ReadableStreamBYOBReader,
  { limit, length, prefix, handOverLimit }: Extract<Output, { type: "read_body" }>,
): Promise<Body | "too_large"> {
  const start = prefix.length;
  // With room for one byte more than there should be, the end is seen without another read.
  const most = start + (length ?? limit) + 1;
  const room = Math.min(start + Math.min(length ?? FIRST_BYTES, PIECE_BYTES) + 1, most);
  let buffer = new Uint8Array(room);
  new TextEncoder().encodeInto(prefix, buffer);
  // Most bodies are read in one piece, to where they stay. The buffer comes back as another object.
  const first = await read(reader, buffer.subarray(start));
  buffer = new Uint8Array(first.buffer as ArrayBuffer);
  let filled = start + first.byteLength;
  let isWhole = filled < room;
  while (!isWhole && filled < most) {
    const asked = Math.min(PIECE_BYTES, most - filled);
    const piece = await read(reader, new Uint8Array(asked));
    isWhole = piece.byteLength < asked;
    if (filled + piece.byteLength > buffer.byteLength) {
      const larger = new Uint8Array(Math.min(2 * buffer.byteLength + PIECE_BYTES, most));
      larger.set(buffer);
      buffer = larger;
    }
    buffer.set(piece, filled);
    filled += piece.byteLength;
  }
  if (!isWhole) {
    // Nobody reads on.
    reader.cancel().catch(() => {});
    return "too_large";
  }
  const isLong = filled - start > handOverLimit;
  return { bytes: buffer.subarray(start, filled), signed: isLong ? buffer.subarray(0, filled) : null };
}

/** Fills a buffer; fewer bytes are the last ones. */
async function read(reader: ReadableStreamBYOBReader, into: Uint8Array): Promise<Uint8Array> {
  const { value } = await reader.readAtLeast(into.byteLength, into);
  return value ?? new Uint8Array(0);
}
