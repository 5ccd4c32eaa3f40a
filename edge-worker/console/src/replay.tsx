// One bulk replay, and how far it is.

import type { Replay, Selection } from "./answers";
import { post } from "./api";
import { Act } from "./dialog";
import { count, plural } from "./format";
import { Badge, Empty, Facts, Loading, Time, Trouble } from "./parts";
import { usePolled } from "./polled";
import { href } from "./route";
import { useMayAct } from "./session";

/** Which events a replay means, in words. */
export function selected({ state, since, until, job, type }: Selection): string {
  const parts = [state === "dead" ? "dead letters" : state];
  if (type) parts.push(`of type ${type}`);
  if (job) parts.push(`of job ${job}`);
  parts.push(
    since ? `changed from ${minute(since)} to ${minute(until)} UTC` : `changed up to ${minute(until)} UTC`,
  );
  return parts.join(", ");
}

function minute(at: string): string {
  return at.slice(0, 16).replace("T", " ");
}

export function Progress({ replay }: { replay: Replay }) {
  const { events, delivered, dead, skipped } = replay;
  const settled = Math.min(events, delivered + dead + skipped);
  return (
    <span class="progress">
      <progress value={settled} max={Math.max(events, 1)} aria-label={`Progress of ${replay.id}`} />{" "}
      {count(settled)} of {count(events)}
    </span>
  );
}

export function ReplayScreen({ id }: { id: string }) {
  const path = `replays/${encodeURIComponent(id)}`;
  const { data, problem, at, reload } = usePolled<Replay>(path, 1_000);
  const mayAct = useMayAct();
  const isMissing = data === null && problem?.status === 404;
  return (
    <>
      <div class="title">
        <h1>
          <span class="faint">Replay</span> {id} {data && <Badge state={data.state} />}
        </h1>
        {data && mayAct && <ReplayActs replay={data} path={path} done={reload} />}
      </div>
      {isMissing ? (
        <Empty>
          <p>
            The ledger has no such replay. <a href={href("replays")}>See all replays.</a>
          </p>
        </Empty>
      ) : (
        <Trouble problem={problem} at={at} />
      )}
      {data === null ? (
        <Loading problem={problem} />
      ) : (
        <>
          <p>
            <Progress replay={data} /> are settled.
          </p>
          {data.paused.map(({ shard, reason }) => (
            <p key={shard} class="trouble">
              {shard} is paused: {reason}.
            </p>
          ))}
          <Facts
            facts={[
              ["Which events", selected(data.selection)],
              ["Started", <Time key="started" at={data.started} />],
              ["Rate", `at most ${data.rate} a second`],
              ["Released", count(data.released)],
              ["Delivered", count(data.delivered)],
              ["Dead once more", count(data.dead)],
              ["Skipped", count(data.skipped)],
            ]}
          />
        </>
      )}
    </>
  );
}

function ReplayActs({ replay, path, done }: { replay: Replay; path: string; done: () => void }) {
  const { state, events, released, skipped } = replay;
  const left = plural(Math.max(0, events - released - skipped), "event");
  const isOpen = state === "running" || state === "paused";
  if (!isOpen) return null;
  return (
    <p class="buttons">
      {state === "running" && (
        <Act act="Pause" title="Pause this replay?" run={() => post(`${path}/pause`)} done={done}>
          <p>{left} wait until somebody resumes it. What is on its way already is still delivered.</p>
        </Act>
      )}
      {(state === "paused" || replay.paused.length > 0) && (
        <Act act="Resume" title="Go on with this replay?" run={() => post(`${path}/resume`)} done={done}>
          <p>
            {left} go to the origin, at most {replay.rate} a second.
          </p>
        </Act>
      )}
      <Act
        act="Cancel"
        title="Cancel this replay?"
        run={() => post(`${path}/cancel`)}
        done={done}
        isDangerous
      >
        <p>
          {left} stay as they are. What is on its way already is still delivered. A cancelled replay cannot be
          resumed.
        </p>
      </Act>
    </p>
  );
}
