// What the edge says, asked again and again while somebody looks.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, Problem } from "./api";
import { now } from "./now";

export interface Polled<T> {
  /** What was said last; it stays when a later request fails. */
  data: T | null;
  /** Why the last request failed. */
  problem: Problem | null;
  /** When `data` came. */
  at: number | null;
  /** Asks at once. */
  reload: () => void;
}

/** Asks for a path now, and again so many milliseconds after each answer, unless the tab is hidden. */
export function usePolled<T>(path: string | null, everyMs = 5_000): Polled<T> {
  const [state, setState] = useState<Omit<Polled<T>, "reload"> & { path: string | null }>(() => none(path));
  const wake = useRef<() => void>(() => {});

  useEffect(() => {
    if (path === null) return;
    const aborted = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isAsking = false;
    let isAgain = false;
    const ask = async () => {
      clearTimeout(timer);
      if (aborted.signal.aborted) return;
      // The answer that is on its way may be from before an act.
      if (isAsking) {
        isAgain = true;
        return;
      }
      isAsking = true;
      try {
        const data = await get<T>(path, aborted.signal);
        setState({ path, data, problem: null, at: now() });
      } catch (error) {
        if (aborted.signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(String(error), 0, "failed");
        setState((last) => ({ ...(last.path === path ? last : none(path)), problem }));
      }
      isAsking = false;
      if (isAgain) {
        isAgain = false;
        return ask();
      }
      timer = setTimeout(askIfSeen, everyMs);
    };
    const askIfSeen = () => {
      if (!document.hidden) ask();
    };
    wake.current = ask;
    ask();
    document.addEventListener("visibilitychange", askIfSeen);
    return () => {
      aborted.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", askIfSeen);
    };
  }, [path, everyMs]);

  const reload = useCallback(() => wake.current(), []);
  const { data, problem, at } = state.path === path ? state : none<T>(path);
  return { data, problem, at, reload };
}

function none<T>(path: string | null) {
  return { path, data: null as T | null, problem: null, at: null };
}
