// Times, spans and numbers in words. All times are UTC, as in the log.

const UNITS: [number, string][] = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** A span such as `4 minutes`, in the largest unit of which there are two at least. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [size, name] = UNITS.find(([size]) => whole >= 2 * size) ?? [1, "second"];
  const count = Math.round(whole / size);
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

/** A short span such as `1.4 s` or `12 min`, for figures. */
export function shortSpan(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** When it was or will be: `4 minutes ago`, `in 4 minutes`, `now`. */
export function relative(at: string, now: number): string {
  const seconds = (Date.parse(at) - now) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  return seconds > 0 ? `in ${span(seconds)}` : `${span(-seconds)} ago`;
}

/** `14:03:20` today, `Nov 28 14:03:20` on another day. */
export function clock(at: string, now: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const time = date.toISOString().slice(11, 19);
  if (date.toISOString().slice(0, 10) === new Date(now).toISOString().slice(0, 10)) return time;
  const day = date.toLocaleDateString("en", { month: "short", day: "numeric", timeZone: "UTC" });
  return `${day} ${time}`;
}

export function count(number: number): string {
  return number.toLocaleString("en");
}

/** A number of things: `1 event`, `2 events`. */
export function plural(number: number, thing: string): string {
  return `${count(number)} ${thing}${number === 1 ? "" : "s"}`;
}

/** An outcome or a state as words: `origin_failed` is `origin failed`. */
export function words(code: string): string {
  return code.replaceAll("_", " ");
}

/** The beginning of an event's key, which tells it from others well enough. */
export function shortKey(key: string): string {
  return key.length > 20 ? `${key.slice(0, 14)}…` : key;
}

/** The figure of a rule of `ALERTS`: of `oldest_waiting` it is in seconds. */
export function figure(rule: string, value: number | string | null): string {
  if (value === null) return "–";
  return rule.startsWith("oldest_waiting ") ? shortSpan(Number(value)) : String(value);
}
