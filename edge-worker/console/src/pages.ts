// A list that is read page by page, and stays up to date without losing the reader's place.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, Problem, withQuery } from "./api";
import { now } from "./now";
import { usePolled } from "./polled";

/** From how far down on a list keeps still, in pixels. */
const STILL_FROM_PX = 120;

interface Page<R> {
  rows: R[];
  cursor: string | null;
}

export interface Pages<R> {
  /** All rows that are shown; none before the first answer. */
  rows: R[] | null;
  /** How many rows changed since, and would stand at the top. */
  newer: number;
  problem: Problem | null;
  at: number | null;
  /** Whether there are more, and whether they are being asked for. */
  isMore: boolean;
  isLoading: boolean;
  more: () => void;
  /** Since when the list keeps still; none if it does not. */
  stillSince: number | null;
  /** Begins at the top again. */
  top: () => void;
}

/** A list that keeps still. */
interface Held<R> {
  first: string;
  shown: R[];
  cursor: string | null;
  since: number;
}

/** `read` takes the rows and the cursor out of an answer, `key` names a row. */
export function usePages<A, R>(
  path: string,
  parameters: Record<string, string | undefined>,
  read: (answer: A) => Page<R>,
  key: (row: R) => string,
): Pages<R> {
  const first = withQuery(path, parameters);
  const polled = usePolled<A>(first);
  const [later, setLater] = useState<Held<R> | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isLoading, setLoading] = useState(false);
  const current = useRef(first);
  current.current = first;

  // Another filter is another list.
  useEffect(() => {
    setLater(null);
    setProblem(null);
    setLoading(false);
  }, [first]);

  const fresh = polled.data === null ? null : read(polled.data);
  const held = later?.first === first ? later : null;
  const byKey = new Map((fresh?.rows ?? []).map((row) => [key(row), row]));
  // Whoever has read on keeps their place: rows change where they stand, and new ones wait at the top.
  const rows = held === null ? (fresh?.rows ?? null) : held.shown.map((row) => byKey.get(key(row)) ?? row);
  const known = new Set(held?.shown.map(key));
  const newer = held === null ? 0 : [...byKey.keys()].filter((name) => !known.has(name)).length;
  const cursor = held === null ? (fresh?.cursor ?? null) : held.cursor;

  // Whoever has scrolled down is reading: the list keeps still from then on.
  const hold = useRef(() => {});
  hold.current = () => {
    if (held === null && rows !== null && rows.length > 0 && scrollY > STILL_FROM_PX) {
      setLater({ first, shown: rows, cursor, since: now() });
    }
  };
  useEffect(() => {
    const scrolled = () => hold.current();
    addEventListener("scroll", scrolled, { passive: true });
    return () => removeEventListener("scroll", scrolled);
  }, []);

  const more = async () => {
    if (cursor === null || isLoading || rows === null) return;
    setLoading(true);
    try {
      const page = read(await get<A>(withQuery(path, { ...parameters, cursor })));
      if (current.current !== first) return;
      const seen = new Set(rows.map(key));
      const shown = [...rows, ...page.rows.filter((row) => !seen.has(key(row)))];
      setLater({ first, shown, cursor: page.cursor, since: held?.since ?? now() });
      setProblem(null);
    } catch (error) {
      if (current.current !== first) return;
      setProblem(error instanceof Problem ? error : new Problem(String(error), 0, "failed"));
    }
    setLoading(false);
  };

  const { reload } = polled;
  const top = useCallback(() => {
    setLater(null);
    setProblem(null);
    scrollTo({ top: 0 });
    reload();
  }, [reload]);

  return {
    rows,
    newer,
    problem: problem ?? polled.problem,
    at: polled.at,
    isMore: cursor !== null,
    isLoading,
    more,
    stillSince: held?.since ?? null,
    top,
  };
}
