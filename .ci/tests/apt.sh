#!/usr/bin/env bash
# The macro of apt.mk: silent where nothing is missing, installs as root and says what, refuses otherwise.
# `id` and `apt-get` are replaced by scripts, so that nothing is installed here.
set -euo pipefail
repository="$(cd "$(dirname "$0")/../.." && pwd)"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

fail() { echo "apt.mk: $1" >&2; exit 1; }

mkdir "$folder/bin"
printf '#!/bin/sh\necho "$USER_ID"\n' > "$folder/bin/id"
printf '#!/bin/sh\necho "apt-get $*" >> "$CALLS"\n' > "$folder/bin/apt-get"
chmod +x "$folder/bin/"*
cat > "$folder/Makefile" <<MAKEFILE
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
include $repository/apt.mk
missing:
	\$(call debian,some-tool libsome-dev,command -v tool-that-nobody-has && true)
	@echo continued
present:
	\$(call debian,bash,command -v bash && true)
	@echo continued
MAKEFILE

# run USER_ID TARGET: the output in $output, the exit status in $status, calls of apt-get in $folder/calls.
run() {
  : > "$folder/calls"
  status=0
  output="$(PATH="$folder/bin:$PATH" USER_ID="$1" CALLS="$folder/calls" \
    make --no-print-directory -C "$folder" "$2" 2>&1)" || status=$?
}

run 1000 present
[ "$status $output" = "0 continued" ] || fail "a tool that is there was not left alone: $output"
run 0 present
[ ! -s "$folder/calls" ] || fail "root installed what was there"

run 1000 missing
[ "$status" != 0 ] || fail "went on without the tool"
[ ! -s "$folder/calls" ] || fail "called apt-get without being root"
grep -q '^On Debian: sudo apt-get install some-tool libsome-dev$' <<< "$output" || fail "no command: $output"
! grep -q continued <<< "$output" || fail "went on after the refusal"

run 0 missing
[ "$status" = 0 ] || fail "root's installation failed: $output"
grep -q '^Installing Debian packages: some-tool libsome-dev$' <<< "$output" || fail "installed silently: $output"
grep -q '^apt-get install .*some-tool libsome-dev$' "$folder/calls" || fail "installed nothing"
grep -q '^continued$' <<< "$output" || fail "did not go on after installing"
