//! Step 1: where a request goes.

use crate::admin;
use crate::outcome::Outcome;
use crate::request::Request;
use crate::settings::HEALTH_PATH;

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// The health check.
    Health,
    /// The operator's page.
    Page,
    /// A path for admins, or one that could be.
    Admin,
    /// A delivery.
    Delivery,
    /// Nowhere.
    Nowhere(Outcome),
}

/// The route by method and path. While the settings are refused `webhook_path` may be unknown; then every
/// path may be the webhook's, and a delivery must learn that the settings are at fault.
pub(super) fn of(request: &Request, webhook_path: Option<&str>) -> Route {
    let (method, path) = (request.method.as_str(), request.path());
    let refused = |allow| Route::Nowhere(Outcome::MethodNotAllowed { allow });
    if path == HEALTH_PATH {
        return if matches!(method, "GET" | "HEAD") { Route::Health } else { refused("GET, HEAD") };
    }
    if path == admin::PAGE_PATH && matches!(method, "GET" | "HEAD") {
        return Route::Page;
    }
    if admin::is_admin_path(path) {
        return Route::Admin;
    }
    if webhook_path.is_some_and(|webhook_path| webhook_path != path) {
        return Route::Nowhere(Outcome::NotFound);
    }
    if method == "POST" { Route::Delivery } else { refused("POST") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str, webhook_path: Option<&str>) -> Route {
        of(&Request::new(method, &format!("https://edge.test{path}"), &[]), webhook_path)
    }

    #[test]
    fn routes() {
        let refused = |allow| Route::Nowhere(Outcome::MethodNotAllowed { allow });
        for (method, path, expected) in [
            ("POST", "/webhook", Route::Delivery),
            ("GET", "/webhook", refused("POST")),
            ("HEAD", "/webhook", refused("POST")),
            ("OPTIONS", "/webhook", refused("POST")),
            ("GET", "/healthz", Route::Health),
            ("HEAD", "/healthz", Route::Health),
            ("POST", "/healthz", refused("GET, HEAD")),
            ("POST", "/", Route::Nowhere(Outcome::NotFound)),
            ("POST", "/webhook/", Route::Nowhere(Outcome::NotFound)),
            ("POST", "/Webhook", Route::Nowhere(Outcome::NotFound)),
            ("GET", "/_edge", Route::Nowhere(Outcome::NotFound)),
            ("GET", "/_edge/", Route::Page),
            ("HEAD", "/_edge/", Route::Page),
            ("POST", "/_edge/", Route::Admin),
            ("GET", "/_edge//", Route::Admin),
            ("GET", "/_edge/status", Route::Admin),
            ("POST", "/_edge/anything", Route::Admin),
        ] {
            assert_eq!(route(method, path, Some("/webhook")), expected, "{method} {path}");
        }
    }

    #[test]
    fn without_a_known_path_every_post_may_be_a_delivery() {
        assert_eq!(route("POST", "/anything", None), Route::Delivery);
        assert_eq!(route("GET", "/healthz", None), Route::Health);
    }
}
