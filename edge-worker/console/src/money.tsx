// What jobs cost, by tenant.

import type { Costs, CostsOf } from "./answers";
import { count, shortSpan } from "./format";
import { Empty, type Head, Loading, Table, Trouble } from "./parts";
import { usePolled } from "./polled";
import { href } from "./route";

const HEAD: Head[] = [
  ["Tenant"],
  ["Open", "number"],
  ["Overdue", "number wide"],
  ["Succeeded", "number wide"],
  ["Failed", "number wide"],
  ["Reserved", "number wide"],
  ["Settled", "number"],
  ["Refunded", "number wide"],
  ["Paid, not delivered", "number"],
  ["Cost P50", "number wide"],
  ["Cost P95", "number wide"],
  ["Time P50", "number wide"],
  ["Time P95", "number wide"],
];

export function Money({ isKept }: { isKept: boolean }) {
  const costs = usePolled<Costs>(isKept ? "costs" : null, 20_000);
  const { data } = costs;
  return (
    <section aria-labelledby="money">
      <h2 id="money">Jobs and credits by tenant</h2>
      <Trouble problem={costs.problem} at={costs.at} />
      {!isKept ? (
        <Empty>
          <p>
            Jobs are not kept: set <code>NEXTAPI_API_KEY</code> or <code>SUBMIT_TOKEN</code>, and the edge
            follows each job and adds up what it costs.
          </p>
        </Empty>
      ) : data === null ? (
        <Loading problem={costs.problem} />
      ) : (
        <Table name="Jobs and credits by tenant" head={HEAD}>
          {data.tenants.map((costs) => (
            <Row key={costs.tenant ?? ""} costs={costs} name={tenant(costs)} />
          ))}
          {data.others && <Row costs={data.others} name="all others" />}
          <Row costs={data.total} name="all" isTotal />
        </Table>
      )}
    </section>
  );
}

function tenant({ tenant }: CostsOf) {
  if (tenant === null) return <span class="faint">no tenant</span>;
  return <a href={href("jobs", null, { tenant })}>{tenant}</a>;
}

function Row({
  costs,
  name,
  isTotal = false,
}: {
  costs: CostsOf;
  name: preact.ComponentChildren;
  isTotal?: boolean;
}) {
  const seconds = (number: number | null | undefined) =>
    typeof number === "number" ? shortSpan(number) : "–";
  const owed = costs.paid_not_delivered !== "0";
  return (
    <tr class={isTotal ? "total" : ""}>
      <th scope="row">{name}</th>
      <td class="number">{count(costs.open)}</td>
      <td class={`number wide ${costs.overdue > 0 ? "bad" : ""}`}>{count(costs.overdue)}</td>
      <td class="number wide">{count(costs.succeeded)}</td>
      <td class="number wide">{count(costs.failed)}</td>
      <td class="number wide">{costs.reserved}</td>
      <td class="number">{costs.settled}</td>
      <td class="number wide">{costs.refunded}</td>
      <td class={`number ${owed ? "warn" : ""}`}>{costs.paid_not_delivered}</td>
      <td class="number wide">{costs.p50 ?? "–"}</td>
      <td class="number wide">{costs.p95 ?? "–"}</td>
      <td class="number wide">{seconds(costs.seconds_to_end?.p50)}</td>
      <td class="number wide">{seconds(costs.seconds_to_end?.p95)}</td>
    </tr>
  );
}
