// What the bundler makes of an import of WASM.
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
