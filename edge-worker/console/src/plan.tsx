// A new bulk replay: which events, how many that are, and the start.

import { useRef, useState } from "preact/hooks";
import type { Plan } from "./answers";
import { post } from "./api";
import { Act } from "./dialog";
import { count, plural, span } from "./format";
import { selected } from "./replay";
import { go, href } from "./route";

const MEANINGS: [state: string, meaning: string][] = [
  ["dead", "dead letters"],
  ["waiting", "waiting: try at once what is due later"],
  ["done", "done: what the origin has, if its bytes are kept"],
];

export function NewReplay({ parameters }: { parameters: Record<string, string> }) {
  const [state, setState] = useState(parameters.state ?? "dead");
  const [type, setType] = useState(parameters.type ?? "");
  const [job, setJob] = useState(parameters.job ?? "");
  const [since, setSince] = useState("");
  const [rate, setRate] = useState("10");
  const [plan, setPlan] = useState<Plan | null>(null);
  // A start whose answer was lost is tried again under the same name, so that there is one.
  const name = useRef("");
  const turn = useRef(0);
  const [problem, setProblem] = useState<string | null>(null);

  const request = () => ({
    state,
    rate: Number(rate),
    ...(type.trim() && { type: type.trim() }),
    ...(job.trim() && { job: job.trim() }),
    ...(since && { since: `${since}:00Z` }),
  });

  const ask = async () => {
    setPlan(null);
    turn.current += 1;
    const mine = turn.current;
    try {
      const plan = await post<Plan>("replays", request());
      // Whoever has changed the form since has not asked for this.
      if (mine !== turn.current) return;
      name.current = newName();
      setPlan(plan);
      setProblem(null);
    } catch (error) {
      if (mine !== turn.current) return;
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };

  /** What was planned, and nothing that has changed since. */
  const start = async ({ selection, rate }: Plan) => {
    const { state, since, until, job, type } = selection;
    const parts = { ...(since && { since }), ...(job && { job }), ...(type && { type }) };
    const named = { id: name.current, start: true };
    const { id } = await post<Plan>("replays", { state, until, rate, ...parts, ...named });
    go(href("replays", id));
  };

  const edited = (set: (text: string) => void) => (event: { currentTarget: { value: string } }) => {
    set(event.currentTarget.value);
    turn.current += 1;
    setPlan(null);
  };

  return (
    <section aria-labelledby="new-replay">
      <h2 id="new-replay">New replay</h2>
      <form
        class="filter"
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <label for="replay-state">
          <span>Events</span>
          <select id="replay-state" value={state} onChange={edited(setState)}>
            {MEANINGS.map(([state, meaning]) => (
              <option key={state} value={state}>
                {meaning}
              </option>
            ))}
          </select>
        </label>
        <label for="replay-type">
          <span>Type</span>
          <input id="replay-type" value={type} onInput={edited(setType)} autocomplete="off" />
        </label>
        <label for="replay-job">
          <span>Job id</span>
          <input id="replay-job" value={job} onInput={edited(setJob)} autocomplete="off" />
        </label>
        <label for="replay-since">
          <span>Changed from (UTC)</span>
          <input id="replay-since" type="datetime-local" value={since} onInput={edited(setSince)} />
        </label>
        <label for="replay-rate">
          <span>Events a second</span>
          <input id="replay-rate" type="number" min="1" max="1000" value={rate} onInput={edited(setRate)} />
        </label>
        <p class="buttons">
          <button type="submit">Count them</button>
        </p>
      </form>
      <div role="status">
        {problem && <p class="trouble">{problem}</p>}
        {plan && <Planned plan={plan} start={() => start(plan)} />}
      </div>
    </section>
  );
}

/** A name that no other replay has. */
function newName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function Planned({ plan, start }: { plan: Plan; start: () => Promise<void> }) {
  const { events, without_bytes, rate, selection } = plan;
  const isCut = events >= plan.events_counted_up_to;
  return (
    <div class="planned">
      <p>
        <b>
          {plural(events, "event")}
          {isCut && " or more"}
        </b>{" "}
        would be delivered anew ({selected(selection)}).
        {without_bytes > 0 && ` ${count(without_bytes)} more cannot be: their bytes are gone.`}
      </p>
      {events > 0 && (
        <Act
          act="Start the replay"
          title={`Deliver ${plural(events, "event")}${isCut ? " or more" : ""} anew?`}
          run={start}
          done={() => {}}
        >
          <p>
            {plural(events, "event")}
            {isCut && " or more"} ({selected(selection)}) go to the origin, at most {rate} a second: about{" "}
            {span(Math.max(1, events / rate))}. Each has the same <code>Idempotency-Key</code> as before. It
            can be paused and cancelled, and pauses by itself after five failures in a row.
          </p>
        </Act>
      )}
    </div>
  );
}
