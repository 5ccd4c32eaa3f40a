#!/usr/bin/env bash
# What `make install` takes and what it refuses; then programs are built against what was installed, with
# pkg-config and with CMake, with the shared library and with the static one.
#
#   tests/install.sh STAGE OUT       STAGE as `make c-library` left it
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stage=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
rm -rf "${out:?}"/{stage-*,refused,root,opt,cmake,cmake-versions,bin}
read -r version abi target host <"$stage/built"
other=thumbv7em-none-eabihf
unset CARGO_BUILD_TARGET

fail() {
    printf 'install.sh: %s\n' "$@" >&2
    exit 1
}

# `make install` is run as root is who has no Rust: these stand in front of cargo and rustc, if there are any.
mkdir "$out/bin"
printf '#!/bin/sh\necho "cargo or rustc $*" >>"%s"\nexit 1\n' "$out/bin/called" | tee "$out/bin/cargo" >"$out/bin/rustc"
chmod +x "$out/bin/cargo" "$out/bin/rustc"

# target NAME ARGUMENT…: makes that target
target() {
    make --no-print-directory -C "$here/../.." "$@"
}

# install ARGUMENT…
install() {
    local status=0
    PATH=$out/bin:$PATH target install "$@" || status=$?
    [ ! -e "$out/bin/called" ] || fail "installing called $(cat "$out/bin/called")"
    return $status
}

# refuses TEXT ARGUMENT…: installing with these arguments fails with that text, and lays out nothing
refuses() {
    local message
    if message=$(install PREFIX="$out/refused" "${@:2}" 2>&1); then
        fail "installed with ${*:2}" "$message"
    fi
    [[ $message == *"$1"* ]] || fail "with ${*:2}, \"$1\" was not said:" "$message"
    [ ! -e "$out/refused" ] || fail "something was laid out with ${*:2}"
}

refuses 'nothing has been built; run: make c-library' C_STAGE="$out/stage-none"
refuses 'run: make c-library TARGET=aarch64-unknown-linux-gnu' C_STAGE="$out/stage-none" \
    TARGET=aarch64-unknown-linux-gnu
refuses 'not an absolute path: lib' C_STAGE="$stage" LIBDIR=lib
STRIP=false refuses 'false cannot strip libraries' C_STAGE="$stage"
# The library of another machine is installed only where that one is named, and this machine's nowhere else.
refuses "what was built last is for $target, not for aarch64" C_STAGE="$stage" TARGET=aarch64-unknown-linux-gnu
CARGO_BUILD_TARGET=aarch64-unknown-linux-gnu refuses "is for $target, not for aarch64" C_STAGE="$stage"
cp -r "$stage" "$out/stage-foreign"
echo "$version $abi aarch64-unknown-linux-gnu $host" >"$out/stage-foreign/built"
refuses 'is for aarch64-unknown-linux-gnu, not for this machine' C_STAGE="$out/stage-foreign"
install C_STAGE="$out/stage-foreign" TARGET=aarch64-unknown-linux-gnu DESTDIR="$out/root" >/dev/null
rm -r "$out/root"
# Built after that of this machine, whose library still lies where cargo put it.
CARGO_BUILD_TARGET=$other target c-library C_STAGE="$out/stage-other" >/dev/null
refuses "is for $other, not for this machine" C_STAGE="$out/stage-other"
refuses "for $other there is none" C_STAGE="$out/stage-other" TARGET="$other"
# A build that fails leaves nothing of the one before.
if target c-library C_STAGE="$out/stage-other" TARGET=no-such-target >/dev/null 2>&1; then
    fail 'built for a target that does not exist'
fi
refuses 'nothing has been built' C_STAGE="$out/stage-other" TARGET="$other"
echo '  refused: what is not built, what is for another machine, what cannot be laid out'

# A package being built: everything below DESTDIR, nothing in the files says so.
CARGO_TARGET_DIR=$out/elsewhere target c-library C_STAGE="$out/stage-elsewhere" >/dev/null
cmp "$stage/libnextapi_webhook.so" "$out/stage-elsewhere/libnextapi_webhook.so"
install C_STAGE="$out/stage-elsewhere" PREFIX=/usr DESTDIR="$out/root" LIBDIR=/usr/lib/triplet >/dev/null
LC_ALL=C sort <<FILES | diff - <(cd "$out/root" && find . -not -type d | LC_ALL=C sort)
./usr/include/nextapi_webhook.h
./usr/include/nextapi_webhook.hpp
./usr/lib/triplet/cmake/nextapi_webhook/nextapi_webhook-config-version.cmake
./usr/lib/triplet/cmake/nextapi_webhook/nextapi_webhook-config.cmake
./usr/lib/triplet/libnextapi_webhook.a
./usr/lib/triplet/libnextapi_webhook.so
./usr/lib/triplet/libnextapi_webhook.so.$abi
./usr/lib/triplet/libnextapi_webhook.so.$version
./usr/lib/triplet/pkgconfig/nextapi_webhook.pc
./usr/share/doc/nextapi_webhook/LICENSE-APACHE
./usr/share/doc/nextapi_webhook/LICENSE-MIT
FILES
for text in LICENSE-APACHE LICENSE-MIT; do
    cmp "$here/../../$text" "$out/root/usr/share/doc/nextapi_webhook/$text"
done
if grep -r -l "$out" "$out/root"; then
    fail 'an installed file names DESTDIR'
fi
objdump -p "$out/root/usr/lib/triplet/libnextapi_webhook.so" | grep -q "SONAME  *libnextapi_webhook.so.$abi\$"
echo "  CARGO_TARGET_DIR, DESTDIR: laid out, soname libnextapi_webhook.so.$abi"

# A user's own folder.
install C_STAGE="$stage" PREFIX="$out/opt" >/dev/null
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
# shellcheck disable=SC2046
"${CXX:-c++}" -std=c++11 -I "$here/c" "$here/c/wrapper.cpp" $(pkg-config --cflags --libs nextapi_webhook) \
    -Wl,-rpath,"$out/opt/lib" -o "$out/with_wrapper"
echo "  from C++: $("$out/with_wrapper")"
objdump -p "$out/with_pkg_config" | grep -q "NEEDED  *libnextapi_webhook.so.$abi\$"

cmake -S "$here/cmake" -B "$out/cmake" -DCMAKE_PREFIX_PATH="$out/opt" >/dev/null
cmake --build "$out/cmake" >/dev/null
echo "  CMake, shared: $("$out/cmake/shared")"
echo "  CMake, static: $("$out/cmake/static")"
cmake -S "$here/cmake/versions" -B "$out/cmake-versions" -DCMAKE_PREFIX_PATH="$out/opt" -DVERSION="$version" \
    >"$out/cmake-versions.log" || { cat "$out/cmake-versions.log"; exit 1; }
sed -n 's/^-- \(versions.*\)/  CMake, \1/p' "$out/cmake-versions.log"
