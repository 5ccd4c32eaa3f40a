#!/usr/bin/env bash
# Builds the static and the shared library, and gathers in a folder what `make install` lays out.
#
#   packaging/build.sh STAGE ABI [TARGET [KINDS]]
#
# STAGE is the folder, ABI the number in the shared library's name, TARGET what rustc calls the machine to
# build for: by default CARGO_BUILD_TARGET, else this machine. KINDS is `staticlib` if no shared library is
# wanted. Where cargo itself builds, as set with CARGO_TARGET_DIR for instance, does not matter.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stage=$1 abi=$2 target=${3:-${CARGO_BUILD_TARGET:-}}
host=$(rustc -vV | sed -n 's/^host: //p')
target=${target:-$host}

kinds=staticlib,cdylib
case $target in
    *-apple-*)
        link=(-C "link-arg=-Wl,-install_name,@rpath/libnextapi_webhook.$abi.dylib" -C link-arg=-lSystem) ;;
    # There rustc links libc statically, and gives no shared libraries.
    *-linux-musl*) kinds=staticlib ;;
    *-linux-* | *-android* | *bsd*)
        link=(-C "link-arg=-Wl,-soname,libnextapi_webhook.so.$abi,-z,defs" -C link-arg=-lc) ;;
    *) kinds=staticlib ;;
esac
[ "${4:-}" = staticlib ] && kinds=staticlib
# No array here is empty when it is expanded: for the bash of macOS, 3.2, that would be an unset variable.
build=(cargo rustc --quiet --profile capi --package nextapi-webhook-c --features panic-handler)
build+=(--crate-type "$kinds" --target "$target" --message-format json-render-diagnostics)
# Optimised for size, sha2 keeps checks of indexes there that cannot fail, and the panic that they lead to.
[[ $target == aarch64-* ]] && build+=(--config profile.capi.package.sha2.opt-level=3)
[ "$kinds" = staticlib ] || build+=(-- "${link[@]}")

# Emptied first, so that a build that fails or is interrupted leaves nothing to be installed.
rm -rf "$stage"
mkdir -p "$stage"
stage=$(cd "$stage" && pwd)
cd "$here/../.."
# Cargo says which files it has written.
"${build[@]}" |
    sed -n 's/.*"name":"nextapi_webhook_c".*"filenames":\[\([^]]*\)\].*/\1/p' | tr ',' '\n' | tr -d '"' |
    while read -r file; do
        cp "$file" "$stage/libnextapi_webhook.${file##*.}"
    done
cp "$here"/../include/* LICENSE-* "$stage"
test -e "$stage/libnextapi_webhook.a"
version=$(cargo pkgid --package nextapi-webhook-c | sed 's/.*[#@]//')
echo "$version $abi $target $host" >"$stage/built"
