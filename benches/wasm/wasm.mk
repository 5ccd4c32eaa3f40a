## The verifier as WASM beside WebCrypto (benches/wasm/)

WASM_PEERS := target/wasm-peers
WASM_PEERS_SOURCES := $(shell find verifier/src benches/wasm -type f) verifier/Cargo.toml Cargo.toml Cargo.lock
# The script with the engine that npm has installed for this platform.
RUN_WASM_PEERS = node $(WASM_PEERS)/bench.js $(EDGE)/node_modules/@cloudflare/workerd-*/bin/workerd

.PHONY: bench-wasm
bench-wasm: $(WASM_PEERS)/bench.js ## from which size of body on WebCrypto is faster
	$(call say,WASM beside WebCrypto$(comma) under node and workerd (a minute))
	# By a file, so that a run that fails replaces nothing.
	$(RUN_WASM_PEERS) > $(WASM_PEERS)/report.md
	cat $(WASM_PEERS)/report.md
	cargo run --quiet --package nextapi-webhook-benches --bin section -- wasm --machine < $(WASM_PEERS)/report.md

.PHONY: wasm-peers
wasm-peers: $(WASM_PEERS)/bench.js ## WASM and its peers give the right answers
	$(call say,WASM and its peers give the right answers)
	$(RUN_WASM_PEERS) --test

# The engine embeds files from below its configuration only, so all of it is put in one folder.
$(WASM_PEERS)/bench.js: $(WASM_PEERS_SOURCES) | .tools/installed/targets $(EDGE)/node_modules/.package-lock.json $(WASM_BINDGEN)
	$(call say,Building the verifier as WASM)
	rm -rf $(@D) && mkdir -p $(@D)
	$(WASM_BUILD) --package nextapi-webhook-benches-wasm
	$(WASM_CALLS) --out-name verifier --out-dir $(@D) target/wasm32-unknown-unknown/wasm/nextapi_webhook_benches_wasm.wasm
	$(WASM_OPT) $(@D)/verifier_bg.wasm --output $(@D)/verifier_bg.wasm
	cp benches/wasm/*.js benches/wasm/package.json benches/wasm/workerd.capnp $(@D)
