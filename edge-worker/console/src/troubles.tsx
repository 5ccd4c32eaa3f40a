// What is wrong, first of all.

import type { Alerts, Status } from "./answers";
import { figure } from "./format";
import { Time } from "./parts";
import type { Polled } from "./polled";
import { href } from "./route";

/** `isCurrent` says whether `status` is how things stand now. */
export function Troubles({
  status,
  isCurrent,
  alerts,
}: {
  status: Status;
  isCurrent: boolean;
  alerts: Polled<Alerts>;
}) {
  // An edge of before there were alerts has none.
  const isUnknown = alerts.problem !== null && alerts.problem.status !== 404;
  const firing = (alerts.data?.rules ?? []).filter(({ state }) => state === "firing");
  const open = status.shards.filter(({ breaker }) => breaker === "open");
  const [first] = open.flatMap(({ breaker_open_since }) => breaker_open_since ?? []).sort();
  if (firing.length + open.length + status.warnings.length === 0 && !isUnknown) {
    if (!isCurrent) return <p class="faint">Nothing needed you then. How it is now is not known.</p>;
    if (alerts.data === null && alerts.problem === null) return <p class="loading">Asking the edge…</p>;
    return <p class="well">Nothing needs you: no warning, no alert, and every shard answers.</p>;
  }
  return (
    <section class="troubles" aria-labelledby="troubles">
      <h2 id="troubles">What needs you</h2>
      <ul>
        {firing.map(({ rule, since, value }) => (
          <li key={rule}>
            <a href={href("alerts")}>Alert</a> <code>{rule}</code>
            {value !== null && <> is at {figure(rule, value)}</>}
            {since && (
              <>
                , firing since <Time at={since} />
              </>
            )}
          </li>
        ))}
        {isUnknown && (
          <li>
            Whether an <a href={href("alerts")}>alert</a> fires is not known: {alerts.problem?.message}
          </li>
        )}
        {open.length > 0 && (
          <li>
            The origin fails: the breaker holds {open.length} of {status.shards.length} shards
            {first && (
              <>
                , since <Time at={first} />
              </>
            )}
            . Events wait meanwhile, and none is lost.{" "}
            <a href={href("events", null, { state: "waiting" })}>See what waits</a>
          </li>
        )}
        {status.warnings.map((warning) => (
          <li key={warning}>{linked(warning)}</li>
        ))}
      </ul>
    </section>
  );
}

/** A warning names paths of the edge: they lead to the page's own lists. */
function linked(text: string) {
  return text.split(/(\/_edge\/(?:events|jobs)\?state=[a-z]+|\/_edge\/(?:replays|alerts))/).map((part) => {
    const [, list, state] = /^\/_edge\/(events|jobs|replays|alerts)(?:\?state=([a-z]+))?$/.exec(part) ?? [];
    if (list === undefined) return part;
    return (
      <a key={part} href={href(list, null, { state })}>
        {part}
      </a>
    );
  });
}
