//! What `--help` says beyond the options: the long descriptions, examples, exit codes and
//! environment of each command.

/// Below the list of commands.
pub(crate) const AFTER_ALL: &str = "\
Secrets come from the environment variable NEXTAPI_WEBHOOK_SECRET or from a file, never from an \
argument. Several, separated by white space, may be active at once, newest first.

Exit status: 0 all is well, 1 refused or not as designed, 2 wrong usage, or something needed is \
missing, 128 + n ended by signal n; of `job` also 3 not over yet, 4 blocked, 5 outcome unknown.

`nextapi-hook COMMAND --help` has examples.";

pub(crate) const SIGN: &str = "\
Prints the value of the signature header for a body: `t=<seconds>,v=<MAC>`.

The MAC is HMAC-SHA256 over the timestamp, a point and the body's bytes, with the secret string as \
it stands as the key. Of several secrets the first one signs.

With --curl a whole command line is printed instead, which sends the file to a URL.";

pub(crate) const AFTER_SIGN: &str = "\
Examples:
  nextapi-hook sign body.json
  printf '{}' | nextapi-hook sign --timestamp 1764000000 -
  curl --data-binary @body.json -H \"X-NextAPI-Signature: $(nextapi-hook sign body.json)\" URL
  nextapi-hook sign --curl http://127.0.0.1:8787/webhook body.json | sh

Environment:
  NEXTAPI_WEBHOOK_SECRET  the secrets, unless --secret-file is given

Exit status:
  0  signed
  2  wrong usage, no secret, or the body cannot be read";

pub(crate) const VERIFY: &str = "\
Checks a signature header's value against a body, or a whole captured HTTP request, and prints one \
JSON object.

Of a rejection it says why, in `explanation`: what was expected and what was found, how old the \
signature is, which element of the header is wrong, and which of the usual mistakes makes the \
signature hold: a body that was serialised again or lost its line feed, a secret with a trailing \
newline, decoded or without its prefix, a MAC over the body alone, and others. Each is tried by \
itself.

A captured request is its request line, header lines, an empty line and the body, byte for byte; \
lines end with CRLF or LF.

Neither the secret nor a computed MAC is ever printed, unless --unsafe-show-mac is given.";

pub(crate) const AFTER_VERIFY: &str = "\
Examples:
  nextapi-hook verify --header \"$(nextapi-hook sign body.json)\" body.json
  nextapi-hook verify --request captured.http --now 1764000000 --text
  nextapi-hook verify --request captured.http --header-name X-Edge-Signature

Environment:
  NEXTAPI_WEBHOOK_SECRET  the secrets, unless --secret-file is given
  NO_COLOR                no colours with --text, also on a terminal

Exit status:
  0  accepted
  1  rejected
  2  wrong usage, no secret, or something cannot be read";

pub(crate) const LISTEN: &str = "\
Is the origin: prints a line for every request that arrives and answers 200, until SIGINT or \
SIGTERM; then a summary.

Of each request it says the order, its event's type, ids and credits, the edge's attempt, the \
beginning of the idempotency key, how often the event came before, and the answer; never a body, a \
query or a secret. With --json every line is one JSON object, with the whole key, whose `kind` is `listening`, `request` or \
`summary`.

Duplicates are told by `Idempotency-Key`, or without one by the key that an edge would use. The \
last 10,000 keys are remembered; an event that comes again after that counts as new.

The options --status, --delay, --fail-first and --hang play an origin that misbehaves.";

pub(crate) const AFTER_LISTEN: &str = "\
Examples:
  nextapi-hook listen --port 9000
  nextapi-hook listen --port 9000 --json | jq 'select(.kind == \"request\") | .type'
  nextapi-hook listen --port 9000 --fail-first 3 --delay 200ms
  nextapi-hook listen --port 9000 --edge-secret-file edge-secret.txt

Environment:
  NO_COLOR  no colours, also on a terminal

Exit status:
  0  ended by SIGINT or SIGTERM
  2  wrong usage, the port is taken, or the secret cannot be read";

pub(crate) const PROVIDER: &str = "\
Is NextAPI: takes jobs over HTTP, runs them, and sends signed webhooks about them.

API keys come from the environment variable NEXTAPI_PROVIDER_KEYS or from a file, never from an \
argument: live:KEY or test:KEY, or for admin keys live-admin:KEY or test-admin:KEY, with white \
space between them. If there are none, new ones are made for this run, and printed.

Durations are written as in 500ms, 2s or 1m; rates are numbers from 0 to 1. What it takes and \
answers stands in its /openapi.json.

Everything is in memory, and gone when it ends, unless --data is given. Then accounts, jobs, \
idempotency keys, the delivery log and the events that are still to be delivered are in that file, \
which only its owner may read, and the next one goes on from there, even if this one was killed: \
what was answered is there, and an attempt that was cut is made again. API keys and the webhook \
secret are not in it, nor are prompts. --credits and --seed count for a new file only, but for the faults of the API.

\
Everything goes by one clock, which POST /_provider/clock moves forward. What was dropped is listed \
at /_provider/events, what every job has cost at /_provider/books, and how often the API was asked \
at /_provider/usage.";

pub(crate) const AFTER_PROVIDER: &str = "\
Examples:
  nextapi-hook provider --port 8800 --webhook-url http://127.0.0.1:8787/webhook
  nextapi-hook provider --port 8800 --webhook-url http://127.0.0.1:9000/ --retry-scale 0.001 --lose 0.2
  nextapi-hook provider --port 8800 --webhook-url http://127.0.0.1:9000/ --failure-rate 0.3 --seed 7
  nextapi-hook provider --port 8800 --webhook-url http://127.0.0.1:9000/ --api-lose-answer 0.3 --drop-jobs 0.1 --seed 7
  nextapi-hook provider --port 8800 --webhook-url http://127.0.0.1:9000/ --keys-file keys.txt --data provider.data

Environment:
  NEXTAPI_WEBHOOK_SECRET  the secrets, unless --secret-file is given; the first one signs
  NEXTAPI_PROVIDER_KEYS   the API keys, unless --keys-file is given

Exit status:
  0  ended by SIGINT or SIGTERM
  2  wrong usage, the port is taken, the secret or the keys cannot be read, or the data file is in \
use, not one of ours, or cannot be written";

pub(crate) const SEND: &str = "\
Is the provider: delivers signed events to a URL.

Without further options, or with --scenario, it tells short stories, among them tampered, stale and \
concurrent deliveries, and compares the answers with those that the edge's design promises. Of a \
receiver whose answers have not the edge's form only the status counts: 2xx to what is good, 4xx to \
what is not.

With --body, --count, --concurrency or --rate it sends one kind of event many times, and prints how \
often each answer came and how long it took. Without --body every delivery is a new event of a new \
job; with it, every delivery has the same bytes, so that an edge calls all but one of them \
duplicates. With --rate, a delivery's time counts from the moment when it was due.

Redirects are not followed, every delivery has a connection of its own, and one that gets no answer \
within 10 seconds is given up: so does the provider.";

pub(crate) const AFTER_SEND: &str = "\
Examples:
  nextapi-hook send --scenario list
  nextapi-hook send --url http://127.0.0.1:8787/webhook
  nextapi-hook send --url http://127.0.0.1:8787/webhook --scenario duplicate
  nextapi-hook send --url http://127.0.0.1:8787/webhook --body body.json --event-type job.failed
  nextapi-hook send --url http://127.0.0.1:8787/webhook --count 1000 --concurrency 8 --rate 100

Environment:
  NEXTAPI_WEBHOOK_SECRET  the secrets, unless --secret-file is given; the first one signs
  NO_COLOR                no colours, also on a terminal

Exit status:
  0    every answer was as designed; with --body, --count and the like: was 2xx
  1    one was not
  2    wrong usage, no secret, or no answer at all to a scenario
  130  ended by SIGINT, 143 by SIGTERM; of --count and the like, after the summary";

pub(crate) const EDGE: &str = "\
Is the edge: runs the built worker in workerd, the engine that Cloudflare runs, with its ledger on \
this machine's disk, and prints what the worker logs.

Settings come from wrangler.jsonc, from --vars-file and from --set; the last one counts. Secrets are \
never arguments: they stand in the file of --vars-file. If WEBHOOK_SECRETS is not there, the secrets \
are those that `send` and `provider` sign with.";

pub(crate) const AFTER_EDGE: &str = "\
Examples:
  nextapi-hook edge --port 8787 --set ORIGIN_URL=http://127.0.0.1:9000/
  nextapi-hook edge --port 8787 --vars-file edge-worker/.dev.vars --storage ledger

Environment:
  NEXTAPI_WEBHOOK_SECRET  the secrets, unless --secret-file or WEBHOOK_SECRETS is given

Exit status:
  0  ended by SIGINT or SIGTERM
  2  wrong usage, no secret, no origin, the port is taken, the built worker or its engine is missing, \
or the engine has ended";

pub(crate) const AFTER_DEMO: &str = "\
Examples:
  nextapi-hook demo --edge-dir edge-worker
  nextapi-hook demo --edge-dir edge-worker --stay
  NO_COLOR=1 nextapi-hook demo --edge-dir edge-worker

Environment:
  NO_COLOR  no colours, also on a terminal

Exit status:
  0    everything was as designed
  1    something was not
  2    wrong usage, or the built worker or its engine is missing
  130  ended by SIGINT, 143 by SIGTERM; what was started is stopped";

pub(crate) const COMPLETIONS: &str = "\
Prints a script that lets a shell complete the commands and options of nextapi-hook.";

pub(crate) const AFTER_COMPLETIONS: &str = "\
Examples:
  source <(nextapi-hook completions bash)
  nextapi-hook completions zsh > ~/.zfunc/_nextapi-hook
  nextapi-hook completions fish > ~/.config/fish/completions/nextapi-hook.fish

Exit status:
  0  printed
  2  there is no such shell";
