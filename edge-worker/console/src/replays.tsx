// Bulk replays: all of them, and the way to a new one.

import type { Replay } from "./answers";
import { count } from "./format";
import { Badge, Empty, Loading, Table, Time, Trouble } from "./parts";
import { NewReplay } from "./plan";
import { usePolled } from "./polled";
import { Progress, selected } from "./replay";
import { href } from "./route";
import { useMayAct } from "./session";

export function ReplaysScreen({ parameters }: { parameters: Record<string, string> }) {
  const mayAct = useMayAct();
  const { data, problem, at } = usePolled<{ replays: Replay[] }>("replays");
  return (
    <>
      <h1>Replays</h1>
      {mayAct && <NewReplay parameters={parameters} />}
      <Trouble problem={problem} at={at} />
      {data === null ? (
        <Loading problem={problem} />
      ) : data.replays.length === 0 ? (
        <Empty>
          <p>
            Nothing was replayed in bulk. When the origin has refused events and is well again, their{" "}
            <a href={href("events", null, { state: "dead" })}>dead letters</a> can be delivered anew from
            here.
          </p>
        </Empty>
      ) : (
        <Table
          name="Bulk replays"
          head={[
            ["Replay"],
            ["State"],
            ["Which events", "wide"],
            ["Progress"],
            ["Started"],
            ["Dead", "number"],
          ]}
        >
          {data.replays.map((replay) => (
            <tr key={replay.id}>
              <td>
                <a class="id" href={href("replays", replay.id)}>
                  {replay.id}
                </a>
              </td>
              <td>
                <Badge state={replay.state} />
              </td>
              <td class="wide">{selected(replay.selection)}</td>
              <td>
                <Progress replay={replay} />
              </td>
              <td>
                <Time at={replay.started} />
              </td>
              <td class={`number ${replay.dead > 0 ? "bad" : ""}`}>{count(replay.dead)}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}
