//! What the forwarded request carries, and what it does not.

use nextapi_webhook::{Key, Tolerance, UnixTime, Verifier};

use crate::setup::{Setup, key, succeeded};

#[tokio::test]
async fn headers_are_kept_dropped_and_added() {
    let edge_secret = "whsec_edge";
    let setup = Setup::with(|edge| {
        edge.setting("ORIGIN_AUTHORIZATION", "Bearer origin-token")
            .setting("EDGE_SIGNING_SECRET", edge_secret)
    })
    .await;
    let mut delivery = succeeded();
    let sent_signature = delivery.headers()["x-nextapi-signature"].to_str().unwrap().to_owned();
    for (name, value) in [
        ("x-nextapi-environment", "test"),
        ("x-nextapi-delivery", "dlv_1"),
        ("cookie", "session=1"),
        ("authorization", "Bearer outsider"),
        ("proxy-authorization", "Basic eA=="),
        ("cf-connecting-ip", "192.0.2.1"),
        ("cf-ray", "abc"),
        ("x-edge-attempt", "77"),
        ("x-edge-signature", "t=1,v=00"),
        ("idempotency-key", "chosen-by-an-outsider"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-unknown", "1"),
        ("x-correlation-id", "delivery.42:a"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ] {
        delivery = delivery.with_header(name, value).unwrap();
    }
    let answer = setup.expect(&delivery, 200, "forwarded").await;
    assert_eq!(answer.header("x-correlation-id"), Some("delivery.42:a"));

    let received = setup.origin.received().remove(0);
    assert_eq!(received.method(), "POST");
    assert_eq!(received.path(), "/events");
    for (name, value) in [
        ("content-type", "application/json"),
        ("x-nextapi-event", "job.succeeded"),
        ("x-nextapi-environment", "test"),
        ("x-nextapi-delivery", "dlv_1"),
        ("x-nextapi-signature", sent_signature.as_str()),
        ("authorization", "Bearer origin-token"),
        ("x-edge-attempt", "1"),
        ("x-correlation-id", "delivery.42:a"),
    ] {
        assert_eq!(received.header(name), Some(value), "{name}");
    }
    assert!(received.header("user-agent").unwrap().starts_with("nextapi-hook/"));
    let event_key = nextapi_webhook::EventKey::of_unverified(delivery.body()).to_string();
    assert_eq!(received.idempotency_key(), Some(event_key.as_str()));
    let parent = received.header("traceparent").unwrap();
    assert!(parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{parent}");
    assert!(!parent.contains("00f067aa0ba902b7"), "the edge's own span has its own id: {parent}");
    for name in ["cookie", "proxy-authorization", "cf-ray", "x-forwarded-for", "x-unknown"] {
        assert_eq!(received.header(name), None, "{name}");
    }

    // The origin checks with the same crate that the request came through the edge.
    let edge_key = Key::new(edge_secret.as_bytes()).unwrap();
    let verifier = Verifier::<1>::new([edge_key], Tolerance::DEFAULT).unwrap();
    let signature = received.edge_signature().unwrap();
    assert!(verifier.verify(signature, received.body(), UnixTime::now()).is_ok());
    let provider_key = Verifier::<1>::new([key()], Tolerance::DEFAULT).unwrap();
    assert!(provider_key.verify(signature, received.body(), UnixTime::now()).is_err());
}

#[tokio::test]
async fn without_the_optional_secrets_nothing_is_made_up() {
    let setup = Setup::start().await;
    setup.expect(&succeeded(), 200, "forwarded").await;
    let received = setup.origin.received().remove(0);
    assert_eq!(received.header("authorization"), None);
    assert_eq!(received.edge_signature(), None);
}

#[tokio::test]
async fn a_correlation_id_that_is_not_sane_is_replaced() {
    let setup = Setup::start().await;
    for id in ["", "with space", &"x".repeat(129), "semi;colon", "<script>"] {
        let delivery = succeeded().with_header("x-correlation-id", id).unwrap();
        let answer = setup.expect(&delivery, 200, "forwarded").await;
        let given = answer.header("x-correlation-id").unwrap().to_owned();
        assert_ne!(given, id);
        assert!(!given.is_empty());
        let received = setup.origin.received().pop().unwrap();
        assert_eq!(received.header("x-correlation-id"), Some(given.as_str()));
    }
}
