# Versions of tools that are no dependency of anything, and so stand in no lock file.
CARGO_DENY_VERSION := 0.20.2
CARGO_FUZZ_VERSION := 0.13.2
CARGO_MUTANTS_VERSION := 27.1.0
CBINDGEN_VERSION := 0.29.4
CARGO_SEMVER_CHECKS_VERSION := 0.51.0
# Miri and the fuzzers need a nightly compiler. Which one does not matter.
NIGHTLY := nightly
