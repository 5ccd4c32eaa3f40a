#!/usr/bin/env bash
# What the libraries give, what they take, and that no panic is left in them.
#
#   tests/symbols.sh BUILT            BUILT is the path of the libraries without .a and .so
#   tests/symbols.sh BUILT planted    fails unless panics are found in the static library
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
built=$1 mode=${2:-}

# names SYMBOLS… on standard input: the last column, sorted
names() {
    awk 'NF {print $NF}' | sed 's/@.*//' | LC_ALL=C sort -u
}

# The whole crate with all that it depends on is one object of the archive: what cannot be reached
# was left out when it was linked, so a function that could panic would have brought the panic along.
panics='rust_begin_unwind|panicking|panic_|unwind|eh_personality'
# count ARCHIVE: how many symbols of its first object have to do with panics
count() {
    local object
    object=$(ar t "$1" | head -n 1)
    [[ $object == nextapi_webhook_c* ]] || { echo "the first object is $object" >&2; exit 1; }
    ar p "$1" "$object" >"$1.o"
    nm "$1.o" | names | grep -c -E "$panics" || true
}
found=$(count "$built.a")
if [ "$mode" = planted ]; then
    echo "  panics: $found symbols"
    [ "$found" != 0 ]
    exit
fi
if [ "$found" != 0 ]; then
    echo "$found symbols of panics are in $built.a" >&2
    exit 1
fi
echo '  panics: none can be reached'

echo '  exported: what tests/symbols.txt lists, and nothing else'
diff "$here/symbols.txt" <(nm -D --defined-only "$built.so" | names)

# Nothing but what every libc and every compiler's run-time library has. So nothing allocates, reads
# a clock, writes or aborts.
echo '  taken from outside: memory functions, and nothing else'
allowed='^(memcpy|memmove|memset|memcmp|bcmp)$'
if nm -D --undefined-only "$built.so" | grep -v ' w ' | names | grep -v -E "$allowed"; then
    echo 'the library takes more from outside than it may' >&2
    exit 1
fi
