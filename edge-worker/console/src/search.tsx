// From an id to its place: an event's key, an event's id, or a job's id.

import { useState } from "preact/hooks";
import type { EventPage } from "./answers";
import { get, Problem, withQuery } from "./api";
import { go, href } from "./route";

const KEY = /^(event|body)-[0-9a-f]{64}$/;

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
    await get(`jobs/${encodeURIComponent(id)}`);
    return href("jobs", id);
  } catch (error) {
    // Where jobs are not kept, or are forgotten, the job's events may still be there.
    if (!(error instanceof Problem) || ![404, 409].includes(error.status)) throw error;
  }
  const { events } = await get<EventPage>(withQuery("events", { job: id, limit: "1" }));
  return events.length > 0 ? href("jobs", id) : null;
}

async function ofEvent(id: string): Promise<string | null> {
  const { events } = await get<EventPage>(withQuery("events", { id, limit: "2" }));
  const [only] = events;
  if (only === undefined) return null;
  return events.length === 1 ? href("events", only.key) : href("events", null, { id });
}

export function Search() {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <search>
      <form
        class="search"
        onSubmit={async (event) => {
          event.preventDefault();
          const wanted = text.trim();
          if (wanted === "") return;
          try {
            setProblem(null);
            go(await find(wanted));
            setText("");
          } catch (error) {
            setProblem(error instanceof Error ? error.message : String(error));
          }
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
        <button type="submit">Find</button>
        <div role="alert">{problem && <p class="trouble">{problem}</p>}</div>
      </form>
    </search>
  );
}
