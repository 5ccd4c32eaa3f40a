// One event.

import type { Event } from "./answers";
import { EventActs } from "./eventacts";
import { Badge, Empty, Facts, JobLink, Loading, Time, Trouble } from "./parts";
import { usePolled } from "./polled";
import { href } from "./route";
import { Trail } from "./trail";

export function EventScreen({ id }: { id: string }) {
  const { data, problem, at, reload } = usePolled<Event>(`events/${encodeURIComponent(id)}`, 3_000);
  const isMissing = data === null && problem?.status === 404;
  return (
    <>
      <div class="title">
        <h1>
          <span class="faint">Event</span> {data?.event_type ?? ""} {data && <Badge state={data.state} />}
        </h1>
        {data && <EventActs event={data} done={reload} />}
      </div>
      {isMissing ? (
        <Empty>
          <p>
            The ledger has no event of this key: it was never here, or its retention is over.{" "}
            <a href={href("events")}>Look through all events</a>, or search by the job's id.
          </p>
        </Empty>
      ) : (
        <Trouble problem={problem} at={at} />
      )}
      {data === null ? (
        <Loading problem={problem} />
      ) : (
        <>
          <Facts
            facts={[
              ["Key", <code key="key">{data.key}</code>],
              ["Event id", data.event_id && <code key="id">{data.event_id}</code>],
              ["Job", <JobLink key="job" id={data.job_id} />],
              ["Attempts", data.attempts],
              ["First seen", <Time key="first" at={data.first} />],
              ["Changed", <Time key="last" at={data.last} />],
              ["Last outcome", data.last_outcome && <Badge key="outcome" state={data.last_outcome} />],
            ]}
          />
          <section aria-labelledby="trail">
            <h2 id="trail">What became of it</h2>
            <Trail event={data} />
          </section>
        </>
      )}
    </>
  );
}
