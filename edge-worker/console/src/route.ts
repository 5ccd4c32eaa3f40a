// The place in the page. It stands behind the address's `#`, so that it can be sent to a colleague.

import { useEffect, useState } from "preact/hooks";

export interface Route {
  /** The screen's name; empty for the overview. */
  screen: string;
  /** What it is about, if that is one thing. */
  id: string | null;
  parameters: Record<string, string>;
}

export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const [screen = "", id] = path.split("/", 2);
  return { screen, id: id ? decoded(id) : null, parameters: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a place. */
export function href(
  screen: string,
  id?: string | null,
  parameters: Record<string, string | undefined> = {},
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value) query.set(name, value);
  const text = query.toString();
  return `#/${screen}${id ? `/${encodeURIComponent(id)}` : ""}${text && `?${text}`}`;
}

export function go(address: string): void {
  location.hash = address;
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parse(hash);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
