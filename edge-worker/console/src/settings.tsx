// Version and settings, as the edge tells them: of secrets only whether they are set.

import { Facts } from "./parts";

export function Settings({ version, settings }: { version: string; settings: Record<string, unknown> }) {
  return (
    <details class="more-about">
      <summary>
        <h2>Settings</h2> <span class="faint">version {version}</span>
      </summary>
      <Facts
        facts={Object.entries(settings).map(([name, value]) => [name.replaceAll("_", " "), text(value)])}
      />
    </details>
  );
}

function text(value: unknown): string {
  if (value === null) return "not set";
  if (typeof value === "boolean") return value ? "set" : "not set";
  if (Array.isArray(value)) return value.map(text).join(", ") || "none";
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([name, inner]) => `${name.replaceAll("_", " ")} ${text(inner)}`)
      .join(", ");
  }
  return String(value);
}
