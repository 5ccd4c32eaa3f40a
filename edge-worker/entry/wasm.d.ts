// What the bundler makes of an import of WASM.
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

// What console/build.mjs writes.
declare module "console/page.js" {
  /** The whole page. */
  export const html: string;
  /** The value of its `Content-Security-Policy`. */
  export const csp: string;
}
