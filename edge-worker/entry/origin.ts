// Sends a body to the origin.

import type { Output } from "./border";

/** The status that the origin answered with, or why there is none. */
export type Answer = number | "timed_out" | "unreachable";

export async function forward(
  { url, headers: fields, deadlineMs }: Extract<Output, { type: "forward" }>,
  body: Uint8Array,
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
  const signal = AbortSignal.timeout(deadlineMs);
  try {
    const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    // The status has said everything, and a body that nobody reads would hold its connection.
    response.body?.cancel().catch(() => {});
    return response.status;
  } catch {
    // The text of the error may repeat the URL, and is dropped.
    return signal.aborted ? "timed_out" : "unreachable";
  }
}
