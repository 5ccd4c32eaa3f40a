//! What `--help` says about jobs beyond the options.

pub(super) const JOB: &str = "\
Submits jobs to NextAPI, looks at them, and waits for their end.

A submission is noted in a journal on this machine, and synced to the disk, before each request. If \
the process is killed or an answer is lost, the same command goes on with the same bytes under the \
same idempotency key, so that there is one job and one bill. When nobody can say what became of it, \
it says so.

The API key comes from the environment variable NEXTAPI_API_KEY or from a file, never from an \
argument.";

pub(super) const AFTER_JOB: &str = "\
Examples:
  nextapi-hook job submit --name order-7 --file order.json --wait
  nextapi-hook job get job_1
  nextapi-hook job list --limit 5
  nextapi-hook job wait --name order-7

Environment:
  NEXTAPI_API_KEY  the API key, unless --api-key-file is given
  SUBMIT_TOKEN     of submit --register: the edge's token, unless --submit-token-file is given
  XDG_STATE_HOME   where the journal is, in nextapi-hook/jobs; without it in ~/.local/state

Exit status:
  0  done: submitted, listed, or the job has succeeded
  1  the job has failed, or was refused
  2  wrong usage, an invalid request, or something needed is missing; nothing was sent
  3  not over yet: the same command can be run again
  4  blocked: the API key, the credits or the job need somebody to act
  5  outcome unknown: there may be a job

`nextapi-hook job COMMAND --help` has the options.";

pub(super) const JOB_SUBMIT: &str = "\
Submits a job once, and prints its id.

The same --name, --take, --namespace and environment are the same job. If it was submitted before, its id \
is printed and nothing is sent; if it was sent and the answer is missing, it is sent again with the \
same bytes and key, within 23 hours of the first time and under the same API key only. Another \
request under the same name is refused, unless nothing was done under it. Without --name, the same \
request is the same job.

The journal is in --journal DIR, or in nextapi-hook/jobs in $XDG_STATE_HOME or ~/.local/state: one \
file of mode 0600 for each job, on the disk before each request. If it cannot be written, nothing is \
sent; after a first request the outcome is unknown then. The request is deleted from it when the job is accepted or refused, else by the first \
submission after 24 hours. The files themselves stay: who deletes one forgets that job.

What the provider says in words is not shown, as it may repeat the prompt.";

pub(super) const AFTER_JOB_SUBMIT: &str = "\
Examples:
  nextapi-hook job submit --name order-7 --file order.json
  nextapi-hook job submit --name order-7 --take 2 --file order.json --wait --json
  nextapi-hook job submit --prompt fox --duration 6 --resolution 1080p --environment live
  nextapi-hook job submit --file - --register https://edge.example.com --tenant acme < order.json

Environment:
  NEXTAPI_API_KEY  the API key, unless --api-key-file is given
  SUBMIT_TOKEN     the token for --register, unless --submit-token-file is given
  XDG_STATE_HOME   where the journal is, in nextapi-hook/jobs; without it in ~/.local/state

Exit status:
  0  submitted; with --wait: succeeded
  1  refused, and nothing was done; with --wait also: failed
  2  wrong usage, an invalid request, or the journal cannot be read or written; nothing was sent
  3  not over yet, not taken yet, not registered yet, or somebody else is submitting it
  4  blocked: the API key or the credits; nothing was done
  5  outcome unknown: there may be a job";

pub(super) const JOB_GET: &str = "\
Looks at a job once, and prints it.

The video's URL may hold a signature: whoever has it can read the video.";

pub(super) const AFTER_JOB_GET: &str = "\
Examples:
  nextapi-hook job get job_1
  nextapi-hook job get job_1 --json | jq .status

Environment:
  NEXTAPI_API_KEY  the API key, unless --api-key-file is given

Exit status:
  0  the job has succeeded
  1  the job has failed, or there is none of this id
  2  wrong usage, or no API key
  3  not over yet, or the provider cannot answer now
  4  blocked: the API key";

pub(super) const JOB_LIST: &str = "\
Lists the jobs of an environment, newest first, a page at a time.";

pub(super) const AFTER_JOB_LIST: &str = "\
Examples:
  nextapi-hook job list
  nextapi-hook job list --limit 100 --offset 100 --json | jq -r .jobs[].id

Environment:
  NEXTAPI_API_KEY  the API key, unless --api-key-file is given

Exit status:
  0  listed
  1  refused
  2  wrong usage, or no API key
  3  the provider cannot answer now
  4  blocked: the API key";

pub(super) const JOB_WAIT: &str = "\
Prints the id of a job, waits for its end, and prints the job.

A job is named by its id, or by the --name that it was submitted under: then the journal knows the \
id, and a submission that was cut goes on first. On a terminal there is a progress bar; with --json a \
line for each change.

Ctrl-C ends the waiting, not the job, and prints how to wait again.";

pub(super) const AFTER_JOB_WAIT: &str = "\
Examples:
  nextapi-hook job wait job_1
  nextapi-hook job wait --name order-7 --timeout 10m --json

Environment:
  NEXTAPI_API_KEY  the API key, unless --api-key-file is given
  XDG_STATE_HOME   where the journal is, in nextapi-hook/jobs; without it in ~/.local/state

Exit status:
  0  the job has succeeded
  1  the job has failed, was refused, or there is none of this id
  2  wrong usage, no API key, or the journal knows no such name
  3  not over yet, or the provider cannot be asked: after --timeout, Ctrl-C or SIGTERM; or somebody else is
     submitting it
  4  blocked: the API key, or the job does not change, or has a status that is not known
  5  outcome unknown: there may be a job";
