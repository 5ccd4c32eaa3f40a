## The example Worker (edge-worker/example/)

EXAMPLE := $(EDGE)/example
EXAMPLE_BUILD := target/example-worker
EXAMPLE_SOURCES := $(EXAMPLE)/Cargo.toml $(EXAMPLE)/Cargo.lock $(EXAMPLE)/index.js \
	$(shell find $(EXAMPLE)/src verifier/src -type f) verifier/Cargo.toml Cargo.toml
# The same for `make bench-edge`, whose engines want a class of objects from every worker.
EXAMPLE_BENCH := target/example-worker-bench
EXAMPLE_CARGO := CARGO_TARGET_DIR=$(CURDIR)/target/example cargo

.PHONY: example-worker
# In release, as it is built: what runs at build time is there already.
example-worker: $(EXAMPLE_BUILD)/index.js ## a small Worker with the crate `worker`: lints, bundle
	$(call say,Formatting and lints of the example Worker)
	cd $(EXAMPLE) && cargo fmt --check
	cd $(EXAMPLE) && $(EXAMPLE_CARGO) clippy --quiet --locked --release --target wasm32-unknown-unknown -- --deny warnings

# esbuild puts the entry module $(1) and all that it imports into the folder $(2).
bundle_example = $(EDGE)/node_modules/.bin/esbuild $(1) --bundle --minify --format=esm --outdir=$(2) \
	--external:cloudflare:workers --alias:rust=./$(EXAMPLE_BUILD)/rust --alias:example=./$(EXAMPLE)/index.js \
	--loader:.wasm=copy --asset-names=[name] --log-level=warning

# The version of wasm-bindgen in the example's Cargo.lock has to be that of the project, whose tool is used; if
# it is not, the tool says so.
$(EXAMPLE_BUILD)/index.js: $(EXAMPLE_SOURCES) | .tools/installed/targets $(EDGE)/node_modules/.package-lock.json $(WASM_BINDGEN)
	$(call say,Building the example Worker)
	rm -rf $(@D) && mkdir -p $(@D)/rust
	cd $(EXAMPLE) && RUSTFLAGS='$(WASM_FLAGS)' $(EXAMPLE_CARGO) build --quiet --locked --release --target wasm32-unknown-unknown
	$(WASM_CALLS) --out-dir $(@D)/rust target/example/wasm32-unknown-unknown/release/nextapi_example_worker.wasm
	$(WASM_OPT) $(@D)/rust/nextapi_example_worker_bg.wasm --output $(@D)/rust/nextapi_example_worker_bg.wasm
	$(call bundle_example,$(EXAMPLE)/index.js,$(@D))
	@touch $@
	@printf 'wasm: %s bytes, %s gzipped\n' "$$(wc -c < $(@D)/nextapi_example_worker_bg.wasm)" \
		"$$(gzip -9c $(@D)/nextapi_example_worker_bg.wasm | wc -c)"

$(EXAMPLE_BENCH)/index.js: benches/edge/workers/example/index.js $(EXAMPLE_BUILD)/index.js
	rm -rf $(@D) && mkdir -p $(@D)
	$(call bundle_example,$<,$(@D))
	@touch $@

bench-edge: $(EXAMPLE_BENCH)/index.js
edge-peers: example-worker $(EXAMPLE_BENCH)/index.js
