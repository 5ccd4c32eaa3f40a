// Builds the operator's page into one JavaScript module: `html`, the whole page, and `csp`, the policy that lets this
// script and this style run and nothing else. Usage: node console/build.mjs OUTFILE

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** The page must be small: whoever opens it is in a hurry, and the worker carries it. In bytes, gzipped. */
const MOST_BYTES = 40 * 1024;

const here = import.meta.dirname;

/** The text of a bundle. */
async function bundle(entry, options) {
  const { outputFiles } = await build({
    entryPoints: [join(here, entry)],
    bundle: true,
    minify: true,
    write: false,
    logLevel: "warning",
    ...options,
  });
  return outputFiles[0].text.trim();
}

const script = await bundle("src/main.tsx", {
  format: "iife",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
});
const style = await bundle("console.css", { target: "es2022" });

// Within an element of HTML, neither text may end it.
for (const [text, end] of [
  [script, "</script"],
  [script, "<!--"],
  [style, "</style"],
]) {
  if (text.toLowerCase().includes(end)) throw new Error(`the page's text contains ${end}`);
}

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>nextapi edge</title>
<style>${style}</style>
</head>
<body>
<div id="app"><p>This page needs JavaScript.</p></div>
<script>${script}</script>
</body>
</html>
`;

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const csp = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const size = gzipSync(html, { level: 9 }).length;
if (size > MOST_BYTES) throw new Error(`the page has ${size} bytes gzipped, more than ${MOST_BYTES}`);

const outfile = resolve(process.argv[2] ?? join(here, "../build-console/page.js"));
mkdirSync(dirname(outfile), { recursive: true });
writeFileSync(
  outfile,
  `export const html = ${JSON.stringify(html)};\nexport const csp = ${JSON.stringify(csp)};\n`,
);
console.log(`page: ${html.length} bytes, ${size} gzipped`);
