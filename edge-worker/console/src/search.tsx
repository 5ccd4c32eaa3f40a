// From an id to its place: an event's key, an event's id, or a job's id.

import { useRef, useState } from "preact/hooks";
import type { EventPage } from "./answers";
import { get, Problem, withQuery } from "./api";
import { go, href } from "./route";

const KEY = /^(event|body)-[0-9a-f]{64}$/;

/** How many pieces are looked through for an id: of each shard half a million rows. */
const MOST_PIECES = 50;

/** The place of what this text names. */
export async function find(text: string): Promise<string> {
  if (KEY.test(text)) return href("events", text);
  // Most ids tell what they are of; another kind is looked for all the same.
  const ways = [ofJob, ofEvent];
  if (text.startsWith("evt")) ways.reverse();
  for (const way of ways) {
    const place = await way(text);
    if (place !== null) return place;
  }
  return href("events", null, { job: text });
}

async function ofJob(id: string): Promise<string | null> {
  try {
    // No path can name these two: a browser takes them for steps.
    if (id !== "." && id !== "..") await get(`jobs/${encodeURIComponent(id)}`);
    if (id !== "." && id !== "..") return href("jobs", id);
  } catch (error) {
    // Where jobs are not kept, or are forgotten, the job's events may still be there.
    if (!(error instanceof Problem) || ![404, 409].includes(error.status)) throw error;
  }
  const { events } = await get<EventPage>(withQuery("events", { job: id, limit: "1" }));
  return events.length > 0 ? href("jobs", id) : null;
}

/** A large ledger is looked through piece by piece. */
async function ofEvent(id: string): Promise<string | null> {
  let cursor: string | undefined;
  for (let piece = 0; piece < MOST_PIECES; piece += 1) {
    const page: EventPage = await get(withQuery("events", { id, limit: "2", cursor }));
    const [only] = page.events;
    if (only !== undefined) {
      return page.events.length === 1 ? href("events", only.key) : href("events", null, { id });
    }
    if (page.cursor === null) return null;
    cursor = page.cursor;
  }
  // The list goes on from there, as far as somebody wants.
  return href("events", null, { id });
}

export function Search() {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);
  const last = useRef(0);
  return (
    <search>
      <form
        class="search"
        onSubmit={async (event) => {
          event.preventDefault();
          const wanted = text.trim();
          if (wanted === "") return;
          // Who asks for something else meanwhile does not want this any more.
          last.current += 1;
          const turn = last.current;
          setProblem(null);
          setAsking(true);
          try {
            const place = await find(wanted);
            if (turn !== last.current) return;
            go(place);
            setText("");
          } catch (error) {
            if (turn !== last.current) return;
            setProblem(error instanceof Error ? error.message : String(error));
          }
          setAsking(false);
        }}
      >
        <label for="search" class="unseen">
          Job id, event id or event key
        </label>
        <input
          id="search"
          placeholder="Job id, event id or key"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit">{isAsking ? "Asking…" : "Find"}</button>
        <div role="alert">{problem && <p class="trouble">{problem}</p>}</div>
      </form>
    </search>
  );
}
