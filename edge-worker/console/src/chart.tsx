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

/** Bars of the samples, which are so many seconds apart. */
export function Chart({ samples, step }: { samples: Sample[]; step: number }) {
  const place = useRef<HTMLElement>(null);
  const whole = useWidth(place);
  const stacks = samples.map((sample) => byGroup(sample.outcomes));
  const totals = stacks.map((stack) => stack.reduce((sum, number) => sum + number, 0));
  const top = roundUp(Math.max(1, ...totals));
  const slot = (whole - LEFT) / Math.max(samples.length, 1);
  const width = Math.max(1, slot - Math.min(1.5, slot / 5));
  const height = HEIGHT - BELOW;
  const all = totals.reduce((sum, number) => sum + number, 0);
  const sums = GROUPS.map((_, group) => stacks.reduce((sum, stack) => sum + (stack[group] ?? 0), 0));
  const seconds = samples.length * step;
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
        {samples.map((sample, index) => {
          let base = height;
          const x = LEFT + index * slot;
          return (
            <g key={sample.at}>
              <title>{title(sample, stacks[index] ?? [])}</title>
              <rect class="hover" x={x} y={0} width={slot} height={height} />
              {GROUPS.map(({ kind }, group) => {
                const size = ((stacks[index]?.[group] ?? 0) / top) * height;
                base -= size;
                return (
                  size > 0 && <rect key={kind} class={kind} x={x} y={base} width={width} height={size} />
                );
              })}
              {isTick(sample.at, every, step) && x < whole - 36 && (
                <text x={x} y={HEIGHT - 4}>
                  {clock(sample.at, Date.parse(sample.at)).slice(0, 5)}
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
        {all === 0 && <span class="faint">Nothing was delivered in this time.</span>}
      </figcaption>
      <details>
        <summary>The same as a table</summary>
        <Table
          name="Outcomes over time"
          head={[["Until"], ...GROUPS.map(({ name }): [string, string] => [name, "number"])]}
        >
          {samples.map((sample, index) => (
            <tr key={sample.at}>
              <td>
                <Time at={sample.at} />
              </td>
              {GROUPS.map(({ kind }, group) => (
                <td key={kind} class="number">
                  {count(stacks[index]?.[group] ?? 0)}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      </details>
    </figure>
  );
}

function title(sample: Sample, stack: number[]): string {
  const parts = GROUPS.map(({ name }, group) => [stack[group] ?? 0, name] as const);
  const said = parts.filter(([number]) => number > 0).map(([number, name]) => `${count(number)} ${name}`);
  return `${clock(sample.at, now())}: ${said.join(", ") || "nothing"}`;
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
