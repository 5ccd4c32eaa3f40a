// The ledger's objects.

import type { Shard } from "./answers";
import { count } from "./format";
import { Badge, Table, Time } from "./parts";

export function Shards({ shards }: { shards: Shard[] }) {
  const isStill = (shard: Shard) => !shard.error && !shard.paused && shard.breaker === "closed";
  const unwell = shards.filter((shard) => !isStill(shard)).length;
  return (
    <details class="more-about" open={unwell > 0}>
      <summary>
        <h2>Shards</h2>{" "}
        <span class="faint">
          {unwell === 0 ? `all ${shards.length} are well` : `${unwell} of ${shards.length} are not well`}
        </span>
      </summary>
      <Table
        name="Shards"
        head={[
          ["Shard"],
          ["State"],
          ["Waiting", "number"],
          ["Oldest", "wide"],
          ["Dead", "number"],
          ["KiB", "number wide"],
        ]}
      >
        {shards.map((shard) => (
          <tr key={shard.shard}>
            <th scope="row">{shard.shard}</th>
            <td>
              {shard.error ? (
                <span class="trouble">{shard.error}</span>
              ) : (
                <>
                  {shard.paused && <Badge state="paused" />}{" "}
                  <Badge
                    state={`breaker ${shard.breaker ?? "unknown"}`}
                    as={shard.breaker === "closed" ? "good" : "bad"}
                  />
                </>
              )}
            </td>
            <td class="number">{count(shard.events?.waiting ?? 0)}</td>
            <td class="wide">{shard.oldest_waiting ? <Time at={shard.oldest_waiting} inWords /> : "–"}</td>
            <td class="number">{count(shard.events?.dead ?? 0)}</td>
            <td class="number wide">{count(Math.round((shard.bytes ?? 0) / 1024))}</td>
          </tr>
        ))}
      </Table>
    </details>
  );
}
