#!/usr/bin/env bash
# Runs every fuzz target for so many seconds, starting from its seeds. Needs cargo-fuzz and a nightly
# compiler.
#
#   fuzz/run.sh 10            under AddressSanitizer; fails if a target finds a fault
#   fuzz/run.sh 60 planted    plants a fault in every target, and fails if one is not found
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
seconds=$1
mode=${2:-}
fuzz=(cargo "$nightly" fuzz)

# find TARGET BINARY EVIDENCE: fails unless the target fails with that in its output. Nothing of it is kept:
# what is found here is no finding.
find_planted() {
    local target=$1 binary=$2 evidence=$3
    local start=$SECONDS log=$scratch/log
    options_of "$target"
    rm -rf "${scratch:?}/corpus"
    mkdir "$scratch/corpus"
    if "$binary" "${options[@]}" -max_total_time="$seconds" -artifact_prefix="$scratch/" \
        "$scratch/corpus" "fuzz/seeds/$target" >"$log" 2>&1; then
        echo "$target did not find its planted fault in $seconds s"
        exit 1
    elif ! grep -a -q "$evidence" "$log"; then
        cat "$log"
        echo "$target failed, but not by finding its planted fault"
        exit 1
    fi
    echo "$target found its planted fault after $((SECONDS - start)) s"
}

if [ "$mode" = planted ]; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    say 'Building the fuzz targets with planted faults'
    build_fast --features planted-fault
    for target in "${targets[@]}"; do
        find_planted "$target" "$fast/$target" "panicked at fuzz_targets/$target[./]"
    done
    say 'Building the C interface with a planted overread, under AddressSanitizer'
    "${fuzz[@]}" build --features planted-overread c_interface
    host=$(rustc "$nightly" -vV | sed -n 's/^host: //p')
    find_planted c_interface "fuzz/target/$host/release/c_interface" 'AddressSanitizer: heap-buffer-overflow'
else
    say 'Building the fuzz targets'
    "${fuzz[@]}" build
    for target in "${targets[@]}"; do
        say "Fuzzing $target for $seconds s"
        options_of "$target"
        mkdir -p "fuzz/corpus/$target"
        # Progress without a line for every input that is kept. A dictionary for the next run is not
        # wanted either.
        "${fuzz[@]}" run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
            "${options[@]}" -max_total_time="$seconds" 2>&1 |
            grep -a -v -E '^#[0-9]+[[:space:]]+(NEW|REDUCE|RELOAD)|^"|^###### '
    done
    say "No fault found"
fi
