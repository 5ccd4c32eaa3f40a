#!/usr/bin/env bash
# `make help`: fits a terminal of 80 columns, has no heading without targets, and names the two main ones.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() { printf 'make help: %s\n' "$1" >&2; exit 1; }

help="$(make --no-print-directory help)"
long="$(awk 'length > 79' <<< "$help")"
[ -z "$long" ] || fail "not within 80 columns: $long"
# A heading begins in the first column, after an empty line; a target is indented.
empty="$(awk '/^[^ ]/ {if (heading) print heading; heading = $0; next} /^  / {heading = ""}
  END {if (heading) print heading}' <<< "${help#*$'\n'}")"
[ -z "$empty" ] || fail "a heading without targets: $empty"
for target in demo test; do
  grep -q "^  $target " <<< "$help" || fail "$target is missing"
done
