# What run.sh and long.sh have in common. To be sourced, in bash.
# shellcheck shell=bash disable=SC2034
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
nightly=+${NIGHTLY:-nightly}
targets=(header event c_interface verify stream replay_window)
# Bytes of the longest input. The longest header has 1,024; what is in a body, and how it is cut, needs no
# more than a few blocks of the hash.
declare -A longest=(
    [header]=1100 [event]=512 [c_interface]=512 [verify]=512 [stream]=512 [replay_window]=256
)

say() {
    printf '\n\033[1m==> %s\033[0m\n' "$1"
}

# Sets `options` to what libFuzzer is told about a target.
options_of() {
    options=(-max_len="${longest[$1]}" -timeout=10 -print_funcs=0 -print_final_stats=1)
    if [ -f "fuzz/dictionaries/$1.dict" ]; then
        options+=(-dict="fuzz/dictionaries/$1.dict")
    fi
}

# Where `build_fast` leaves the targets.
fast=fuzz/target/fast/release

# Builds the targets without a sanitizer. The arguments are more options for cargo.
build_fast() {
    RUSTC_WRAPPER=$PWD/fuzz/instrument.sh CARGO_PROFILE_RELEASE_DEBUG=line-tables-only \
        cargo "$nightly" build --release --locked --manifest-path fuzz/Cargo.toml \
        --target-dir fuzz/target/fast "$@"
}
