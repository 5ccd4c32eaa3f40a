# Every target does the set-up that it needs, once. What it fetches goes into .tools/, target/ and the folders
# node_modules/, which git ignores. Versions are pinned in lock files and in tools.mk.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help

include tools.mk
include apt.mk

# wrangler asks the network nothing unless it deploys.
export WRANGLER_SEND_METRICS := false
export CLOUDFLARE_CF_FETCH_ENABLED := false

# What a line of progress looks like: the time of day, and what begins.
say = @printf '\n\033[1m==> %(%H:%M:%S)T  %s\033[0m\n' -1 "$(1)"

comma := ,

# The tool follows the library that it belongs to: one version, in Cargo.lock.
locked = $(shell awk '/^name = "$(1)"$$/{getline; gsub(/version = |"/, ""); print}' Cargo.lock)
WASM_BINDGEN_VERSION := $(call locked,wasm-bindgen)
# One empty file per tool and version says that it is there.
WASM_BINDGEN := .tools/installed/wasm-bindgen-$(WASM_BINDGEN_VERSION)
CARGO_DENY := .tools/installed/cargo-deny-$(CARGO_DENY_VERSION)
CARGO_FUZZ := .tools/installed/cargo-fuzz-$(CARGO_FUZZ_VERSION)
CARGO_MUTANTS := .tools/installed/cargo-mutants-$(CARGO_MUTANTS_VERSION)
CARGO_SEMVER_CHECKS := .tools/installed/cargo-semver-checks-$(CARGO_SEMVER_CHECKS_VERSION)

# What the verifier can have, so that its tests see it. Not defmt: what it leaves for firmware's linker, the
# edge's library cannot be linked with.
VERIFIER_FEATURES := nextapi-webhook/embedded-io-async,nextapi-webhook/serde,nextapi-webhook/std,nextapi-webhook/zeroize
# What the client can have.
CLIENT_FEATURES := nextapi-client/reqwest,nextapi-client/serde
NO_STD_TARGETS := wasm32-unknown-unknown thumbv7em-none-eabihf x86_64-unknown-none
EDGE := edge-worker
BUNDLE := $(EDGE)/build/index.js
# The same worker with faults on request, for tests only.
FAULTS_BUNDLE := $(EDGE)/build-faults/index.js
# The operator's page, a module of the worker's.
CONSOLE := $(EDGE)/build-console/page.js
EDGE_SOURCES := $(CONSOLE) $(shell find verifier/src client/src $(EDGE)/core/src $(EDGE)/src $(EDGE)/entry -type f) \
	verifier/Cargo.toml client/Cargo.toml $(EDGE)/core/Cargo.toml $(EDGE)/Cargo.toml Cargo.toml Cargo.lock
# A program of the workspace, with the features that the whole workspace wants of its dependencies: so that
# what one program needs is not compiled again for the next.
program = cargo build --workspace --bin $(1)
HOOK := target/debug/nextapi-hook

## Two commands that do everything on a fresh machine

# Not empty: the edge stays, for a look at the operator's page, until Ctrl-C.
DEMO_STAY ?=

.PHONY: demo
demo: $(BUNDLE) hook ## real traffic through a local edge, the outcome; DEMO_STAY=1
	$(call say,Demo: provider -> edge (workerd) -> origin)
	$(HOOK) demo --edge-dir $(EDGE)$(if $(DEMO_STAY), --stay)

.PHONY: test
test: make-tests check types all-tests console-test vectors monitoring origins c-test no-std docs dry-run deny demo ## everything that is built, checked and shown to work
	$(call say,All checks passed)

## Day to day

.PHONY: build
build: $(BUNDLE) ## the worker's bundle, nextapi-hook and the libraries
	$(call say,Building the workspace)
	cargo build --workspace

.PHONY: edge
edge: $(BUNDLE) ## the worker's bundle: what `wrangler deploy` uploads

.PHONY: border
border: ## write entry/border.ts anew, after a change in Rust
	UPDATE_BORDER=1 cargo test --quiet --package nextapi-edge-core border

.PHONY: metrics-page
metrics-page: ## write docs/prometheus/metrics.txt anew, after a change
	UPDATE_METRICS=1 cargo test --quiet --package nextapi-edge-core the_example_page

# Where `make dev` listens, and the origin that it writes into a new `.dev.vars`.
PORT ?= 8787
ORIGIN ?= http://127.0.0.1:9000/

.PHONY: dev
dev: $(BUNDLE) $(EDGE)/.dev.vars ## serve the edge with `wrangler dev` on PORT until Ctrl-C
	@printf '%s\n' '' \
		'  webhook  http://127.0.0.1:$(PORT)/webhook' \
		"  origin   $$(sed -n 's/^ORIGIN_URL="\{0,1\}\([^"]*\)"\{0,1\}$$/\1/p' $(EDGE)/.dev.vars)" \
		'  secret   WEBHOOK_SECRETS in $(EDGE)/.dev.vars' '' \
		'Settings are in $(EDGE)/.dev.vars. Restart after a change. Stop with Ctrl-C.' ''
	cd $(EDGE) && exec node_modules/.bin/wrangler dev --ip 127.0.0.1 --port $(PORT)

# How many events, and the seed of everything that is drawn.
EVENTS ?= 10000
SEED ?= 2
# Who retries: `durable`, the edge, or `through`, the provider; `reconcile`: webhooks are lost.
MODE ?= durable

.PHONY: chaos
chaos: $(BUNDLE) $(FAULTS_BUNDLE) ## 10,000 events while everything fails; EVENTS= SEED= MODE=
	$(call say,Chaos run on workerd)
	EVENTS=$(EVENTS) SEED=$(SEED) MODE=$(MODE) cargo test --package nextapi-edge --test chaos -- --nocapture --exact chaos

# Every case with criterion's statistics; then how time grows; at the end the ratios beside their targets.
# Nothing is tested for time: other work on the machine would decide. The peers take minutes to build, once.
PEERS := --locked --manifest-path benches/peers/Cargo.toml --target-dir target/peers

.PHONY: bench
bench: ## the verifier beside its peers and SHA-256 (minutes)
	$(call say,Criterion: every case by size (a minute))
	cargo bench --package nextapi-webhook-benches --bench verify -- --quiet
	$(call say,Growth: by body$(comma) keys$(comma) signatures)
	cargo run --release --package nextapi-webhook-benches --bin growth
	$(call say,The longest header beside an ordinary one)
	cargo run --release --package nextapi-webhook-benches --bin headers
	$(call say,Ratios: ours beside its peers and the limit)
	cargo run --release $(PEERS)

# `workers`, `durable` or `macs`, all if not said otherwise; the bundle of an earlier worker, to compare with; how
# often everything is measured.
PARTS :=
BEFORE :=
ROUNDS :=

.PHONY: bench-edge
bench-edge: $(BUNDLE) ## the edge beside other workers; PARTS= BEFORE= ROUNDS=
	$(call say,The edge beside other workers (half an hour))
	cargo run --release --package nextapi-webhook-edge-bench -- \
		$(if $(BEFORE),--before $(abspath $(BEFORE))) $(if $(ROUNDS),--rounds $(ROUNDS)) $(PARTS)

.PHONY: bench-ledger
bench-ledger: $(BUNDLE) ## the ledger's growth, and what events cost (minutes)
	$(call say,The ledger with up to a million events$(comma) on workerd)
	cargo run --release --package nextapi-webhook-ledger-bench

SECTION := cargo run --quiet --package nextapi-webhook-benches --bin section --

.PHONY: bench-embedded
bench-embedded: .tools/installed/embedded ## flash, stack and instructions on a Cortex-M4
	$(call say,The firmware's figures (a minute or two))
	mkdir -p target
	cd firmware && cargo run --quiet --locked --package nextapi-firmware-host -- --markdown > $(CURDIR)/target/embedded.md
	$(SECTION) embedded --machine < target/embedded.md
	@cat target/embedded.md

.PHONY: clean
clean: ## remove what was built, keep the tools
	rm -rf target $(EDGE)/build $(EDGE)/build-console $(EDGE)/build-faults $(EDGE)/.wrangler

.PHONY: help
help: ## this list
	@printf 'make TARGET, where TARGET is one of:\n'
	@awk -F ':.*## ' '/^## /{heading = substr($$0, 4)} /^[a-z-]+:.*## /{ \
		if (heading) printf "\n%s\n", heading; heading = ""; printf "  %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## The parts of `make test`

.PHONY: check
check: .tools/installed/targets ## formatting and lints, warnings denied
	$(call say,Formatting and lints)
	@for lock in $$(git ls-files '*Cargo.lock'); do cargo update --workspace --locked --quiet \
		--manifest-path "$$(dirname "$$lock")/Cargo.toml" || { echo "$$lock is not what its Cargo.toml asks for" >&2; exit 1; }; done
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings
	cargo clippy --package nextapi-webhook --all-features -- --deny warnings
	cargo clippy --package nextapi-client --all-features --all-targets -- --deny warnings
	cargo clippy --package nextapi-edge --package nextapi-edge-faults --target wasm32-unknown-unknown -- --deny warnings

# Both bundles are built before: the declarations that wasm-bindgen writes are among what is checked.
.PHONY: types
types: $(BUNDLE) $(FAULTS_BUNDLE) ## the entry modules in TypeScript: types, lints
	$(call say,Types of the entry modules$(comma) and of what crosses the border to Rust)
	cd $(EDGE) && for project in . console tests/console tests/faults; do node_modules/.bin/tsc --project $$project; done
	cd $(EDGE) && node_modules/.bin/biome ci --error-on-warnings

# There are two ways to a verdict, by the length of the body. The end-to-end tests run a second time with the
# MACs of all bodies from the platform, except for those about what comes long after the verdict.
PLATFORM_MACS := END_TO_END_PLATFORM_MACS=1
AFTER_VERDICT := alarms durable jobs order origin_faults reconcile restarts settings steps upgrade watch
SKIP_AFTER_VERDICT := $(AFTER_VERDICT:%=--skip %::)

.PHONY: all-tests
all-tests: $(BUNDLE) $(FAULTS_BUNDLE) ## `unit` and `end-to-end`, compiled once for both
	$(call say,All tests: units$(comma) properties$(comma) vectors$(comma) doctests$(comma) the worker on real workerd)
	cargo test --workspace --features $(VERIFIER_FEATURES),$(CLIENT_FEATURES)
	$(PLATFORM_MACS) cargo test --workspace --features $(VERIFIER_FEATURES),$(CLIENT_FEATURES) --test end_to_end -- \
		$(SKIP_AFTER_VERDICT)

.PHONY: unit
unit: $(EDGE)/node_modules/.package-lock.json ## unit tests, property tests, published vectors, doctests
	$(call say,Unit tests$(comma) property tests$(comma) vectors$(comma) doctests)
	cargo test --workspace --exclude nextapi-edge --exclude nextapi-docs --features $(VERIFIER_FEATURES),$(CLIENT_FEATURES)
	cargo test --package nextapi-edge --lib

.PHONY: vectors
vectors: ## a second implementation, in Python, agrees with the vectors
	$(call say,The vectors$(comma) by a second implementation)
	$(call debian,python3,command -v python3)
	python3 verifier/tests/vectors/check.py

.PHONY: end-to-end
end-to-end: $(BUNDLE) $(FAULTS_BUNDLE) ## the built worker on workerd, SQLite and real sockets
	$(call say,End-to-end tests on workerd)
	cargo test --package nextapi-edge --test end_to_end --test chaos
	$(PLATFORM_MACS) cargo test --package nextapi-edge --test end_to_end -- $(SKIP_AFTER_VERDICT)

# Some of the stories, by a pattern.
STORY ?=

.PHONY: console-test
console-test: $(BUNDLE) ## the operator's page in a real browser; STORY=
	$(call say,The operator's page in Chromium)
	$(call debian,chromium,command -v chromium)
	STORY='$(STORY)' cargo test --workspace --features $(VERIFIER_FEATURES),$(CLIENT_FEATURES) --test console -- \
		--include-ignored --nocapture

.PHONY: no-std
no-std: .tools/installed/targets ## verifier, client, C library without a standard library
	$(call say,Verifier$(comma) client and C library without a standard library)
	# Machine code would say no more: what needs a standard library does not compile.
	for target in $(NO_STD_TARGETS); do cargo check --package nextapi-webhook \
		--features embedded-io-async --target $$target; done
	# The client shares limits by 64-bit atomics, which a Cortex-M has not.
	for target in wasm32-unknown-unknown x86_64-unknown-none; do cargo check --package nextapi-client \
		--features serde --target $$target; done
	$(C_BUILD) --crate-type staticlib --target thumbv7em-none-eabihf

# promtool is part of Debian's package, 19 MB. The configuration names a file with a token, which has to be there.
.PHONY: monitoring
monitoring: ## alert rules, dashboard, metrics page, by promtool
	$(call say,Prometheus$(comma) Grafana: what they ask for is there$(comma) and each alert fires and resolves)
	$(call debian,prometheus,command -v promtool)
	promtool check rules --lint-fatal docs/prometheus/alerts.yml
	promtool test rules docs/prometheus/alerts_test.yml
	promtool check metrics < docs/prometheus/metrics.txt
	@rm -rf target/monitoring && mkdir -p target/monitoring && cp docs/prometheus/*.yml target/monitoring
	@echo a-token > target/monitoring/nextapi-edge-token
	promtool check config target/monitoring/scrape.yml
	cargo test --workspace --features $(VERIFIER_FEATURES),$(CLIENT_FEATURES) --test documents -- monitoring

ORIGINS_PYTHON := .tools/origins/bin/python

.PHONY: origins
origins: docs/origins/node_modules/.package-lock.json .tools/origins/installed ## the servers of docs/receiving.md do what it says
	$(call say,The origins of docs/receiving.md)
	ORIGINS_PYTHON=$(CURDIR)/$(ORIGINS_PYTHON) cargo test --workspace --features $(VERIFIER_FEATURES),$(CLIENT_FEATURES) --test documents -- --include-ignored receiving

.PHONY: docs
docs: ## documentation, warnings denied
	$(call say,Documentation)
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps

# For instance `--env live`, where there are environments.
DEPLOY_FLAGS =

.PHONY: dry-run
dry-run: $(BUNDLE) ## what `wrangler deploy` would upload, and what is not set
	$(call say,wrangler deploy --dry-run)
	@printed="$$(cd $(EDGE) && node_modules/.bin/wrangler deploy --dry-run $(DEPLOY_FLAGS))"; \
	printf '%s\n' "$$printed"; \
	[[ "$$printed" == *env.ORIGIN_URL* ]] || printf '%s\n' '' \
		'Not set: ORIGIN_URL. Until it is, the edge answers every delivery with 500 misconfigured.'
	@printf '%s\n' 'A deploy uploads no secrets. WEBHOOK_SECRETS is set with `npx wrangler secret put WEBHOOK_SECRETS`.'

.PHONY: deny
deny: $(CARGO_DENY) ## licences, sources and duplicates of dependencies
	$(call say,Licences and sources of dependencies)
	.tools/bin/cargo-deny --all-features check --hide-inclusion-graph licenses bans sources

.PHONY: make-tests
make-tests: ## what the Makefile promises: packages, help
	$(call say,The Makefile)
	.ci/tests/apt.sh
	.ci/tests/help.sh

## What depends on the day, or on what was released: no part of `make test`

.PHONY: advisories
advisories: $(CARGO_DENY) ## known vulnerabilities of dependencies; asks the network
	$(call say,Advisories about dependencies)
	.tools/bin/cargo-deny --all-features check advisories

# The commit, branch or tag to compare with; the latest release if not said otherwise.
BASELINE = $(shell git describe --tags --abbrev=0 --match 'v*' 2>/dev/null)

.PHONY: semver-checks
semver-checks: $(CARGO_SEMVER_CHECKS) ## the verifier's API beside BASELINE, the last release
	$(call say,The verifier beside its last release)
	@test -n '$(BASELINE)' || { echo 'nothing has been released yet: name a commit with BASELINE=' >&2; exit 1; }
	PATH="$(CURDIR)/.tools/bin:$$PATH" cargo semver-checks --package nextapi-webhook --baseline-rev '$(BASELINE)'

## Proofs about the verifier, each by a tool

ASSURANCE := cargo run --quiet --package nextapi-assurance --

.PHONY: assurance
# What the weekly run has in addition is in .github/workflows/scheduled.yml.
assurance: assurance-lint no-allocation no-panic no-secret-branch miri edge-peers ledger-rows wasm-peers package msrv c-assurance fuzz ## what of them is for every change; minutes
	$(call say,Every claim holds)

.PHONY: assurance-lint
assurance-lint: .tools/installed/valgrind ## lints of what only the proofs build
	cargo clippy --package nextapi-assurance --all-targets --all-features -- --deny warnings
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --manifest-path fuzz/Cargo.toml -- --deny warnings

.PHONY: no-allocation
no-allocation: ## no call allocates: an allocator that counts
	$(call say,No call of the verifier allocates)
	cargo test --package nextapi-assurance --test no_allocation

.PHONY: no-panic
no-panic: ## no call can panic: a binary that would not link
	$(call say,No call of the verifier can panic)
	$(ASSURANCE) panics

.PHONY: no-secret-branch
no-secret-branch: .tools/installed/valgrind ## no branch or address depends on a secret: memcheck
	$(call say,No branch and no address depends on a secret)
	$(ASSURANCE) secrets

# Left out for time: many hashes, or thousands of random cases.
MIRI = cargo +$(NIGHTLY) miri test $(1) --package nextapi-webhook --lib --test event --test header --test pending \
		--test verdict $(2) -- --skip wycheproof --skip any_flipped_bit --skip any_two_changed_bytes \
		--skip however_the_message_is_cut --skip the_verdict_is_that_of_the_verifier && \
	cargo +$(NIGHTLY) miri test $(1) --package nextapi-webhook-c

.PHONY: miri
miri: .tools/installed/nightly ## no undefined behaviour, dependencies included: Miri
	$(call say,No undefined behaviour$(comma) in the dependencies either)
	$(call MIRI)

# Big-endian, and 32 bits.
MIRI_TARGETS := s390x-unknown-linux-gnu i686-unknown-linux-gnu

.PHONY: miri-targets
miri-targets: .tools/installed/nightly ## the same on big-endian and 32-bit machines
	$(call say,No undefined behaviour$(comma) and the same answers$(comma) on $(MIRI_TARGETS))
	$(foreach target,$(MIRI_TARGETS),$(call MIRI,--target $(target),--test vectors) &&) true

.PHONY: peers
peers: ## the peers of `make bench` give the right answers
	$(call say,The peers give the right answers)
	cargo fmt --manifest-path benches/peers/Cargo.toml --check
	cargo clippy $(PEERS) --all-targets -- --deny warnings
	cargo test --quiet $(PEERS)
	cargo run --quiet $(PEERS) -- --test

.PHONY: edge-peers
edge-peers: $(BUNDLE) ## the workers of `make bench-edge` give the right answers
	$(call say,The workers beside the edge give the right answers)
	$(call program,nextapi-webhook-edge-bench)
	target/debug/nextapi-webhook-edge-bench --test

.PHONY: ledger-rows
ledger-rows: $(BUNDLE) ## the rows that an event writes, and what it costs
	$(call say,The rows that an event writes$(comma) and what they cost)
	$(call program,nextapi-webhook-ledger-bench)
	target/debug/nextapi-webhook-ledger-bench --rows

.PHONY: package
package: ## what would be published builds by itself, has its licences
	$(call say,The package$(comma) built from what it contains)
	$(call debian,python3,command -v python3)
	.ci/package.sh

.PHONY: docs-rs
docs-rs: .tools/installed/nightly ## documentation as docs.rs builds it
	$(call say,Documentation as docs.rs builds it)
	RUSTDOCFLAGS='--cfg docsrs --deny warnings' cargo +$(NIGHTLY) doc --package nextapi-webhook --package nextapi-client --all-features --no-deps

# Minutes for each target; ten seconds if not said otherwise.
MINUTES :=
FUZZ_SECONDS = $(if $(MINUTES),$$(( $(MINUTES) * 60 )),10)
# Millions of executions for `fuzz-long`, such as `header=400 event=250`; see fuzz/long.sh for the usual ones.
MILLIONS :=
export NIGHTLY

.PHONY: fuzz
fuzz: $(CARGO_FUZZ) .tools/installed/nightly ## every fuzz target under AddressSanitizer; MINUTES=n each
	PATH="$(CURDIR)/.tools/bin:$$PATH" fuzz/run.sh $(FUZZ_SECONDS)

.PHONY: fuzz-long
fuzz-long: .tools/installed/nightly ## 10^9 executions for this commit, in hours; resumable
	fuzz/long.sh $(if $(MILLIONS),'$(MILLIONS)')

.PHONY: planted
planted: $(CARGO_FUZZ) .tools/installed/nightly ## every fuzz target finds a fault that was planted
	PATH="$(CURDIR)/.tools/bin:$$PATH" fuzz/run.sh 60 planted

.PHONY: mutants
mutants: $(CARGO_MUTANTS) ## changes to the verifier that no test notices (an hour)
	PATH="$(CURDIR)/.tools/bin:$$PATH" cargo mutants --package nextapi-webhook --output target

include capi/capi.mk
include firmware/firmware.mk
include benches/wasm/wasm.mk
include benches/edge/edge.mk
include edge-worker/example/example.mk

# Tools

# Tools are built without optimisation, which takes a quarter of the time, and without what a debugger
# wants: they are not the product.
install = CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=.tools/target cargo install --debug --root .tools --force

# Without --locked: its lock file names a version of a crate that no longer exists.
$(WASM_BINDGEN):
	$(call say,Installing wasm-bindgen $(WASM_BINDGEN_VERSION) into .tools (1 to 2 minutes$(comma) once))
	$(install) wasm-bindgen-cli --no-default-features --version $(WASM_BINDGEN_VERSION)
	mkdir -p $(@D) && touch $@

$(CARGO_DENY) $(CARGO_FUZZ) $(CARGO_MUTANTS) $(CARGO_SEMVER_CHECKS):
	$(call say,Installing $(@F) into .tools (1 to 4 minutes$(comma) once))
	$(install) --locked $(@F:-$(lastword $(subst -, ,$(@F)))=) --version $(lastword $(subst -, ,$(@F)))
	mkdir -p $(@D) && touch $@

# The compiler of today: Miri looks into it, and the fuzzers instrument with it.
.tools/installed/nightly: tools.mk
	$(call say,Adding Miri and the source of the standard library to the toolchain $(NIGHTLY))
	rustup component add --toolchain $(NIGHTLY) miri rust-src || \
		rustup toolchain install $(NIGHTLY) --profile minimal --component miri --component rust-src
	mkdir -p $(@D) && touch $@

.tools/installed/valgrind: apt.mk
	$(call say,Looking for valgrind and its headers)
	$(call debian,valgrind,command -v valgrind && test -e /usr/include/valgrind/memcheck.h)
	mkdir -p $(@D) && touch $@

.tools/installed/targets: Makefile rust-toolchain.toml
	$(call say,Adding the compiler targets $(NO_STD_TARGETS))
	rustup target add $(NO_STD_TARGETS)
	mkdir -p $(@D) && touch $@

$(EDGE)/node_modules/.package-lock.json: $(EDGE)/package-lock.json
	$(call say,Installing wrangler and workerd into $(EDGE)/node_modules)
	cd $(EDGE) && npm ci --no-audit --no-fund
	touch $@

docs/origins/node_modules/.package-lock.json: docs/origins/package-lock.json
	$(call say,Installing Express into $(@D))
	cd docs/origins && npm ci --no-audit --no-fund
	touch $@

.tools/origins/installed: docs/origins/requirements.txt apt.mk
	$(call say,Installing FastAPI into .tools/origins)
	$(call debian,python3-venv,python3 -c 'import ensurepip')
	python3 -m venv $(@D)
	$(ORIGINS_PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# How Rust becomes WASM, the same for the edge and for what is measured: the compiler, the calls into it,
# and what makes it smaller. With vectors, which every engine has that runs workers, SHA-256 takes a fifth
# less time, and half in an isolate that has just started; and the code is smaller. A function that is
# called from one place only stays a function, and functions with similar names stand side by side: they
# compress better so. No path of the machine that builds is left in it.
WASM_FLAGS = -C target-feature=+simd128 --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src=registry
WASM_BUILD = RUSTFLAGS='$(WASM_FLAGS)' cargo build --lib --target wasm32-unknown-unknown --profile wasm
WASM_CALLS = .tools/bin/wasm-bindgen --target web --omit-default-module-path \
	--experimental-reset-state-function
WASM_OPT = $(EDGE)/node_modules/.bin/wasm-opt -O3 --converge \
	--one-caller-inline-max-function-size=0 --reorder-functions-by-name --strip-debug --strip-producers

# The Rust code as WASM, the calls into it, and the entry module around them. $(1): where to; $(2): the
# package; $(3): how wasm-opt makes it smaller and faster; $(4): the entry module. All that is built goes
# into folders of its own, so that bundles can be built at the same time.
define bundle
	rm -rf $(1) && mkdir -p $(1)/rust
	$(WASM_BUILD) --package $(2)
	$(WASM_CALLS) --out-name nextapi_edge --out-dir $(1)/rust \
		target/wasm32-unknown-unknown/wasm/$(subst -,_,$(2)).wasm
	$(3)
	cd $(EDGE) && node_modules/.bin/esbuild $(4) --bundle --minify --format=esm --outfile=../$(1)/index.js \
		--external:cloudflare:workers --alias:rust=../$(1)/rust --alias:console=./build-console --loader:.wasm=copy \
		--asset-names=[name] --log-level=warning
	@touch $(1)/index.js
endef

$(CONSOLE): $(shell find $(EDGE)/console -type f) $(EDGE)/node_modules/.package-lock.json
	$(call say,Building the operator's page)
	cd $(EDGE) && node console/build.mjs $(CURDIR)/$@

$(BUNDLE) $(FAULTS_BUNDLE): $(EDGE_SOURCES) | .tools/installed/targets $(EDGE)/node_modules/.package-lock.json $(WASM_BINDGEN)

$(BUNDLE):
	$(call say,Building the worker)
	$(call bundle,$(@D),nextapi-edge,$(WASM_OPT) $(@D)/rust/nextapi_edge_bg.wasm --output $(@D)/rust/nextapi_edge_bg.wasm,entry/index.ts)
	@printf 'wasm: %s bytes, %s gzipped\n' "$$(wc -c < $(@D)/nextapi_edge_bg.wasm)" "$$(gzip -9c $(@D)/nextapi_edge_bg.wasm | wc -c)"

# Not optimised any further, which would take most of the time.
$(FAULTS_BUNDLE): $(shell find $(EDGE)/tests/faults -type f)
	$(call say,Building the worker with faults)
	$(call bundle,$(@D),nextapi-edge-faults,,tests/faults/entry/index.ts)

.PHONY: hook
hook:
	$(call say,Building nextapi-hook)
	$(call program,nextapi-hook)

# Local settings for `make dev`: a secret of its own for every checkout. A shell can read the file, too.
$(EDGE)/.dev.vars:
	@umask 077 && printf 'WEBHOOK_SECRETS="whsec_%s"\nORIGIN_URL="%s"\n' \
		"$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" '$(ORIGIN)' > $@
	@echo 'Wrote $@ with a new secret and the origin $(ORIGIN)'
