#!/usr/bin/env bash
# What a static library leads to: no panic, and nothing from outside but what
# tests/outside.sh lists.
#
#   tests/archive.sh ARCHIVE TARGET            TARGET is what rustc calls the machine
#   tests/archive.sh ARCHIVE TARGET planted    fails unless panics are found
#
# NM, in the environment, is a nm that can read objects for that machine.
#
# The crate with all that it depends on is the first object of the archive: what cannot be reached was left out
# when it was linked, so a function that could panic would have brought the panic along. The other objects are
# the run-time library of Rust's compiler; of these, what the first one leads to is followed as a linker does.
set -euo pipefail
archive=$1 target=$2 mode=${3:-}

outside=$("$(dirname "$0")/outside.sh" "$target")
"${NM:-nm}" -A -P "$archive" 2>/dev/null | awk -v archive="$archive" -v target="$target" -v outside="$outside" \
    -v planted="$mode" '
    # LIBRARY[OBJECT]: NAME TYPE …
    {
        object = $1; sub(/^[^[]*\[/, "", object); sub(/\]:$/, "", object)
        name = $2
        if (target ~ /-apple-/) sub(/^_/, "", name)
        if (!first) first = object
        if ($3 == "U") wanted[object] = wanted[object] " " name
        else if ($3 !~ /[wv]/) {
            if ($3 ~ /[A-Z]/ && !(name in defined)) defined[name] = object
            here[object] = here[object] " " name
        }
    }
    function look(object,    names, count, i) {
        if (object in seen) return
        seen[object] = 1
        count = split(here[object] wanted[object], names)
        for (i = 1; i <= count; i++)
            if (names[i] ~ /panicking|panic_|[Uu]nwind|eh_personality/) panics[names[i]] = object
        count = split(wanted[object], names)
        for (i = 1; i <= count; i++) {
            if (names[i] in defined) look(defined[names[i]])
            else if (names[i] !~ "^(" outside ")$") taken[names[i]] = object
        }
    }
    END {
        if (first !~ /^nextapi_webhook_c/) { print "the first object is " first > "/dev/stderr"; exit 1 }
        look(first)
        for (name in panics) found++
        if (planted) { printf "  panics: %d symbols\n", found; exit found == 0 }
        for (name in panics) print archive ": a panic can be reached: " name > "/dev/stderr"
        for (name in taken) { print archive ": taken from outside: " name > "/dev/stderr"; found++ }
        exit found > 0
    }'
