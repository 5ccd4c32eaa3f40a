// The edge's clock, by which all that it says is to be read.

import { useEffect, useState } from "preact/hooks";

let ahead = 0;

/** Sets the clock by what the edge says. */
export function setNow(time: string): void {
  const offset = Date.parse(time) - Date.now();
  // A second or two are the way of the answer, not a wrong clock.
  ahead = Math.abs(offset) > 3_000 ? offset : 0;
}

export function now(): number {
  return Date.now() + ahead;
}

const listeners = new Set<(time: number) => void>();
setInterval(() => {
  if (!document.hidden) for (const listener of listeners) listener(now());
}, 1_000);

/** The time, anew every second while the page is visible. */
export function useNow(): number {
  const [time, setTime] = useState(now);
  useEffect(() => {
    listeners.add(setTime);
    return () => {
      listeners.delete(setTime);
    };
  }, []);
  return time;
}
