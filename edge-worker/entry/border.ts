// What crosses the border between Rust and TypeScript, as JSON. Generated from core/src by
// `make border`; a test holds it against the Rust types.

export type RequestHead = { 
/**
 * The method.
 */
method: string, 
/**
 * The whole URL, in the normal form that the platform gives it.
 */
url: string, 
/**
 * Names in lower case, each once; several values of a name are joined by commas.
 */
headers: Array<[string, string]>, };

export type Output = { "type": "read_body", 
/**
 * The longest body that is accepted, in bytes.
 */
limit: number, 
/**
 * The exact length in bytes, if it was declared; never more than the limit.
 */
length: number | null, 
/**
 * What is signed is this text, followed by the body. A long body should be read to a place behind
 * it: then its MACs are computed without a copy.
 */
prefix: string, 
/**
 * The longest body that is handed over at once, in bytes. Keep a longer one.
 */
handOverLimit: number, 
/**
 * When to give up, in milliseconds from now.
 */
deadlineMs: number, } | { "type": "compute_macs", 
/**
 * When to give up, in milliseconds from now.
 */
deadlineMs: number, } | { "type": "hand_over_body" } | { "type": "call_ledger", 
/**
 * The calls.
 */
calls: Array<LedgerCall>, 
/**
 * When to give up on each, in milliseconds from now.
 */
deadlineMs: number, } | { "type": "forward", 
/**
 * Where it goes.
 */
url: string, 
/**
 * The request's headers.
 */
headers: Array<[string, string]>, 
/**
 * When to give up, in milliseconds from now.
 */
deadlineMs: number, } | { "type": "wait", 
/**
 * How long, in milliseconds.
 */
ms: number, } | { "type": "check_rate_limit", 
/**
 * The client, as the limiter knows it.
 */
key: string, 
/**
 * When to give up, in milliseconds from now.
 */
deadlineMs: number, } | { "type": "ask_watch", 
/**
 * Which one.
 */
page: WatchPage, 
/**
 * When to give up, in milliseconds from now.
 */
deadlineMs: number, } | { "type": "respond_early", 
/**
 * The response.
 */
response: ResponseParts, 
/**
 * A line for the log.
 */
log: string | null, 
/**
 * A point for the dataset.
 */
dataPoint: DataPoint | null, } | { "type": "end", 
/**
 * A line for the log.
 */
log: string | null, 
/**
 * A point for the dataset.
 */
dataPoint: DataPoint | null, } | { "type": "respond_page", 
/**
 * The response's headers, names in lower case.
 */
headers: Array<[string, string]>, } | { "type": "respond", 
/**
 * The response.
 */
response: ResponseParts, 
/**
 * A line for the log.
 */
log: string | null, 
/**
 * A point for the dataset.
 */
dataPoint: DataPoint | null, };

export type LedgerCall = { 
/**
 * Name of the object.
 */
shard: string, 
/**
 * The RPC message.
 */
message: string, 
/**
 * Whether the body goes along.
 */
withBody: boolean, };

export type ResponseParts = { 
/**
 * The HTTP status.
 */
status: number, 
/**
 * The headers, names in lower case.
 */
headers: Array<[string, string]>, 
/**
 * The body.
 */
body: string, };

export type DataPoint = { 
/**
 * The texts, at most 16 KB together. The first one is what points are sampled by as well, when
 * there are too many to keep all.
 */
blobs: [string, string, string, string, string, string, string, string], 
/**
 * The numbers, still as text: to read them is JavaScript's, which has the code for it anyway.
 */
doubles: [string, string, string, string, string, string, string, string, string, string, string, string], };

export type Attempt = { 
/**
 * The event's key.
 */
key: string, 
/**
 * Number of the attempt, counted from 1.
 */
token: number, 
/**
 * Whether a newer event of the job was delivered before.
 */
order: Order, 
/**
 * What the signed body says about the event.
 */
meta: EventMeta, 
/**
 * Headers and names that go along.
 */
head: string, 
/**
 * The replay that it is part of.
 */
replay: string | null, };

export type EventMeta = { 
/**
 * The event's id.
 */
event_id?: string, 
/**
 * The event's type, or the job's status where there is none.
 */
event_type?: string, 
/**
 * The job's id.
 */
job_id?: string, 
/**
 * What the job costs, if jobs are kept: its price in the event of its end, before that an estimate. It
 * stands in the job's row, not in the event's.
 */
credits?: string, 
/**
 * The tenant by the field that `TENANT_FIELD` names, if jobs are kept. It stands in the job's row as well.
 */
tenant?: string, };

export type Order = "in-order" | "late";

export type RoundOutput = { "type": "call_ledger", 
/**
 * The calls.
 */
calls: Array<RoundCall>, 
/**
 * When to give up on each, in milliseconds from now.
 */
deadlineMs: number, } | { "type": "ask_api", 
/**
 * Where.
 */
url: string, 
/**
 * The request's headers. They hold the API key.
 */
headers: Array<[string, string]>, 
/**
 * When to give up, in milliseconds from now.
 */
deadlineMs: number, 
/**
 * The longest body that is read, in bytes.
 */
limit: number, } | { "type": "keep", 
/**
 * What the next round begins with if this one is cut off.
 */
memory: string, } | { "type": "end", 
/**
 * What the next round begins with.
 */
memory: string, 
/**
 * When the next round begins, in milliseconds since 1970; none if there is nothing to do.
 */
alarmMs: number | null, 
/**
 * Lines for the log.
 */
log: Array<string>, };

export type RoundCall = { 
/**
 * Name of the object.
 */
shard: string, 
/**
 * The RPC message.
 */
message: string, 
/**
 * The bytes that go along, as text.
 */
body: string | null, };

export type WatchOutput = { "type": "call_ledger", 
/**
 * The calls.
 */
calls: Array<RoundCall>, 
/**
 * When to give up on each, in milliseconds from now.
 */
deadlineMs: number, } | { "type": "keep", 
/**
 * What the next round begins with if this one is cut off.
 */
memory: string, 
/**
 * Lines for the log, about what is in the memory.
 */
log: Array<string>, } | { "type": "post", 
/**
 * Where it goes. It is a secret.
 */
url: string, 
/**
 * The request's headers.
 */
headers: Array<[string, string]>, 
/**
 * The body.
 */
body: string, 
/**
 * When to give up, in milliseconds from now.
 */
deadlineMs: number, } | { "type": "end", 
/**
 * What the next round begins with.
 */
memory: string, 
/**
 * When the next round begins, in milliseconds since 1970; none if there is nothing to do.
 */
alarmMs: number | null, 
/**
 * Lines for the log.
 */
log: Array<string>, };

export type WatchPage = "history" | "alerts";
