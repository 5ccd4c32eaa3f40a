#!/usr/bin/env bash
# What the library may take from outside, for archive.sh and symbols.sh: names with `|` between them.
#
#   tests/outside.sh TARGET       TARGET is what rustc calls the machine
set -euo pipefail

# Memory functions, which every libc has. So nothing allocates, reads a clock, writes or aborts.
names='memcpy|memmove|memset|memcmp|bcmp'
case $1 in
    # What LLVM makes there of a memset to zero.
    *-apple-*) names+='|bzero' ;;
    # Called once, to see whether the processor has instructions for SHA-256: it reads what the kernel told the
    # process at its start. capi/README.md says how to build without.
    aarch64-*-linux-*) names+='|getauxval' ;;
    # Where the linker puts the table of addresses. No function.
    i686-*) names+='|_GLOBAL_OFFSET_TABLE_' ;;
    # Where the linker puts memory, stack and the functions that are called by their address. No functions.
    wasm32-*) names+='|__linear_memory|__stack_pointer|__indirect_function_table' ;;
esac
echo "$names"
