// Outcomes by what they say: where a delivery or an attempt came to.

import type { Counts } from "./answers";

export interface Group {
  name: string;
  /** Its class in the chart. */
  kind: string;
  outcomes: string[];
}

export const GROUPS: Group[] = [
  { name: "taken from the provider", kind: "taken", outcomes: ["accepted", "duplicate", "late_dropped"] },
  { name: "delivered to the origin", kind: "delivered", outcomes: ["forwarded"] },
  {
    name: "origin failed",
    kind: "origin",
    outcomes: ["origin_rejected", "origin_failed", "origin_timeout", "origin_unreachable"],
  },
  {
    name: "refused",
    kind: "refused",
    outcomes: [
      "signature_missing",
      "signature_malformed",
      "signature_mismatch",
      "timestamp_expired",
      "timestamp_ahead",
      "source_refused",
      "rate_limited",
      "token_refused",
      "body_too_large",
      "body_timeout",
      "body_cut",
      "method_not_allowed",
      "not_found",
    ],
  },
  {
    name: "edge could not",
    kind: "edge",
    outcomes: ["ledger_unavailable", "misconfigured", "internal_error", "paused", "in_flight"],
  },
];

const KNOWN = new Set(GROUPS.flatMap((group) => group.outcomes));

/** What is counted beside deliveries and attempts. */
const ASIDE = new Set([
  "query_invalid",
  "request_invalid",
  "jobs_not_kept",
  "replay_refused",
  "still_owed",
  "body_gone",
  "forbidden",
]);

/** How many of each group there are. What no group has is refused. */
export function byGroup(counts: Counts): number[] {
  const numbers = GROUPS.map(({ outcomes }) => outcomes.reduce((sum, name) => sum + (counts[name] ?? 0), 0));
  const refused = GROUPS.findIndex(({ kind }) => kind === "refused");
  for (const [name, times] of Object.entries(counts)) {
    if (KNOWN.has(name) || ASIDE.has(name) || name.startsWith("expired_")) continue;
    numbers[refused] = (numbers[refused] ?? 0) + times;
  }
  return numbers;
}
