#!/usr/bin/env bash
# Packages every crate that may be published, builds each from what its package contains, and fails if a package
# lacks a licence's text. Cargo packs what is in a crate's own folder only: the texts are links there.
set -euo pipefail
cd "$(dirname "$0")/.."

published=$(cargo metadata --no-deps --format-version 1 | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    if package["publish"] is None:
        print(package["name"], package["version"])')
[ -n "$published" ] || { echo 'no crate may be published' >&2; exit 1; }
while read -r name version; do
    cargo package --package "$name" --allow-dirty "$@"
    for text in LICENSE-APACHE LICENSE-MIT; do
        tar --extract --gzip --to-stdout --file "${CARGO_TARGET_DIR:-target}/package/$name-$version.crate" \
            "$name-$version/$text" | cmp - "$text" || { echo "$name is packaged without $text" >&2; exit 1; }
    done
    echo "$name $version has both licences"
done <<<"$published"
