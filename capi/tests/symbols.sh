#!/usr/bin/env bash
# What the libraries of this machine give and take, and that no panic is left in them.
#
#   tests/symbols.sh STAGE            STAGE as `make c-library` left it
#   tests/symbols.sh STAGE planted    fails unless panics are found in the static library
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stage=$1 mode=${2:-}
read -r _ _ target _ <"$stage/built"

"$here/archive.sh" "$stage/libnextapi_webhook.a" "$target" "$mode"
[ "$mode" = planted ] && exit
# names SYMBOLS… on standard input: the last column, sorted, without versions
names() {
    awk 'NF {print $NF}' | sed 's/@.*//' | LC_ALL=C sort -u
}

if nm -D --undefined-only "$stage/libnextapi_webhook.so" | grep -v ' w ' | names |
    grep -v -E -x "$("$here/outside.sh" "$target")"; then
    echo 'the shared library takes more from outside than it may' >&2
    exit 1
fi
echo '  both libraries: no panic can be reached, and only memory functions are taken from outside'

echo '  exported: what tests/symbols.txt lists, and nothing else'
diff "$here/symbols.txt" <(nm -D --defined-only "$stage/libnextapi_webhook.so" | names)
