#!/usr/bin/env bash
# Installs into a folder and builds programs against what is there: with pkg-config and with CMake, with
# the shared library and with the static one.
#
#   tests/install.sh OUT VERSION ABI
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd) version=$2 abi=$3
rm -rf "$out/stage" "$out/opt" "$out/cmake"

# A package being built: everything below DESTDIR, nothing in the files says so.
make --no-print-directory -C "$here/../.." install PREFIX=/usr DESTDIR="$out/stage" LIBDIR=/usr/lib/triplet >/dev/null
diff - <(cd "$out/stage" && find . -not -type d | LC_ALL=C sort) <<EOF
./usr/include/nextapi_webhook.h
./usr/lib/triplet/cmake/nextapi_webhook/nextapi_webhook-config-version.cmake
./usr/lib/triplet/cmake/nextapi_webhook/nextapi_webhook-config.cmake
./usr/lib/triplet/libnextapi_webhook.a
./usr/lib/triplet/libnextapi_webhook.so
./usr/lib/triplet/libnextapi_webhook.so.$abi
./usr/lib/triplet/libnextapi_webhook.so.$version
./usr/lib/triplet/pkgconfig/nextapi_webhook.pc
EOF
if grep -r -l "$out" "$out/stage"; then
    echo 'an installed file names DESTDIR' >&2
    exit 1
fi
objdump -p "$out/stage/usr/lib/triplet/libnextapi_webhook.so" | grep -q "SONAME  *libnextapi_webhook.so.$abi\$"
echo "  DESTDIR: laid out, soname libnextapi_webhook.so.$abi"

# A user's own folder.
make --no-print-directory -C "$here/../.." install PREFIX="$out/opt" >/dev/null
export PKG_CONFIG_PATH=$out/opt/lib/pkgconfig
[ "$(pkg-config --modversion nextapi_webhook)" = "$version" ]
# shellcheck disable=SC2046
"${CC:-cc}" -std=c99 -Wall -Wextra -Werror "$here/c/functions.c" $(pkg-config --cflags --libs nextapi_webhook) \
    -o "$out/with_pkg_config"
echo "  pkg-config: $(LD_LIBRARY_PATH=$out/opt/lib "$out/with_pkg_config")"
# As the README says for a folder that the dynamic linker does not know, and for the static library.
# shellcheck disable=SC2046
"${CC:-cc}" "$here/c/functions.c" $(pkg-config --cflags --libs nextapi_webhook) -Wl,-rpath,"$out/opt/lib" \
    -o "$out/with_rpath"
echo "  rpath: $("$out/with_rpath")"
# shellcheck disable=SC2046
"${CC:-cc}" "$here/c/functions.c" $(pkg-config --cflags nextapi_webhook) "$out/opt/lib/libnextapi_webhook.a" \
    -o "$out/with_archive"
echo "  the archive: $("$out/with_archive")"
objdump -p "$out/with_pkg_config" | grep -q "NEEDED  *libnextapi_webhook.so.$abi\$"

cmake -S "$here/cmake" -B "$out/cmake" -DCMAKE_PREFIX_PATH="$out/opt" -DWANTED="${version%.*}" >/dev/null
cmake --build "$out/cmake" >/dev/null
echo "  CMake, shared: $("$out/cmake/shared")"
echo "  CMake, static: $("$out/cmake/static")"
