#!/usr/bin/env bash
# Stands between cargo and the compiler, as RUSTC_WRAPPER. Tells libFuzzer about the branches of the
# verifier, the C library and the targets, and of nothing else: what the oracles, hashes and the standard
# library do is not what is looked for, and costs nine tenths of the time.
set -eu
if [[ ${CARGO_PKG_NAME:-} =~ ^nextapi-webhook(-c|-fuzz)?$ && $CARGO_CRATE_NAME != nextapi_webhook_fuzz ]]; then
    # What cargo-fuzz sets, without the sanitizer. Overflow and broken assertions are faults here.
    set -- "$@" -Cdebug-assertions -Ccodegen-units=1 -Cpasses=sancov-module \
        -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares \
        -Cllvm-args=-simplifycfg-branch-fold-threshold=0
fi
exec "$@"
