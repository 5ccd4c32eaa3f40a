using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "bench", worker = .bench)],
  # Its address comes on the command line.
  sockets = [(name = "http", http = (), service = "bench")],
);

const bench :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "subjects.js", esModule = embed "subjects.js"),
    (name = "signature_header.js", esModule = embed "signature_header.js"),
    (name = "verify_node_crypto.js", esModule = embed "verify_node_crypto.js"),
    (name = "verify_wasm.js", esModule = embed "verify_wasm.js"),
    (name = "verify_webcrypto.js", esModule = embed "verify_webcrypto.js"),
    (name = "verifier.js", esModule = embed "verifier.js"),
    (name = "verifier_bg.wasm", wasm = embed "verifier_bg.wasm"),
  ],
  # The edge's date. Its flags are none; this one is for the peer over node:crypto.
  compatibilityDate = "2026-04-20",
  compatibilityFlags = ["nodejs_compat"],
  bindings = [(name = "SECRET", fromEnvironment = "SECRET")],
);
