#!/usr/bin/env bash
# What the library leaves on the stack, at every level of optimisation that people choose, and at 1, which keeps
# more of it. RUSTFLAGS, in the environment, choose the code for SHA-256; this machine's processor, if not they.
#
#   tests/stack.sh OUT        OUT is a folder for what is built
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out"

for level in 3 s z 1; do
    CARGO_PROFILE_CAPI_OPT_LEVEL=$level "$here/../packaging/build.sh" "$out/level" 0 '' staticlib
    "${CC:-cc}" -std=gnu99 -g -O1 -Wall -Wextra -Werror -I "$here/../include" "$here/c/stack.c" \
        "$out/level/libnextapi_webhook.a" -o "$out/stack"
    printf '  level %s%s: ' "$level" "${RUSTFLAGS:+, $RUSTFLAGS}"
    "$out/stack"
done
