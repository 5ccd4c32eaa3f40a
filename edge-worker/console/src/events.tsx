// The list of events.

import type { Event, EventPage } from "./answers";
import { type Field, Filter } from "./filter";
import { plural, shortKey } from "./format";
import { GROUPS } from "./groups";
import { usePages } from "./pages";
import { Badge, Empty, JobLink, Loading, More, Still, Table, Time, Trouble } from "./parts";
import { href } from "./route";

export const STATES = ["claimed", "waiting", "dead", "open", "done", "dropped", "reopened"];
export const TYPES = ["job.queued", "job.running", "job.succeeded", "job.failed"];

const FIELDS: Field[] = [
  { name: "state", label: "State", options: STATES },
  { name: "type", label: "Type", hints: TYPES },
  { name: "job", label: "Job id" },
  { name: "tenant", label: "Tenant" },
  { name: "outcome", label: "Last outcome", hints: GROUPS.flatMap(({ outcomes }) => outcomes) },
  { name: "id", label: "Event id" },
  { name: "since", label: "Changed from (UTC)", isTime: true },
  { name: "until", label: "Changed before (UTC)", isTime: true },
];

export function EventsScreen({ parameters }: { parameters: Record<string, string> }) {
  const known = Object.fromEntries(FIELDS.map(({ name }) => [name, parameters[name]]));
  const isFiltered = Object.values(known).some(Boolean);
  const pages = usePages<EventPage, Event>(
    "events",
    known,
    ({ events, cursor }) => ({ rows: events, cursor }),
    ({ key }) => key,
  );
  const { rows, newer, problem, at, top } = pages;
  return (
    <>
      <h1>Events</h1>
      <Filter screen="events" fields={FIELDS} parameters={parameters} />
      <Trouble problem={problem} at={at} />
      <div role="status">
        {newer > 0 && (
          <p class="newer">
            <button type="button" onClick={top}>
              {plural(newer, "event")} changed meanwhile: show
            </button>
          </p>
        )}
      </div>
      {newer === 0 && <Still since={pages.stillSince} top={top} />}
      {rows === null ? (
        <Loading problem={problem} />
      ) : rows.length === 0 && !pages.isMore ? (
        <Empty>
          {isFiltered ? (
            <p>
              No event is like that. Take away a part of the filter, or{" "}
              <a href={href("events")}>show all events</a>.
            </p>
          ) : (
            <p>
              No event has come yet. Enter this edge's webhook address at the provider, then submit a job: its
              first event appears here by itself.
            </p>
          )}
        </Empty>
      ) : (
        <>
          {rows.length === 0 ? (
            <Empty>
              <p>No event is like that among those looked at so far: a rare one may be further back.</p>
            </Empty>
          ) : (
            <EventTable events={rows} />
          )}
          <More {...pages} />
        </>
      )}
    </>
  );
}

export function EventTable({ events }: { events: Event[] }) {
  return (
    <Table
      name="Events"
      head={[
        ["State"],
        ["Type"],
        ["Job"],
        ["Last outcome", "wide"],
        ["Attempts", "number wide"],
        ["Next", "wide"],
        ["Changed"],
        ["Key", "wide"],
      ]}
    >
      {events.map((event) => (
        <tr key={event.key}>
          <td>
            <Badge state={event.state} />
          </td>
          <td>
            <a href={href("events", event.key)}>{event.event_type ?? "no type"}</a>
          </td>
          <td>
            <JobLink id={event.job_id} />
          </td>
          <td class="wide">{event.last_outcome ? <Badge state={event.last_outcome} /> : "–"}</td>
          <td class="number wide">{event.attempts}</td>
          <td class="wide">{event.next_attempt ? <Time at={event.next_attempt} inWords /> : "–"}</td>
          <td>
            <Time at={event.last} />
          </td>
          <td class="wide">
            <code title={event.key}>{shortKey(event.key)}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}
