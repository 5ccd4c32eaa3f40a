#!/usr/bin/env bash
# Lays the library out as a distribution would. `make install` calls it with the folders in the
# environment: PREFIX, LIBDIR, INCLUDEDIR, and DESTDIR in front of them for a package being built.
#
#   packaging/install.sh BUILT VERSION ABI     BUILT is the path of the libraries without .a and .so
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
built=$1 version=$2 abi=$3
library=${DESTDIR:-}$LIBDIR

fill() {
    sed -e "s|@PREFIX@|$PREFIX|g" -e "s|@LIBDIR@|$LIBDIR|g" -e "s|@INCLUDEDIR@|$INCLUDEDIR|g" \
        -e "s|@VERSION@|$version|g" -e "s|@ABI@|$abi|g" -e "s|@MAJOR_MINOR@|${version%.*}|g" \
        -e "s|@INCLUDE_FROM_LIB@|$(realpath --canonicalize-missing --relative-to="$LIBDIR" "$INCLUDEDIR")|g" \
        "$here/$1.in" >"$2/$1"
    chmod 644 "$2/$1"
}

install -d "$library/pkgconfig" "$library/cmake/nextapi_webhook" "${DESTDIR:-}$INCLUDEDIR"
install -m 644 "$here/../include/nextapi_webhook.h" "${DESTDIR:-}$INCLUDEDIR"
install -m 644 "$built.a" "$library/libnextapi_webhook.a"
strip --strip-debug "$library/libnextapi_webhook.a"
install -m 755 "$built.so" "$library/libnextapi_webhook.so.$version"
strip --strip-unneeded "$library/libnextapi_webhook.so.$version"
ln -sf "libnextapi_webhook.so.$version" "$library/libnextapi_webhook.so.$abi"
ln -sf "libnextapi_webhook.so.$abi" "$library/libnextapi_webhook.so"
fill nextapi_webhook.pc "$library/pkgconfig"
fill nextapi_webhook-config.cmake "$library/cmake/nextapi_webhook"
fill nextapi_webhook-config-version.cmake "$library/cmake/nextapi_webhook"
