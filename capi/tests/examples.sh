#!/usr/bin/env bash
# Builds the examples as their first lines say, from an installed library. The receiver is sent every story that
# `nextapi-hook send` knows, over real sockets, and bodies that are held back; the one with mbedTLS verifies all
# deliveries that the library is held to.
#
#   tests/examples.sh OUT HOOK      OUT as tests/install.sh left it, HOOK the nextapi-hook to use
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$1" && pwd) hook=$2
export PKG_CONFIG_PATH=$out/opt/lib/pkgconfig LD_LIBRARY_PATH=$out/opt/lib
export NEXTAPI_WEBHOOK_SECRET='whsec_new whsec_old'

# shellcheck disable=SC2046
"${CC:-cc}" -std=gnu99 -Wall -Wextra -Werror -o "$out/receiver" "$here/../examples/receiver.c" \
    $(pkg-config --cflags --libs nextapi_webhook libmicrohttpd)

if NEXTAPI_WEBHOOK_SECRET='' "$out/receiver" 0 </dev/null 2>"$out/receiver.err"; then
    echo 'a receiver without a secret was started' >&2
    exit 1
fi
grep -q 'no key was given' "$out/receiver.err"

# start NAME: as the shell starts it with `&`: nothing comes from its standard input. It goes on until it is told
# to stop. Its address goes into $url.
start() {
    coproc RECEIVER { exec "$out/$1" 0 </dev/null; }
    receiver=$RECEIVER_PID
    trap 'kill "$receiver" 2>/dev/null || true' EXIT
    read -r url <&"${RECEIVER[0]}"
    [[ $url == http://127.0.0.1:* ]]
}

# stop: its output is closed first, and not read
stop() {
    kill -TERM "$receiver"
    wait "$receiver"
}

start receiver
"$hook" send --url "$url"
stop

# With clocks that the test moves, under sanitizers; the library is the static one.
export CLOCKS_FILE=$out/clocks
echo '0 0' >"$CLOCKS_FILE"
library=("$out/opt/lib/libnextapi_webhook.a" -fsanitize=address,undefined -fno-sanitize-recover=all)
# shellcheck disable=SC2046
"${CC:-cc}" -std=gnu99 -g -Wall -Wextra -Werror -include "$here/c/clocks.h" -o "$out/receiver_with_clocks" \
    "$here/../examples/receiver.c" $(pkg-config --cflags nextapi_webhook) "${library[@]}" \
    $(pkg-config --libs libmicrohttpd)
# shellcheck disable=SC2046
"${CC:-cc}" -std=gnu99 -g -Wall -Wextra -Werror -o "$out/held_back" "$here/c/held_back.c" \
    $(pkg-config --cflags nextapi_webhook) "${library[@]}"
start receiver_with_clocks
port=${url#http://127.0.0.1:}
"$out/held_back" "${port%/}" "$CLOCKS_FILE"
stop

# shellcheck disable=SC2046
"${CC:-cc}" -std=c99 -Wall -Wextra -Werror -o "$out/mbedtls" "$here/../examples/mbedtls.c" \
    $(pkg-config --cflags --libs nextapi_webhook) -lmbedcrypto
export NEXTAPI_WEBHOOK_SECRET=whsec_test
signature=$(printf '{}' | "$hook" sign -)
[ "$(printf '{}' | "$out/mbedtls" "$signature")" = ok ]
if said=$(printf '{]' | "$out/mbedtls" "$signature"); then
    echo 'the example with mbedTLS accepts anything' >&2
    exit 1
fi
[ "$said" = signature_mismatch ]
# shellcheck disable=SC2046
"${CC:-cc}" -std=gnu99 -g -Wall -Wextra -Werror -DMBEDTLS -o "$out/vectors_with_mbedtls" "$here/c/vectors.c" \
    $(pkg-config --cflags nextapi_webhook) "${library[@]}" -lmbedcrypto
printf '  with mbedTLS: '
"$out/vectors_with_mbedtls" "$here/../../verifier/tests/vectors/deliveries.tsv"
