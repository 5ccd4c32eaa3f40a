// Outcomes over time: bars, and the same as a table.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Sample } from "./answers";
import { clock, count, shortSpan } from "./format";
import { byGroup, GROUPS } from "./groups";
import { now } from "./now";
import { Table, Time } from "./parts";

const HEIGHT = 180;
/** Room for the numbers on the left, and for the times below. */
const LEFT = 44;
const BELOW = 20;

/** How far apart the times below may be, in minutes. */
const TICKS = [5, 10, 15, 30, 60, 180, 360];

/** Bars of the samples, which are so many seconds apart; at most so many. */
export function Chart({ samples, step, most }: { samples: Sample[]; step: number; most: number }) {
  const place = useRef<HTMLElement>(null);
  const whole = useWidth(place);
  const slots = inTime(samples, step, most);
  const stacks = slots.map(({ sample }) => byGroup(sample?.outcomes ?? {}));
  const totals = stacks.map((stack) => stack.reduce((sum, number) => sum + number, 0));
  const top = roundUp(Math.max(1, ...totals));
  const slot = (whole - LEFT) / Math.max(slots.length, 1);
  const width = Math.max(1, slot - Math.min(1.5, slot / 5));
  const height = HEIGHT - BELOW;
  const all = totals.reduce((sum, number) => sum + number, 0);
  const sums = GROUPS.map((_, group) => stacks.reduce((sum, stack) => sum + (stack[group] ?? 0), 0));
  const seconds = slots.length * step;
  const gaps = slots.filter(({ sample }) => sample === null).length;
  const parts = slots.filter(({ sample }) => sample?.is_complete === false).length;
  const summary = GROUPS.map(({ name }, group) => `${count(sums[group] ?? 0)} ${name}`).join(", ");
  const every = TICKS.find((minutes) => (minutes * 60 * slot) / step >= 64) ?? 720;

  return (
    <figure class="chart" ref={place}>
      <svg viewBox={`0 0 ${whole} ${HEIGHT}`} role="img" aria-label={`In ${shortSpan(seconds)}: ${summary}`}>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line
              class="grid"
              x1={LEFT}
              x2={whole}
              y1={height * (1 - share) + 0.5}
              y2={height * (1 - share) + 0.5}
            />
            {top * share === Math.round(top * share) && (
              <text x={LEFT - 6} y={Math.max(11, height * (1 - share) - 3)} text-anchor="end">
                {count(top * share)}
              </text>
            )}
          </g>
        ))}
        {slots.map(({ at, sample }, index) => {
          let base = height;
          const x = LEFT + index * slot;
          return (
            <g key={at}>
              <title>{title(at, sample, stacks[index] ?? [])}</title>
              <rect class={sample === null ? "gap" : "hover"} x={x} y={0} width={slot} height={height} />
              {GROUPS.map(({ kind }, group) => {
                const size = ((stacks[index]?.[group] ?? 0) / top) * height;
                base -= size;
                return (
                  size > 0 && <rect key={kind} class={kind} x={x} y={base} width={width} height={size} />
                );
              })}
              {isTick(at, every, step) && x < whole - 36 && (
                <text x={x} y={HEIGHT - 4}>
                  {clock(at, Date.parse(at)).slice(0, 5)}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <figcaption>
        {GROUPS.map(({ name, kind }, group) => (
          <span key={kind} class="legend">
            <i class={kind} aria-hidden="true" />
            {name} <strong>{count(sums[group] ?? 0)}</strong>
          </span>
        ))}
        {gaps > 0 && (
          <span class="legend">
            <i class="gap" aria-hidden="true" />
            nobody has counted for <strong>{shortSpan(gaps * step)}</strong>
          </span>
        )}
        {parts > 0 && <span class="faint">{shortSpan(parts * step)} without what a shard did not tell.</span>}
        {all === 0 && <span class="faint">Nothing was delivered in this time.</span>}
      </figcaption>
      <details>
        <summary>The same as a table</summary>
        <Table
          name="Outcomes over time"
          head={[["Until"], ...GROUPS.map(({ name }): [string, string] => [name, "number"])]}
        >
          {slots.map(({ at, sample }, index) => (
            <tr key={at}>
              <td>
                <Time at={at} /> {sample?.is_complete === false && "(a shard did not tell)"}
              </td>
              {GROUPS.map(({ kind }, group) => (
                <td key={kind} class="number">
                  {sample === null ? "not counted" : count(stacks[index]?.[group] ?? 0)}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      </details>
    </figure>
  );
}

/** A place in time, and the sample of it, if one was taken. */
interface Slot {
  at: string;
  sample: Sample | null;
}

/** The samples up to now, at most so many, with what is missing between them and behind them. */
function inTime(samples: Sample[], step: number, most: number): Slot[] {
  const slots: Slot[] = [];
  const missing = (until: number) => {
    const last = slots.at(-1);
    if (last === undefined) return;
    const from = Date.parse(last.at);
    const between = Math.round((until - from) / 1000 / step) - 1;
    // More of them than are shown would push out all that was before.
    for (let index = 1; index <= Math.min(between, most); index += 1) {
      slots.push({ at: new Date(from + index * step * 1000).toISOString(), sample: null });
    }
  };
  for (const sample of samples) {
    missing(Date.parse(sample.at));
    slots.push({ at: sample.at, sample });
  }
  // The sample of the step that goes on is still to come, and another one may be late.
  missing(now() - step * 1000);
  return slots.slice(-most);
}

function title(at: string, sample: Sample | null, stack: number[]): string {
  if (sample === null) return `${clock(at, now())}: nobody has counted`;
  const parts = GROUPS.map(({ name }, group) => [stack[group] ?? 0, name] as const);
  const said = parts.filter(([number]) => number > 0).map(([number, name]) => `${count(number)} ${name}`);
  const lack = sample.is_complete === false ? "; a shard did not tell" : "";
  return `${clock(at, now())}: ${said.join(", ") || "nothing"}${lack}`;
}

/** Whether the first sample at or after a round time is this one. */
function isTick(at: string, everyMinutes: number, step: number): boolean {
  return (Date.parse(at) / 1000) % (everyMinutes * 60) < step;
}

/** The next of 1, 2, 5, 10, 20, 50 …: the scale's top. */
function roundUp(number: number): number {
  const power = 10 ** Math.floor(Math.log10(number));
  const first = [1, 2, 5, 10].find((it) => it * power >= number) ?? 10;
  return first * power;
}

/** How wide an element is, in pixels: a unit of the drawing is one. */
function useWidth(place: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(960);
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const observer = new ResizeObserver(() => setWidth(Math.max(280, current.clientWidth)));
    observer.observe(current);
    return () => observer.disconnect();
  }, [place]);
  return width;
}
