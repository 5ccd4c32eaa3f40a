// The list of jobs.

import type { Job, JobPage } from "./answers";
import { type Field, Filter } from "./filter";
import { plural } from "./format";
import { usePages } from "./pages";
import { Badge, Empty, JobLink, Loading, More, Still, Table, Time, Trouble } from "./parts";
import { href } from "./route";

const FIELDS: Field[] = [
  { name: "state", label: "State", options: ["open", "overdue", "ended", "reconciliation", "conflict"] },
  { name: "tenant", label: "Tenant" },
];

export function JobsScreen({ parameters }: { parameters: Record<string, string> }) {
  const known = Object.fromEntries(FIELDS.map(({ name }) => [name, parameters[name]]));
  const isFiltered = Object.values(known).some(Boolean);
  const pages = usePages<JobPage, Job>(
    "jobs",
    known,
    ({ jobs, cursor }) => ({ rows: jobs, cursor }),
    ({ id }) => id,
  );
  const { rows, newer, problem, at, top } = pages;
  const isNotKept = rows === null && problem?.code === "jobs_not_kept";
  return (
    <>
      <h1>Jobs</h1>
      <Filter screen="jobs" fields={FIELDS} parameters={parameters} />
      {!isNotKept && <Trouble problem={problem} at={at} />}
      <div role="status">
        {newer > 0 && (
          <p class="newer">
            <button type="button" onClick={top}>
              {plural(newer, "newer job")}: show
            </button>
          </p>
        )}
      </div>
      {newer === 0 && <Still since={pages.stillSince} top={top} />}
      {isNotKept ? (
        <Empty>
          <p>
            Jobs are not kept: set <code>NEXTAPI_API_KEY</code>, and the edge asks the provider about jobs
            whose webhook never came; or <code>SUBMIT_TOKEN</code>, and your code registers the jobs that it
            submits.
          </p>
        </Empty>
      ) : rows === null ? (
        <Loading problem={problem} />
      ) : rows.length === 0 && !pages.isMore ? (
        <Empty>
          {isFiltered ? (
            <p>
              No job is like that. <a href={href("jobs")}>Show all jobs</a>.
            </p>
          ) : (
            <p>
              No job is known yet. One appears here with its first event, or when your code registers it with{" "}
              <code>POST /_edge/jobs</code>.
            </p>
          )}
        </Empty>
      ) : (
        <>
          <Table
            name="Jobs"
            head={[
              ["Job"],
              ["State"],
              ["Tenant"],
              ["Cost", "number"],
              ["Estimate", "number wide"],
              ["Known"],
              ["Ended", "wide"],
              ["By", "wide"],
            ]}
          >
            {rows.map((job) => (
              <tr key={job.id}>
                <td>
                  <JobLink id={job.id} />
                </td>
                <td>
                  <Badge state={job.status ?? job.state} /> {job.conflict && <Badge state="conflict" />}
                </td>
                <td>{job.tenant ?? "–"}</td>
                <td class="number">{job.credits ?? "–"}</td>
                <td class="number wide">{job.estimated_credits ?? "–"}</td>
                <td>
                  <Time at={job.known} />
                </td>
                <td class="wide">{job.ended ? <Time at={job.ended} /> : "–"}</td>
                <td class="wide">{job.ended_by ?? "–"}</td>
              </tr>
            ))}
          </Table>
          <More {...pages} />
        </>
      )}
    </>
  );
}
