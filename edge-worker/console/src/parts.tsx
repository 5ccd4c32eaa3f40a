// Small pieces that every screen is made of.

import type { ComponentChildren } from "preact";
import type { Problem } from "./api";
import { clock, relative, words } from "./format";
import { now, useNow } from "./now";
import { href } from "./route";

/** A time of day in UTC, and in words how far away it is. */
export function Time({ at, inWords = false }: { at: string; inWords?: boolean }) {
  const time = useNow();
  return (
    <time dateTime={at} title={at}>
      {inWords ? relative(at, time) : clock(at, time)}
    </time>
  );
}

/** What each state and outcome means to who looks: something is wrong, waits, is well, or is over. */
const TONES: Record<string, string> = {
  dead: "bad",
  firing: "bad",
  overdue: "bad",
  conflict: "bad",
  failed: "bad",
  ledger_unavailable: "bad",
  misconfigured: "bad",
  internal_error: "bad",
  open: "warn",
  waiting: "warn",
  paused: "warn",
  pending: "warn",
  ramp: "warn",
  claimed: "info",
  running: "info",
  queued: "info",
  reopened: "info",
  done: "good",
  succeeded: "good",
  closed: "good",
  forwarded: "good",
  resolved: "good",
  sent: "good",
  unsent: "warn",
  ok: "good",
};

export function tone(state: string): string {
  if (state.startsWith("origin_")) return "bad";
  return TONES[state] ?? "plain";
}

/** A state or an outcome: its word, and a mark in its colour. */
export function Badge({ state, as = tone(state) }: { state: string; as?: string }) {
  return <span class={`badge ${as}`}>{words(state)}</span>;
}

/** What failed, while what was shown before stays. */
export function Trouble({ problem, at }: { problem: Problem | null; at?: number | null }) {
  // No span of time: it would be read aloud every second.
  return (
    <div role="status" class="trouble-place">
      {problem && (
        <p class="trouble">
          {problem.message}
          {at ? ` What you see is from ${clock(new Date(at).toISOString(), now())} UTC.` : ""}
        </p>
      )}
    </div>
  );
}

/** What stands where nothing is to be shown: that it is so, and what to do next. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}

export function Loading({ problem }: { problem: Problem | null }) {
  return problem ? null : <p class="loading">Asking the edge…</p>;
}

/** A table that scrolls by itself where it is too wide. */
export function Table({ name, head, children }: { name: string; head: Head[]; children: ComponentChildren }) {
  return (
    <div class="scroll">
      <table aria-label={name}>
        <thead>
          <tr>
            {head.map(([label, kind = ""]) => (
              <th key={label} scope="col" class={kind}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** A column's name, and its class: `number`, or `wide` for what a narrow screen leaves out. */
export type Head = [label: string, kind?: string];

/** Terms and what is said about them. */
export function Facts({ facts }: { facts: [term: string, value: ComponentChildren][] }) {
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== null && value !== undefined && value !== "")
        .map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

export function JobLink({ id }: { id: string | null }) {
  return id ? (
    <a class="id" href={href("jobs", id)}>
      {id}
    </a>
  ) : (
    <span class="faint">no job</span>
  );
}

/** That a list keeps still, and the way back to the one that does not. */
export function Still({ since, top }: { since: number | null; top: () => void }) {
  if (since === null) return null;
  return (
    <p class="faint">
      The list stands still since {clock(new Date(since).toISOString(), now())} UTC: it may show what has
      changed.{" "}
      <button type="button" onClick={top}>
        Update it
      </button>
    </p>
  );
}

/** The way on through a list. */
export function More({ isMore, isLoading, more }: { isMore: boolean; isLoading: boolean; more: () => void }) {
  if (!isMore) return null;
  return (
    <p class="more">
      <button type="button" onClick={more} disabled={isLoading}>
        {isLoading ? "Asking…" : "Show more"}
      </button>
    </p>
  );
}
