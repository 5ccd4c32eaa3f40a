// Requests to the edge, and what their failures mean in words.

import { token } from "./token";

/** How long a request may take, in milliseconds. The edge gives up on a shard after 3 s, twice at most. */
const TIMEOUT_MS = 15_000;

/** A request that failed. Its message is a sentence for whoever looks at the page. */
export class Problem extends Error {
  /** `status` is 0 without an answer; `code` is the edge's. */
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
  ) {
    super(message);
  }
}

/** Asks for what stands at a path below `/_edge/`. */
export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return ask("GET", path, undefined, signal);
}

/** Has the edge do something. */
export function post<T>(path: string, body?: object): Promise<T> {
  return ask("POST", path, body);
}

/** A path with those of these parameters that are set. */
export function withQuery(path: string, parameters: Record<string, string | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value) query.set(name, value);
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Called when an answer looks as if the edge did not know the token. */
let doubt: () => void = () => {};

export function onDoubt(called: () => void): void {
  doubt = called;
}

async function ask<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
  const within = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`/_edge/${path}`, {
      method,
      headers: { authorization: `Bearer ${token() ?? ""}` },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal === undefined ? within : AbortSignal.any([signal, within]),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    const late = within.aborted ? `The edge did not answer within ${TIMEOUT_MS / 1000} seconds.` : null;
    const text = late ?? "The edge cannot be reached: is the network up?";
    throw new Problem(method === "GET" ? text : `${text} ${PERHAPS_DONE}`, 0, "unreachable");
  }
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = null;
  }
  if (response.ok && answer !== null) return answer as T;
  const { code = "", message = "" } =
    (answer as { error?: { code?: string; message?: string } } | null)?.error ?? {};
  const isNothing = code === "not_found" && !message.startsWith("The ledger");
  if (path !== "whoami" && (response.status === 401 || (response.status === 404 && isNothing))) doubt();
  const isAct = method !== "GET";
  throw new Problem(sentence(response.status, code, message, isAct), response.status, code);
}

/** An act whose answer was lost may have been done. */
const PERHAPS_DONE = "It may have been done, or a part of it: look before you try again.";

/** What a status means here, and what to do about it. */
function sentence(status: number, code: string, message: string, isAct: boolean): string {
  switch (status) {
    case 401:
      return "The edge does not accept this token: sign out, and give it another one.";
    case 403:
      return message || "This token may not do that: take one of the role `operate`.";
    case 404:
      return code === "not_found" && !message.startsWith("The ledger")
        ? "The edge has nothing here for this token: it was withdrawn, or this edge is older than the page."
        : message;
    case 429:
      return "Too many requests with a wrong token came from your address: wait a minute.";
    case 503:
      if (isAct) return `The ledger did not answer completely. ${PERHAPS_DONE}`;
      return "The ledger did not answer completely, so nothing is shown of what it said. It is asked again.";
    default:
      if (status >= 500)
        return `The edge failed (${status}${code && ` ${code}`}): ${message || "see its log"}${isAct ? ` ${PERHAPS_DONE}` : ""}`;
      return message || `The edge refused this with ${status}.`;
  }
}
