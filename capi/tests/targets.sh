#!/usr/bin/env bash
# The static library for many machines, at the levels of optimisation that people choose: what it leads to
# (tests/archive.sh), and how large it is. No linker for these machines is needed.
#
#   tests/targets.sh README TARGETS            fails as well if a size in README is off by more than 2 %
#   tests/targets.sh README TARGETS write      writes the sizes into README
#
# LEVELS has the levels to check, all if not said otherwise.
#
# The size is that of the code, constants and data of the whole library. A program has less: the linker leaves
# out what is not called. For bare metal, SHA-256 is the compact one, as the README says.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
readme=$1 mode=${3:-check}
read -ra targets <<<"$2"
levels=(3 s z)
tools=$(rustc --print target-libdir)/../bin
begin='<!-- sizes: make c-sizes -->' end='<!-- end of sizes -->'
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
object=$scratch/object

table='| target | `3` | `s` | `z` |'$'\n''| --- | --- | --- | --- |'
failed=
if [ "$mode" = write ]; then LEVELS=; fi
for target in "${targets[@]}"; do
    flags=
    [[ $target == *-none-* ]] && flags='--cfg sha2_backend_soft="compact"'
    row="| \`$target\` |"
    for level in "${levels[@]}"; do
        if [[ " ${LEVELS:-${levels[*]}} " != *" $level "* ]]; then
            row+=' - |'
            continue
        fi
        CARGO_PROFILE_CAPI_OPT_LEVEL=$level RUSTFLAGS=$flags \
            "$here/../packaging/build.sh" "$scratch/stage" 0 "$target" staticlib
        archive=$scratch/stage/libnextapi_webhook.a
        NM=$tools/llvm-nm "$here/archive.sh" "$archive" "$target" || failed+=" $target/$level"
        "$tools/llvm-ar" p "$archive" "$("$tools/llvm-ar" t "$archive" | head -n 1)" >"$object"
        row+=$("$tools/llvm-size" "$object" | awk 'NR == 2 {printf " %.1f KB |", ($1 + $2) / 1000}')
    done
    table+=$'\n'$row
    echo "  $row"
done
if [ -n "$failed" ]; then
    echo "a panic, or more than memory functions, at:$failed" >&2
    exit 1
fi

if [ "$mode" = write ]; then
    TABLE=$table awk -v begin="$begin" -v end="$end" '
        $0 == end {print ENVIRON["TABLE"] "\n"; skip = 0}
        !skip {print}
        $0 == begin {print ""; skip = 1}' "$readme" >"$object"
    cat "$object" >"$readme"
fi
# Figure by figure: both tables have the same rows, or something is missing.
sed -n "\\|^$begin\$|,\\|^$end\$|p" "$readme" | grep '^|' | paste -d '|' - <(printf '%s\n' "$table") |
    awk -F '|' '
        NR > 2 {
            if ($2 != $8) stale = 1
            for (i = 3; i <= 5; i++) {
                if ($(i + 6) == " - ") continue
                compared++
                said = $i + 0; is = $(i + 6) + 0
                if (said < 0.98 * is - 0.05 || said > 1.02 * is + 0.05) stale = 1
            }
            rows++
        }
        END {exit stale || rows == 0 || compared < rows}' || {
    echo "the sizes in $readme are out of date: make c-sizes" >&2
    exit 1
}
