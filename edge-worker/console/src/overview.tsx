// The first screen: what is wrong, then how it goes.

import { useEffect, useState } from "preact/hooks";
import type { Alerts, History, Status } from "./answers";
import { post } from "./api";
import { Chart } from "./chart";
import { Act } from "./dialog";
import { count, plural, shortSpan, span } from "./format";
import { Money } from "./money";
import { setNow, useNow } from "./now";
import { Empty, Loading, Trouble } from "./parts";
import { type Polled, usePolled } from "./polled";
import { href } from "./route";
import { useMayAct } from "./session";
import { Settings } from "./settings";
import { Shards } from "./shards";
import { Troubles } from "./troubles";

export function Overview() {
  const status = usePolled<Status>("status");
  const alerts = usePolled<Alerts>("alerts", 15_000);
  const { data } = status;
  useEffect(() => {
    if (data !== null) setNow(data.time);
  }, [data]);
  return (
    <>
      <div class="title">
        <h1>Overview</h1>
        {data && <Deliveries status={data} reload={status.reload} />}
      </div>
      <Trouble problem={status.problem} at={status.at} />
      {data === null ? (
        <Loading problem={status.problem} />
      ) : (
        <>
          <Troubles status={data} isCurrent={status.problem === null} alerts={alerts} />
          <Figures status={data} />
          <Outcomes />
          <Money isKept={data.jobs !== null} />
          <Shards shards={data.shards} />
          <Settings version={data.version} settings={data.settings} />
        </>
      )}
    </>
  );
}

/** Holds all events back, or lets them go out again. */
function Deliveries({ status, reload }: { status: Status; reload: () => void }) {
  const mayAct = useMayAct();
  const paused = status.shards.filter((shard) => shard.paused).length;
  const waiting = plural(status.events.waiting ?? 0, "waiting event");
  if (!mayAct) return null;
  return (
    <p class="buttons">
      {paused < status.shards.length && (
        <Act
          act="Pause deliveries"
          title="Hold all events back?"
          run={() => post("pause")}
          done={reload}
          isDangerous
        >
          <p>
            {plural(status.shards.length, "shard")} will make no new attempt: {waiting} and all that come stay
            on disk until somebody resumes. Attempts under way end as usual. With{" "}
            <code>DELIVERY=through</code> the provider is answered 503 meanwhile, and tries again.
          </p>
        </Act>
      )}
      {paused > 0 && (
        <Act
          act="Resume deliveries"
          title="Let events go out again?"
          run={() => post("resume")}
          done={reload}
        >
          <p>
            Deliveries are paused in {paused} of {plural(status.shards.length, "shard")}. {waiting} will go
            out as they are due.
          </p>
        </Act>
      )}
    </p>
  );
}

interface Figure {
  name: string;
  value: string;
  note?: string;
  isBad?: boolean;
  isWarn?: boolean;
  to?: string;
}

function Figures({ status }: { status: Status }) {
  const time = useNow();
  const { events, jobs } = status;
  const oldest = status.shards.flatMap((shard) => shard.oldest_waiting ?? []).sort()[0];
  const most = (number: number) =>
    number >= status.events_counted_up_to ? `${count(number)}+` : count(number);
  const broken = status.shards.filter((shard) => shard.breaker && shard.breaker !== "closed");
  const age = oldest === undefined ? 0 : (time - Date.parse(oldest)) / 1000;
  const figures: Figure[] = [
    {
      name: "waiting",
      value: most(events.waiting ?? 0),
      note: oldest === undefined ? "none is owed" : `oldest for ${span(age)}`,
      isWarn: age > 600,
      to: href("events", null, { state: "waiting" }),
    },
    {
      name: "under way",
      value: most(events.claimed ?? 0),
      to: href("events", null, { state: "claimed" }),
    },
    {
      name: "dead letters",
      value: most(events.dead ?? 0),
      isBad: (events.dead ?? 0) > 0,
      to: href("events", null, { state: "dead" }),
    },
    {
      name: "abandoned",
      value: count(status.abandoned),
      note: "of the open ones: no retry expected",
      isBad: status.abandoned > 0,
      to: href("events", null, { state: "open" }),
    },
    {
      name: "breaker",
      value: broken.length === 0 ? "closed" : "open",
      note:
        broken.length === 0
          ? "events go out"
          : `in ${broken.length} of ${plural(status.shards.length, "shard")}`,
      isBad: broken.length > 0,
    },
    ...(jobs === null
      ? []
      : [
          { name: "open jobs", value: count(jobs.open), to: href("jobs", null, { state: "open" }) },
          {
            name: "overdue jobs",
            value: count(jobs.overdue),
            isBad: jobs.overdue > 0,
            to: href("jobs", null, { state: "overdue" }),
          },
        ]),
  ];
  return (
    <ul class="figures" aria-label="Figures">
      {figures.map(({ name, value, note, isBad, isWarn, to }) => (
        <li key={name} class={isBad ? "bad" : isWarn ? "warn" : ""}>
          {to ? <a href={to}>{name}</a> : <span>{name}</span>}
          <b>{value}</b>
          {note && <small>{note}</small>}
        </li>
      ))}
    </ul>
  );
}

function Outcomes() {
  const history: Polled<History> = usePolled<History>("history", 20_000);
  const [isLong, setLong] = useState(false);
  const { data } = history;
  const samples = (isLong ? data?.long_samples : data?.samples) ?? [];
  const step = (isLong ? data?.long_step_seconds : data?.step_seconds) ?? 60;
  const most = (isLong ? 86_400 : 7_200) / step;
  return (
    <section aria-labelledby="outcomes">
      <div class="title">
        <h2 id="outcomes">Deliveries and attempts by outcome</h2>
        <fieldset class="choice">
          <legend class="unseen">Span of time</legend>
          {[false, true].map((it) => (
            <button key={String(it)} type="button" aria-pressed={it === isLong} onClick={() => setLong(it)}>
              {it ? "24 hours" : "2 hours"}
            </button>
          ))}
        </fieldset>
      </div>
      {history.problem?.status !== 404 && <Trouble problem={history.problem} at={history.at} />}
      {samples.length > 0 ? (
        <Chart samples={samples} step={step} most={most} />
      ) : (
        <Empty>
          {history.problem?.status === 404 ? (
            <p>This edge keeps no history.</p>
          ) : data === null ? (
            <Loading problem={history.problem} />
          ) : (
            <p>There is no sample yet: the edge takes one every {shortSpan(step)}. Look again shortly.</p>
          )}
        </Empty>
      )}
    </section>
  );
}
