//! The platform's parser of URLs.

use nextapi_edge_core::Url;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `URL` of the WHATWG standard.
    #[wasm_bindgen(js_name = URL)]
    type PlatformUrl;

    #[wasm_bindgen(constructor, catch, js_class = URL)]
    fn new(text: &str) -> Result<PlatformUrl, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn href(this: &PlatformUrl) -> String;

    #[wasm_bindgen(method, getter)]
    fn protocol(this: &PlatformUrl) -> String;

    #[wasm_bindgen(method, getter)]
    fn username(this: &PlatformUrl) -> String;

    #[wasm_bindgen(method, getter)]
    fn password(this: &PlatformUrl) -> String;

    #[wasm_bindgen(method, getter)]
    fn host(this: &PlatformUrl) -> String;
}

/// Parses a URL; none if it is none.
pub(crate) fn parse(text: &str) -> Option<Url> {
    let url = PlatformUrl::new(text).ok()?;
    Some(Url {
        href: url.href(),
        protocol: url.protocol(),
        username: url.username(),
        password: url.password(),
        host: url.host(),
    })
}
