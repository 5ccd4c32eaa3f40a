// Alerts: the rules, and who was told.

import type { Alerts } from "./answers";
import { figure } from "./format";
import { useNow } from "./now";
import { Badge, Empty, Loading, Table, Time, Trouble } from "./parts";
import { usePolled } from "./polled";

/** What needs somebody stands first. */
const ORDER = ["firing", "pending", "quiet"];

/** A watch that has not looked for so long does not work, in milliseconds. */
const LATE_AFTER_MS = 5 * 60_000;

export function AlertsScreen() {
  const { data, problem, at } = usePolled<Alerts>("alerts");
  const isOlder = data === null && problem?.status === 404;
  const rules = [...(data?.rules ?? [])].sort(
    (left, right) => ORDER.indexOf(left.state) - ORDER.indexOf(right.state),
  );
  return (
    <>
      <h1>Alerts</h1>
      {!isOlder && <Trouble problem={problem} at={at} />}
      {isOlder ? (
        <Empty>
          <p>This edge has no alerts: deploy a later version of it.</p>
        </Empty>
      ) : data === null ? (
        <Loading problem={problem} />
      ) : (
        <>
          {!data.is_sent && rules.length > 0 && (
            <p class="trouble">
              Nobody is told: alerts are shown here alone until <code>ALERT_URL</code> is set.
            </p>
          )}
          <Checked at={data.checked_at} />
          {rules.length === 0 ? (
            <Empty>
              <p>
                No rule is set. Set <code>ALERTS</code>, such as{" "}
                <code>{"dead > 0; oldest_waiting > 30m"}</code>, and <code>ALERT_URL</code>, where somebody is
                told.
              </p>
            </Empty>
          ) : (
            <Table name="Rules" head={[["State"], ["Rule"], ["Value", "number"], ["Since"]]}>
              {rules.map(({ rule, state, value, since }) => (
                <tr key={rule}>
                  <td>
                    <Badge state={state} />
                  </td>
                  <td>
                    <code>{rule}</code>
                  </td>
                  <td class="number">{figure(rule, value)}</td>
                  <td>{since ? <Time at={since} /> : "–"}</td>
                </tr>
              ))}
            </Table>
          )}
          {data.notifications.length > 0 && (
            <section aria-labelledby="told">
              <h2 id="told">Notifications</h2>
              <Table
                name="Notifications"
                head={[["At"], ["What"], ["Rule"], ["Sent"], ["Attempts", "number wide"], ["Next", "wide"]]}
              >
                {data.notifications.map(({ rule, kind, at, attempts, next_attempt, fate, status }) => (
                  <tr key={`${rule} ${kind} ${at}`}>
                    <td>
                      <Time at={at} />
                    </td>
                    <td>
                      <Badge state={kind} />
                    </td>
                    <td>
                      <code>{rule}</code>
                    </td>
                    <td>
                      <Badge state={fate} /> {status !== null && <span class="faint">answered {status}</span>}
                    </td>
                    <td class="number wide">{attempts}</td>
                    <td class="wide">{next_attempt ? <Time at={next_attempt} inWords /> : "–"}</td>
                  </tr>
                ))}
              </Table>
            </section>
          )}
        </>
      )}
    </>
  );
}

/** When the rules were looked at last, which is once a minute. */
function Checked({ at }: { at: string | null }) {
  const time = useNow();
  if (at === null) return <p class="faint">Not checked yet.</p>;
  const isLate = time - Date.parse(at) > LATE_AFTER_MS;
  return (
    <p class={isLate ? "trouble" : "faint"}>
      Checked <Time at={at} inWords />.
      {isLate && " The watch stands still, so this is how it was then: see the edge's log."}
    </p>
  );
}
