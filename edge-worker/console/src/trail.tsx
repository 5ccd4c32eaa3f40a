// What became of an event, step by step: deliveries, attempts, and what somebody did.

import type { Event, Step } from "./answers";
import { shortSpan, words } from "./format";
import { useNow } from "./now";
import { Badge, Time } from "./parts";

/** An attempt begins within so many milliseconds of its time, if nothing holds it back. */
const HELD_AFTER_MS = 5_000;

export function Trail({ event }: { event: Event }) {
  const { trail = [], next_attempt, lease_end, state } = event;
  return (
    <ol class="trail">
      {trail.length === 0 && <WithoutTrail event={event} />}
      {trail.map((step, index) => (
        <li key={`${step.at}${index}`}>
          <Waited from={trail[index - 1]} to={step} />
          <Time at={step.at} />
          <span class="what">
            {step.act}
            {step.attempt !== null && ` ${step.attempt}`}
          </span>
          {step.outcome && <Badge state={step.outcome} />}
          {step.origin_status !== null && <span>origin answered {step.origin_status}</span>}
          {step.correlation_id && (
            <span class="faint">
              correlation id <code>{step.correlation_id}</code>
            </span>
          )}
        </li>
      ))}
      {state === "claimed" && lease_end && (
        <li class="next">
          <Badge state="claimed" /> an attempt is under way; it counts as lost <Time at={lease_end} inWords />
        </li>
      )}
      {state === "waiting" && (
        <li class="next">
          <Badge state="waiting" />{" "}
          {next_attempt ? <NextTry at={next_attempt} /> : "behind an earlier event of its job"}
        </li>
      )}
    </ol>
  );
}

/** What is due and does not go out is held back. */
function NextTry({ at }: { at: string }) {
  const isHeld = useNow() - Date.parse(at) > HELD_AFTER_MS;
  return (
    <>
      {isHeld ? "was due" : "next try"} <Time at={at} inWords />
      {isHeld && ": held back while deliveries are paused, the breaker is open, or others go first"}
    </>
  );
}

/** How long it was until a step, if that is long enough to matter. */
function Waited({ from, to }: { from: Step | undefined; to: Step }) {
  if (from === undefined) return null;
  const seconds = (Date.parse(to.at) - Date.parse(from.at)) / 1000;
  return seconds >= 1 ? <span class="waited">after {shortSpan(seconds)}</span> : null;
}

/** An event from before trails were kept: its first and its last step. */
function WithoutTrail({ event }: { event: Event }) {
  return (
    <>
      <li>
        <Time at={event.first} />
        <span class="what">first delivery</span>
      </li>
      <li>
        <Time at={event.last} />
        <span class="what">
          last change, {event.attempts} {event.attempts === 1 ? "attempt" : "attempts"}
        </span>
        {event.last_outcome && <Badge state={event.last_outcome} />}
        <span class="faint">{words(event.state)}</span>
      </li>
    </>
  );
}
