// Drives a machine: does what each of its outputs says, and tells the instance what came of it.

import type { Edge } from "rust/nextapi_edge.js";
import type { Body, Read } from "./body";
import type { LedgerCall, Output } from "./border";
import type { Deadlines } from "./deadlines";
import { keys } from "./instance";
import { computeMacs } from "./macs";
import { forward } from "./origin";

export type ReadBody = Extract<Output, { type: "read_body" }>;
export type AskWatch = Extract<Output, { type: "ask_watch" }>;
export type EarlyResponse = Extract<Output, { type: "respond_early" }>;
export type LastOutput = Extract<Output, { type: "respond" | "respond_page" | "end" }>;

/** What differs between a request to the worker and an attempt of an object's. */
export interface Host {
  readBody(output: ReadBody, deadlines: Deadlines): Promise<Read>;
  /** The reply to a call of the ledger, or the error in the place of one, as JSON. */
  call(call: LedgerCall, body: Uint8Array, deadlineMs: number, deadlines: Deadlines): Promise<string>;
  /** Whether the client is within its limit, or why nobody can say. */
  checkRateLimit(key: string, deadlineMs: number, deadlines: Deadlines): Promise<boolean | string>;
  /** A page of the watch; rejects if there is none. */
  askWatch(output: AskWatch): Promise<string>;
  respondEarly(output: EarlyResponse): void;
}

/** Drives the machine of this id from its first output to its last. */
export async function drive(
  instance: Edge,
  id: number,
  first: string,
  stored: Uint8Array,
  host: Host,
  deadlines: Deadlines,
): Promise<LastOutput> {
  let body: Body = { bytes: stored, signed: null };
  let output = parse(first);
  for (;;) {
    let next: string;
    switch (output.type) {
      case "read_body": {
        const read = await host.readBody(output, deadlines);
        if (read === "too_large") next = instance.bodyTooLarge(id, Date.now());
        else if (read === "timed_out") next = instance.bodyTimedOut(id, Date.now());
        else if (read === "cut") next = instance.bodyCut(id, Date.now());
        else {
          body = read;
          const { bytes, signed } = body;
          if (signed === null) next = instance.bodyRead(id, bytes, Date.now());
          else next = instance.longBodyRead(id, bytes.byteLength, Date.now());
        }
        break;
      }
      case "compute_macs": {
        const macs = await macsOf(body, output.deadlineMs, deadlines);
        if (typeof macs === "string") next = instance.macsFailed(id, macs, Date.now());
        else next = instance.macsComputed(id, macs, Date.now());
        break;
      }
      case "hand_over_body":
        next = instance.bodyRead(id, body.bytes, Date.now());
        break;
      case "call_ledger": {
        const { calls, deadlineMs } = output;
        const sent = body.bytes;
        const replies = await Promise.all(calls.map((it) => host.call(it, sent, deadlineMs, deadlines)));
        next = instance.ledgerReplied(id, replies.join("\n"), Date.now());
        break;
      }
      case "forward": {
        const answer = await forward(output, body.bytes, deadlines);
        if (answer === "timed_out") next = instance.originTimedOut(id, Date.now());
        else if (answer === "unreachable") next = instance.originUnreachable(id, Date.now());
        else next = instance.originAnswered(id, answer.status, answer.retryAfter, Date.now());
        break;
      }
      case "wait": {
        const { ms } = output;
        await new Promise((resolve) => setTimeout(resolve, ms));
        next = instance.waited(id, Date.now());
        break;
      }
      case "check_rate_limit": {
        const within = await host.checkRateLimit(output.key, output.deadlineMs, deadlines);
        if (typeof within === "string") next = instance.rateLimitFailed(id, within, Date.now());
        else next = instance.rateLimitChecked(id, within, Date.now());
        break;
      }
      case "ask_watch": {
        const page = await pageOf(output, host, deadlines);
        if (page.isSound) next = instance.watchAnswered(id, page.text, Date.now());
        else next = instance.watchFailed(id, page.text, Date.now());
        break;
      }
      case "respond_early":
        host.respondEarly(output);
        next = instance.responded(id, Date.now());
        break;
      default:
        return output;
    }
    output = parse(next);
  }
}

/** The MACs of a long body, or why there are none. */
async function macsOf(
  { signed }: Body,
  deadlineMs: number,
  deadlines: Deadlines,
): Promise<Uint8Array | string> {
  if (signed === null) return "the body is not a long one";
  try {
    const late = () => `no MACs within ${deadlineMs} ms`;
    return await deadlines.within(deadlineMs, computeMacs(keys(), signed), late);
  } catch (error) {
    return message(error);
  }
}

/** A page of the watch, or why there is none. */
async function pageOf(
  output: AskWatch,
  host: Host,
  deadlines: Deadlines,
): Promise<{ isSound: boolean; text: string }> {
  const { deadlineMs } = output;
  try {
    const asked = host.askWatch(output).then((text) => ({ isSound: true, text }));
    const late = () => ({ isSound: false, text: `no answer within ${deadlineMs} ms` });
    return await deadlines.within(deadlineMs, asked, late);
  } catch (error) {
    return { isSound: false, text: message(error) };
  }
}

/** What stands in the place of a reply that did not come. */
export function failed(message: string, { overloaded = false, retryable = false } = {}): string {
  return JSON.stringify({ error: { message, overloaded, retryable } });
}

export function parse(output: string): Output {
  return JSON.parse(output);
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
