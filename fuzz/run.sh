#!/usr/bin/env bash
# Runs every fuzz target for so many seconds, starting from its seeds. Needs cargo-fuzz and a nightly
# compiler.
#
#   fuzz/run.sh 10            fails if a target finds a fault
#   fuzz/run.sh 60 planted    plants a fault in every target, and fails if one is not found
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
mode=${2:-}
targets=(header verify stream event replay_window c_interface)
fuzz=(cargo "+${NIGHTLY:-nightly}" fuzz)

say() {
    printf '\n\033[1m==> %s\033[0m\n' "$1"
}

# run TARGET CORPUS [OPTION…]
run() {
    local target=$1 corpus=$2 dictionary=fuzz/dictionaries/$1.dict
    local options=(-max_total_time="$seconds" -timeout=10)
    if [ -f "$dictionary" ]; then
        options+=(-dict="$dictionary")
    fi
    mkdir -p "$corpus"
    "${fuzz[@]}" run "${features[@]}" "$target" "$corpus" "fuzz/seeds/$target" -- \
        "${options[@]}" "${@:3}" 2>&1
}

if [ "$mode" = planted ]; then
    features=(--features planted-fault)
    say 'Building the fuzz targets with planted faults'
    "${fuzz[@]}" build "${features[@]}"
    # What is found here is no finding: nothing of it is kept.
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    for target in "${targets[@]}"; do
        start=$SECONDS
        log=$scratch/$target.log
        if run "$target" "$scratch/$target" -artifact_prefix="$scratch/$target-" >"$log"; then
            echo "$target did not find its planted fault in $seconds s"
            exit 1
        elif ! grep -a -q "panicked at fuzz_targets/$target.rs" "$log"; then
            cat "$log"
            echo "$target failed, but not by finding its planted fault"
            exit 1
        fi
        echo "$target found its planted fault after $((SECONDS - start)) s"
    done
else
    features=()
    say 'Building the fuzz targets'
    "${fuzz[@]}" build
    for target in "${targets[@]}"; do
        say "Fuzzing $target for $seconds s"
        # Progress without a line for every input that is kept. A dictionary for the next run is not
        # wanted either.
        run "$target" "fuzz/corpus/$target" -print_funcs=0 -print_final_stats=1 |
            grep -a -v -E '^#[0-9]+[[:space:]]+(NEW|REDUCE|RELOAD)|^"|^###### '
    done
    say "No fault found"
fi
