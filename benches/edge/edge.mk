## What `make bench-edge` compares the edge with (benches/edge/workers/)

# The edge worker, with a setting for the length from which on the platform computes the MACs.
MACS_BENCH := target/macs-bench

$(MACS_BENCH)/index.js: benches/edge/workers/macs/index.js $(BUNDLE)
	rm -rf $(@D) && mkdir -p $(@D)
	cd $(EDGE) && node_modules/.bin/esbuild ../$< --bundle --minify --format=esm --outfile=../$@ \
		--external:cloudflare:workers --alias:rust=./build/rust --alias:console=./build-console --loader:.wasm=copy \
		--asset-names=[name] --log-level=warning
	@touch $@

bench-edge edge-peers: $(MACS_BENCH)/index.js
