// One job: what it cost, and all that became of its events.

import type { Event, EventPage, JobWithEvents } from "./answers";
import { withQuery } from "./api";
import { EventActs } from "./eventacts";
import { shortSpan } from "./format";
import { Badge, Empty, Facts, Loading, Time, Trouble } from "./parts";
import { usePolled } from "./polled";
import { href } from "./route";
import { Trail } from "./trail";

export function JobScreen({ id }: { id: string }) {
  // No path can name these two: a browser takes them for steps.
  const hasNoPath = id === "." || id === "..";
  const job = usePolled<JobWithEvents>(hasNoPath ? null : `jobs/${encodeURIComponent(id)}`, 3_000);
  // Where jobs are not kept, its events still tell.
  const isUnknown =
    hasNoPath || (job.data === null && (job.problem?.status === 409 || job.problem?.status === 404));
  const alone = usePolled<EventPage>(
    isUnknown ? withQuery("events", { job: id, limit: "100" }) : null,
    3_000,
  );
  const events = job.data?.events ?? (alone.data ? [...alone.data.events].reverse() : null);
  const reload = () => {
    job.reload();
    alone.reload();
  };
  return (
    <>
      <h1>
        <span class="faint">Job</span> {id} {job.data && <Badge state={job.data.status ?? job.data.state} />}
        {job.data?.conflict && <Badge state="conflict" />} <Delivery events={events ?? []} />
      </h1>
      <Trouble problem={isUnknown ? alone.problem : job.problem} at={job.at ?? alone.at} />
      {job.data && <JobFacts job={job.data} />}
      {isUnknown && events !== null && events.length > 0 && (
        <p class="faint">
          {job.problem?.status === 409
            ? "Jobs are not kept by these settings, so no cost and no tenant is known. These are the job's events."
            : "The ledger does not follow this job, but has these events of it."}
        </p>
      )}
      {events === null ? (
        <Loading problem={isUnknown ? alone.problem : job.problem} />
      ) : events.length === 0 ? (
        <Empty>
          {job.data ? (
            <p>
              No event of this job has come yet. It is asked for at the provider's API
              {job.data.next_look ? (
                <>
                  {" "}
                  <Time at={job.data.next_look} inWords />
                </>
              ) : (
                " if NEXTAPI_API_KEY is set"
              )}
              .
            </p>
          ) : (
            <p>
              Nothing is known of this job: no event of it has come, or its retention is over. Check the id,
              or <a href={href("jobs")}>look through all jobs</a>.
            </p>
          )}
        </Empty>
      ) : (
        <section aria-labelledby="timeline">
          <h2 id="timeline">Timeline</h2>
          {job.data?.more_events && <p class="faint">Earlier events are not shown.</p>}
          {events.map((event) => (
            <EventOf key={event.key} event={event} done={reload} />
          ))}
        </section>
      )}
    </>
  );
}

/** Whether the origin has it all: that the job has succeeded says nothing about that. */
function Delivery({ events }: { events: Event[] }) {
  const states = events.map(({ state }) => state);
  if (states.includes("dead")) return <Badge state="not delivered" as="bad" />;
  const isOwed = states.some((state) => ["waiting", "claimed", "open", "reopened"].includes(state));
  return isOwed ? <Badge state="not delivered yet" as="warn" /> : null;
}

function JobFacts({ job }: { job: JobWithEvents }) {
  const end = job.ended ?? null;
  const seconds = end === null ? null : (Date.parse(end) - Date.parse(job.known)) / 1000;
  return (
    <Facts
      facts={[
        ["Cost", job.credits === null ? null : `${job.credits} credits`],
        ["Estimate", job.estimated_credits === null ? null : `${job.estimated_credits} credits`],
        ["Tenant", job.tenant && <a href={href("jobs", null, { tenant: job.tenant })}>{job.tenant}</a>],
        ["Known since", <Time key="known" at={job.known} />],
        ["Ended", end && <Time key="ended" at={end} />],
        ["Took", seconds === null ? null : shortSpan(seconds)],
        ["End told by", job.ended_by],
        ["Deadline", end === null && <Time key="deadline" at={job.deadline} inWords />],
        ["The API shows", job.shown],
        ["API asked next", job.next_look && <Time key="look" at={job.next_look} inWords />],
      ].map(([term, value]) => [term as string, value === false ? null : value])}
    />
  );
}

function EventOf({ event, done }: { event: Event; done: () => void }) {
  return (
    <article class="event">
      <div class="title">
        <h3>
          <a href={href("events", event.key)}>{event.event_type ?? "event without a type"}</a>{" "}
          <Badge state={event.state} />
        </h3>
        <EventActs event={event} done={done} />
      </div>
      <Trail event={event} />
    </article>
  );
}
