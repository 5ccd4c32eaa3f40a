// Sends a body to the origin, or to whoever receives alerts.

import type { Output } from "./border";
import type { Deadlines } from "./deadlines";

/** What the origin has answered, or why there is no answer. */
export type Answer = { status: number; retryAfter: string | undefined } | "timed_out" | "unreachable";

export async function forward(
  { url, headers: fields, deadlineMs }: Omit<Extract<Output, { type: "forward" }>, "type">,
  body: Uint8Array,
  deadlines: Deadlines,
): Promise<Answer> {
  const headers = new Headers();
  for (const [name, value] of fields) {
    try {
      headers.append(name, value);
    } catch {
      // A header that the platform will not send is left out: better than an event that can never be
      // delivered. Ours are all sound; the delivery's are not signed anyway.
    }
  }
  const abort = new AbortController();
  try {
    const init = { method: "POST", headers, body, redirect: "manual", signal: abort.signal } as const;
    const response = await deadlines.within(deadlineMs, fetch(url, init), () => {
      abort.abort();
      return "timed_out" as const;
    });
    if (response === "timed_out") return response;
    // The status has said everything, and a body that nobody reads would hold its connection.
    response.body?.cancel().catch(() => {});
    const { status, headers: answered } = response;
    return { status, retryAfter: answered.get("retry-after") ?? undefined };
  } catch {
    // The text of the error may repeat the URL, and is dropped.
    return "unreachable";
  }
}
