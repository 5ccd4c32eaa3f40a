#!/usr/bin/env bash
# Runs the fuzz targets for so many executions, without a sanitizer and at the lowest priority. They are
# counted for the commit: who interrupts it, and starts it again, loses at most a minute. Needs a nightly
# compiler.
#
#   fuzz/long.sh                            a thousand million executions, and some
#   fuzz/long.sh 'header=400 event=250'     so many millions of these targets
#
# All that is known about a commit is in fuzz/long/COMMIT/, and what is worth keeping in its table.md.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
# shellcheck disable=SC2206
millions=(${1:-header=400 event=250 c_interface=150 verify=100 stream=100 replay_window=10})

if [ -n "$(git status --porcelain -- fuzz verifier capi Cargo.toml)" ]; then
    echo 'Executions are counted for a commit: commit what has been changed first.' >&2
    git status --short -- fuzz verifier capi Cargo.toml >&2
    exit 1
fi
commit=$(git rev-parse HEAD)
kept=fuzz/long/$commit

# Sets `executions`, `cpu` (seconds) and `findings` to what has been counted for a target.
count() {
    read -r executions cpu findings < <(
        awk '{ n += $1; cpu += $2; found += $3 } END { printf "%d %d %d\n", n, cpu, found }' \
            "$kept/$1.rounds" 2>/dev/null || echo 0 0 0
    )
}

# Sets `edges`, `all_edges`, `features` and `inputs` to what a target has covered, by its last round.
measure() {
    local log=$kept/$1.log
    all_edges=$(sed -n 's/.*Loaded 1 modules *(\([0-9]*\) inline.*/\1/p' "$log" | head -1)
    read -r edges features inputs < <(
        sed -n 's/^#[0-9].* cov: \([0-9]*\) ft: \([0-9]*\) corp: \([0-9]*\).*/\1 \2 \3/p' "$log" | tail -1
    ) || edges='?' features='?' inputs='?'
}

# One round of a minute, or less if `left` executions take less. Its executions, seconds of processor time and
# whether it found a fault go into the target's rounds.
play() {
    local target=$1 left=$2 log=$kept/$1.log status=0 found=0
    options_of "$target"
    mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
    {
        time nice -n 19 "$kept/bin/$target" "${options[@]}" -runs="$left" -max_total_time=60 -reload=0 \
            -artifact_prefix="fuzz/artifacts/$target/" "fuzz/corpus/$target" "fuzz/seeds/$target" \
            >"$log" 2>&1
    } 2>"$kept/$target.time" || status=$?
    # libFuzzer's own statuses: 0 when it has done what it was asked for, 72 when it was interrupted.
    [ "$status" = 0 ] || [ "$status" = 72 ] || found=1
    awk -v found="$found" -v seconds="$(cat "$kept/$target.time")" '
        /^stat::number_of_executed_units:/ { executions = $2 }
        END { split(seconds, s, " "); print executions + 0, s[1] + s[2], found }
    ' "$log" >>"$kept/$target.rounds"
    [ "$status" != 72 ] && [ -z "$is_stopped" ] || exit 130
    [ "$found" = 0 ] || {
        tail -n 40 "$log"
        echo "$target found a fault, see fuzz/artifacts/$target/"
        return 1
    }
}
TIMEFORMAT='%U %S'
# The fuzzer hears of Ctrl-C as well, and says how far it came.
is_stopped=
trap 'is_stopped=yes' INT TERM

table() {
    printf 'Fuzzed without a sanitizer at %s, with %s, on %s.\n\n' "$commit" "$(rustc "$nightly" --version)" \
        "$(sed -n 's/^model name\t*: //p' /proc/cpuinfo | head -1)"
    echo '| target | executions | per second of a core | edges of all | features | inputs kept | findings |'
    echo '| --- | ---: | ---: | ---: | ---: | ---: | ---: |'
    local target all=0 all_cpu=0 all_findings=0
    for target in "${targets[@]}"; do
        [ -s "$kept/$target.rounds" ] || continue
        count "$target"
        measure "$target"
        all=$((all + executions)) all_cpu=$((all_cpu + cpu)) all_findings=$((all_findings + findings))
        row "\`$target\`" "$executions" "$cpu" "$edges of $all_edges" "$features" "$inputs" "$findings"
    done
    row 'all' "$all" "$all_cpu" '' '' '' "$all_findings"
}

# row TARGET EXECUTIONS CPU EDGES FEATURES INPUTS FINDINGS
row() {
    printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$1" "$(grouped "$2")" \
        "$(grouped $(($2 / ($3 > 0 ? $3 : 1))))" "${@:4}"
}

# A number with commas between its thousands.
grouped() {
    sed ':next; s/\B[0-9]\{3\}\>/,&/; t next' <<<"$1"
}

say "Building the fuzz targets of $commit"
# shellcheck disable=SC2119
build_fast
mkdir -p "$kept/bin"
cp "${targets[@]/#/$fast/}" "$kept/bin/"

failed=()
for wanted in "${millions[@]}"; do
    target=${wanted%=*}
    if ! [[ " ${targets[*]} " == *" $target "* && $wanted =~ ^[a-z_]+=[0-9]+$ ]]; then
        echo "not TARGET=MILLIONS, where TARGET is one of ${targets[*]}: $wanted" >&2
        exit 1
    fi
    goal=$((${wanted#*=} * 1000000))
    say "Fuzzing $target for ${wanted#*=} million executions"
    count "$target"
    while [ "$executions" -lt "$goal" ]; do
        play "$target" $((goal - executions)) || { failed+=("$target"); break; }
        count "$target"
        measure "$target"
        printf '%s %d of %d million, %d edges, %d minutes left\n' "$target" $((executions / 1000000)) \
            $((goal / 1000000)) "$edges" \
            $(((goal - executions) * cpu / (executions > 0 ? executions : 1) / 60))
    done
done
table | tee "$kept/table.md"
if [ ${#failed[@]} -gt 0 ]; then
    say "Faults found by ${failed[*]}"
    exit 1
fi
say 'No fault found'
