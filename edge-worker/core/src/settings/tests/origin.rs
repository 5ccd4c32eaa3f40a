//! Where events go.

use super::*;

#[test]
fn an_origin_that_cannot_be_forwarded_to_is_refused() {
    problem("ORIGIN_URL", &[("ORIGIN_URL", None)]);
    for value in ["origin.example", "ftp://a.example", "https://user:canary@a.example"] {
        let text = problem_with("ORIGIN_URL", value);
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn an_origin_that_is_the_worker_itself_is_refused() {
    let settings = settings_with(&[("ORIGIN_URL", "https://edge.example/other?canary")]);
    let problem = settings.origin_is_own("https://edge.example/webhook").unwrap().to_string();
    assert!(problem.starts_with("ORIGIN_URL is the worker itself"), "{problem}");
    assert!(!problem.contains("canary"), "{problem}");
    assert_eq!(settings.origin_is_own("https://other.example/webhook"), None);
}
