//! The operator's page: whether there is one, and its headers.
//!
//! Its text holds no data, so it takes no token. It is built from `console/` into a JavaScript module, with the
//! `Content-Security-Policy` that names the hashes of its script and its style.

use crate::settings::Settings;

/// Where it is.
pub(crate) const PAGE_PATH: &str = "/_edge/";

/// The page's headers, but for its `Content-Security-Policy`. Without a token that may read there is no page, and nor
/// is there without sound settings: the token is one of them.
pub(crate) fn page(settings: Option<&Settings>) -> Option<Vec<(&'static str, String)>> {
    if !settings?.access.has_reader() {
        return None;
    }
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        // A deploy changes page and paths together.
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ];
    Some(headers.map(|(name, value)| (name, value.to_owned())).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings_with;

    #[test]
    fn there_is_a_page_if_somebody_may_read() {
        assert!(page(Some(&settings_with(&[("ADMIN_TOKEN", "0123456789abcdef")]))).is_some());
        let reader = settings_with(&[("ADMIN_TOKENS", "ops:read:0123456789abcdef")]);
        assert!(page(Some(&reader)).is_some());
        assert_eq!(page(Some(&settings_with(&[]))), None);
        assert_eq!(page(Some(&settings_with(&[("SUBMIT_TOKEN", "0123456789abcdef")]))), None);
        assert_eq!(page(None), None);
    }

    #[test]
    fn the_headers_are_pinned() {
        let headers = page(Some(&settings_with(&[("ADMIN_TOKEN", "0123456789abcdef")]))).unwrap();
        let expected = [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ];
        assert_eq!(headers, expected.map(|(name, value)| (name, value.to_owned())));
    }
}
