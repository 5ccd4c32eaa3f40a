// Stands in for curl in the README's transcripts, where there is none: --silent, --data-binary
// @FILE, -H and one URL.
import { readFileSync } from 'node:fs';

const headers = {};
let body;
let url;
const words = process.argv.slice(2);
while (words.length > 0) {
  const word = words.shift();
  if (word === '--silent') continue;
  if (word === '--data-binary') {
    body = readFileSync(words.shift().replace(/^@/, ''));
  } else if (word === '-H') {
    const [, name, value] = words.shift().match(/^([^:]+): *(.*)$/);
    headers[name] = value;
  } else if (word.startsWith('-')) {
    throw new Error(`the stand-in for curl does not know ${word}`);
  } else {
    url = word;
  }
}
const response = await fetch(url, { method: 'POST', headers, body });
process.stdout.write(await response.text());
