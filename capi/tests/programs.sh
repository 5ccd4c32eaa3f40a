#!/usr/bin/env bash
# Builds the test programs against the static library, as C99 and as C++, with the header for C++ as well, and
# runs them.
#
#   tests/programs.sh BUILT OUT sanitizers   under AddressSanitizer and UndefinedBehaviorSanitizer
#   tests/programs.sh BUILT OUT valgrind     under memcheck, against the shared library
#
# BUILT is the path of the libraries without .a and .so, OUT a folder for the programs; ABI, in the
# environment, is the number in the shared library's name.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
built=$1 out=$2 under=$3
vectors=$here/../../verifier/tests/vectors/deliveries.tsv
warnings=(-Wall -Wextra -Werror -Wpedantic)
mkdir -p "$out"

# compile LANGUAGE STANDARD NAME OPTION…
compile() {
    "${CC:-cc}" -x "$1" -std="$2" "${warnings[@]}" -I "$here/../include" "$here/c/$3.c" -x none \
        -g "${@:4}" -o "$out/$3"
}

if [ "$under" = sanitizers ]; then
    for standard in c++11 c++20; do
        "${CXX:-c++}" -std="$standard" "${warnings[@]}" -Wconversion -g -O1 \
            -fsanitize=address,undefined -fno-sanitize-recover=all -I "$here/../include" "$here/c/wrapper.cpp" \
            "$built.a" -o "$out/wrapper"
        printf '  %-9s wrapper: ' "$standard"
        "$out/wrapper"
    done
    # What firmware compiles with; nothing of it is linked.
    echo '#include <nextapi_webhook.hpp>' | "${CXX:-c++}" -x c++ -std=c++11 "${warnings[@]}" -fno-exceptions -fno-rtti \
        -Wshadow -Wold-style-cast -I "$here/../include" -fsyntax-only -
fi

for name in functions vectors; do
    if [ "$under" = sanitizers ]; then
        for language in 'c c99' 'c++ c++11'; do
            # shellcheck disable=SC2086
            compile $language "$name" -O1 -fsanitize=address,undefined -fno-sanitize-recover=all "$built.a"
            printf '  %-9s %s: ' "${language#* }" "$name"
            "$out/$name" "$vectors"
        done
    else
        compile c c99 "$name" -DMEMCHECK "$built.so" "-Wl,-rpath,$out"
        ln -sf "$(realpath "$built.so")" "$out/libnextapi_webhook.so.$ABI"
        printf '  memcheck  %s: ' "$name"
        valgrind --quiet --error-exitcode=99 --leak-check=full --track-origins=yes "$out/$name" "$vectors"
    fi
done
