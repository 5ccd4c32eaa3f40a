// What the edge answers, as far as the page reads it. Fields of a later edge may be missing in an earlier one.

export type Counts = Record<string, number>;

export interface Whoami {
  name: string;
  role: string;
  /** The edge's clock. */
  time?: string;
}

export interface Shard {
  shard: string;
  error?: string;
  events?: Counts;
  oldest_waiting?: string | null;
  paused?: boolean;
  paused_replays?: number;
  breaker?: string;
  breaker_open_since?: string;
  bytes?: number;
}

export interface Status {
  time: string;
  version: string;
  settings: Record<string, unknown>;
  outcomes: Counts;
  events: Counts;
  events_counted_up_to: number;
  abandoned: number;
  jobs: { open: number; overdue: number; reconciled: number; conflicts: number } | null;
  shards: Shard[];
  warnings: string[];
}

export interface Sample {
  at: string;
  outcomes: Counts;
  waiting: number;
  oldest_waiting_seconds: number | null;
  dead: number;
  /** Whether all shards have answered: what one has not told is missing. */
  is_complete?: boolean;
}

export interface History {
  step_seconds: number;
  samples: Sample[];
  long_step_seconds: number;
  long_samples: Sample[];
}

export interface Rule {
  rule: string;
  state: string;
  /** An amount of credits is a text. */
  value: number | string | null;
  since: string | null;
}

export interface Notification {
  rule: string;
  kind: string;
  at: string;
  attempts: number;
  next_attempt: string | null;
  /** `pending`, `sent`, `failed`, or `unsent`: there is nobody to send it to. */
  fate: string;
  /** What the receiver answered last. */
  status: number | null;
}

export interface Alerts {
  checked_at: string | null;
  is_sent: boolean;
  rules: Rule[];
  notifications: Notification[];
}

export interface Step {
  at: string;
  act: string;
  attempt: number | null;
  outcome: string | null;
  origin_status: number | null;
  correlation_id: string | null;
}

export interface Event {
  key: string;
  state: string;
  lease_end?: string | null;
  next_attempt?: string | null;
  attempts: number;
  first: string;
  last: string;
  last_outcome: string | null;
  event_id: string | null;
  event_type: string | null;
  job_id: string | null;
  trail?: Step[];
}

export interface EventPage {
  events: Event[];
  cursor: string | null;
}

export interface Job {
  id: string;
  state: string;
  tenant: string | null;
  known: string;
  deadline: string;
  estimated_credits: string | null;
  status: string | null;
  credits: string | null;
  ended: string | null;
  ended_by: string | null;
  conflict: boolean;
  shown: string | null;
  next_look: string | null;
}

export interface JobWithEvents extends Job {
  events: Event[];
  more_events: boolean;
}

export interface JobPage {
  jobs: Job[];
  cursor: string | null;
}

export interface CostsOf {
  tenant: string | null;
  open: number;
  overdue: number;
  succeeded: number;
  failed: number;
  reserved: string;
  settled: string;
  refunded: string;
  paid_not_delivered: string;
  p50: string | null;
  p95: string | null;
  seconds_to_end?: { p50: number | null; p95: number | null } | null;
}

export interface Costs {
  total: CostsOf;
  tenants: CostsOf[];
  others?: CostsOf;
}

export interface Selection {
  state: string;
  since: string | null;
  until: string;
  job: string | null;
  type: string | null;
}

export interface Plan {
  status: string;
  id?: string;
  events: number;
  without_bytes: number;
  events_counted_up_to: number;
  rate: number;
  selection: Selection;
}

export interface Replay {
  id: string;
  state: string;
  started: string;
  rate: number;
  selection: Selection;
  events: number;
  released: number;
  skipped: number;
  delivered: number;
  dead: number;
  paused: { shard: string; reason: string }[];
}

export interface AuditEntry {
  at: string;
  by: string;
  act: string;
  about: string | null;
  result: string;
  shards: number;
}

export interface AuditPage {
  entries: AuditEntry[];
  cursor: string | null;
}
