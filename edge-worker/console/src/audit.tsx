// The audit log: who did what.

import type { AuditEntry, AuditPage } from "./answers";
import { words } from "./format";
import { usePages } from "./pages";
import { Badge, Empty, Loading, More, Still, Table, Time, Trouble } from "./parts";
import { href } from "./route";

export function AuditScreen() {
  const pages = usePages<AuditPage, AuditEntry>(
    "audit",
    {},
    ({ entries, cursor }) => ({ rows: entries, cursor }),
    ({ at, by, act, about }) => `${at} ${by} ${act} ${about ?? ""}`,
  );
  const { rows, newer, problem, at, top } = pages;
  return (
    <>
      <h1>Audit log</h1>
      <Trouble problem={problem} at={at} />
      <div role="status">
        {newer > 0 && (
          <p class="newer">
            <button type="button" onClick={top}>
              There are newer entries: show
            </button>
          </p>
        )}
      </div>
      {newer === 0 && <Still since={pages.stillSince} top={top} />}
      {rows === null ? (
        <Loading problem={problem} />
      ) : rows.length === 0 ? (
        <Empty>
          <p>Nobody has done anything yet: replays, pauses and what the reconciler makes will stand here.</p>
        </Empty>
      ) : (
        <>
          <Table
            name="Audit log"
            head={[["At"], ["By"], ["Act"], ["About"], ["Result"], ["Shards", "number wide"]]}
          >
            {rows.map((entry) => (
              <tr key={`${entry.at} ${entry.by} ${entry.act} ${entry.about ?? ""}`}>
                <td>
                  <Time at={entry.at} />
                </td>
                <td>{entry.by}</td>
                <td>{words(entry.act)}</td>
                <td>
                  <About about={entry.about} act={entry.act} />
                </td>
                <td>
                  <Badge state={entry.result} />
                </td>
                <td class="number wide">{entry.shards}</td>
              </tr>
            ))}
          </Table>
          <More {...pages} />
        </>
      )}
    </>
  );
}

function About({ about, act }: { about: string | null; act: string }) {
  if (about === null) return <span class="faint">all events</span>;
  const isEvent = /^(event|body)-[0-9a-f]{64}$/.test(about);
  const screen = isEvent ? "events" : act.endsWith("_replay") ? "replays" : "jobs";
  return (
    <a class="id" href={href(screen, about)}>
      {about}
    </a>
  );
}
