#!/usr/bin/env bash
# What verifying adds to a stripped program that links the static library: code, constants and data.
# Fails beyond the budget, which is one for x86-64.
#
#   tests/size.sh BUILT OUT BUDGET
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
built=$1 out=$2 budget=$3
mkdir -p "$out"

# bytes NAME OPTION…: builds a program and says how many bytes of it are loaded
bytes() {
    "${CC:-cc}" -std=c99 -Os -ffunction-sections -fdata-sections -Wl,--gc-sections -s -I "$here/../include" \
        "$here/c/size.c" "${@:2}" -o "$out/$1"
    size "$out/$1" | awk 'NR == 2 {print $1 + $2}'
}

without=$(bytes size_without)
with=$(bytes size_with -DVERIFY "$built.a")
added=$((with - without))
echo "  a program: $without bytes; one that verifies: $with bytes; added: $added of $budget allowed"
# What tests/c/functions.c signs.
header=t=1700000000,v=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91
printf '{}' | "$out/size_with" whsec_test "$header"
if printf '{]' | "$out/size_with" whsec_test "$header"; then
    echo 'the program that was measured accepts anything' >&2
    exit 1
fi
if [ "$(uname -m)" = x86_64 ]; then
    [ "$added" -le "$budget" ]
fi
