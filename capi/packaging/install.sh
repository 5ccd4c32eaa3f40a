#!/usr/bin/env bash
# Lays the library out as a distribution would. `make install` calls it with the folders in the
# environment: PREFIX, LIBDIR, INCLUDEDIR, DOCDIR, and DESTDIR in front of them for a package being built. It builds
# nothing, and takes nothing but what packaging/build.sh has gathered.
#
#   packaging/install.sh STAGE [TARGET]     STAGE is that folder, TARGET the machine to install for: by
#                                           default CARGO_BUILD_TARGET, else this machine
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stage=$1 wanted=${2:-${CARGO_BUILD_TARGET:-}}
root=${DESTDIR:-} strip=${STRIP:-strip}

refuse() {
    printf 'make install: %s\n' "$@" >&2
    exit 1
}

[ -e "$stage/built" ] || refuse "nothing has been built; run: make c-library${wanted:+ TARGET=$wanted}"
read -r version abi target host <"$stage/built"
if [ "${wanted:-$host}" != "$target" ]; then
    refuse "what was built last is for $target, not for ${wanted:-this machine}" \
        "to install that one, run: make install TARGET=$target" \
        "to build the other, run: make c-library${wanted:+ TARGET=$wanted}"
fi
[ -e "$stage/libnextapi_webhook.so" ] || refuse \
    "only ELF shared libraries can be installed, and for $target there is none" \
    "what was built is in $stage: $(cd "$stage" && echo libnextapi_webhook.*)"
for folder in "$PREFIX" "$LIBDIR" "$INCLUDEDIR" "$DOCDIR"; do
    [[ $folder == /* ]] || refuse "not an absolute path: $folder"
done
include_from_lib=$(realpath --canonicalize-missing --relative-to="$LIBDIR" "$INCLUDEDIR" 2>/dev/null) ||
    refuse 'realpath cannot compute a relative path: GNU coreutils are needed'

# Stripped before anything is laid out.
stripped=$(mktemp -d)
trap 'rm -rf "$stripped"' EXIT
cp "$stage/libnextapi_webhook.a" "$stage/libnextapi_webhook.so" "$stripped"
if ! { "$strip" --strip-unneeded "$stripped/libnextapi_webhook.so" &&
    "$strip" --strip-debug "$stripped/libnextapi_webhook.a"; } 2>/dev/null; then
    refuse "$strip cannot strip libraries for $target; name one that can, such as STRIP=llvm-strip"
fi

fill() {
    sed -e "s|@PREFIX@|$PREFIX|g" -e "s|@LIBDIR@|$LIBDIR|g" -e "s|@INCLUDEDIR@|$INCLUDEDIR|g" \
        -e "s|@VERSION@|$version|g" -e "s|@ABI@|$abi|g" -e "s|@INCLUDE_FROM_LIB@|$include_from_lib|g" \
        "$here/$1.in" >"$2/$1"
    chmod 644 "$2/$1"
}

library=$root$LIBDIR
install -d "$library/pkgconfig" "$library/cmake/nextapi_webhook" "$root$INCLUDEDIR" "$root$DOCDIR"
install -m 644 "$stage"/LICENSE-* "$root$DOCDIR"
install -m 644 "$stage"/*.h "$stage"/*.hpp "$root$INCLUDEDIR"
install -m 644 "$stripped/libnextapi_webhook.a" "$library"
install -m 755 "$stripped/libnextapi_webhook.so" "$library/libnextapi_webhook.so.$version"
ln -sf "libnextapi_webhook.so.$version" "$library/libnextapi_webhook.so.$abi"
ln -sf "libnextapi_webhook.so.$abi" "$library/libnextapi_webhook.so"
fill nextapi_webhook.pc "$library/pkgconfig"
fill nextapi_webhook-config.cmake "$library/cmake/nextapi_webhook"
fill nextapi_webhook-config-version.cmake "$library/cmake/nextapi_webhook"
echo "libnextapi_webhook $version for $target is in $library"
