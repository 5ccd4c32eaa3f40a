// The operator's page: console/ builds its text, and the policy that names the hashes of its script and its style.

import { csp, html } from "console/page.js";
import type { Output } from "./border";

export function page({ headers }: Extract<Output, { type: "respond_page" }>): Response {
  return new Response(html, {
    headers: { ...Object.fromEntries(headers), "content-security-policy": csp },
  });
}
