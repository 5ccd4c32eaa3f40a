//! Deliveries from elsewhere than the listed addresses are refused before anything else.

use nextapi_testkit::Delivery;

use crate::raw::Connection;
use crate::setup::{Setup, succeeded};

fn from(address: &str) -> Delivery {
    succeeded().with_header("cf-connecting-ip", address).unwrap()
}

async fn listed() -> Setup {
    let addresses = "192.0.2.7, 198.51.100.0/24\n2001:db8:1::/48";
    Setup::with(|edge| edge.setting("SOURCE_ADDRESSES", addresses)).await
}

#[tokio::test]
async fn listed_addresses_deliver_and_no_others() {
    let setup = listed().await;
    let accepted =
        ["192.0.2.7", "::ffff:192.0.2.7", "198.51.100.0", "198.51.100.255", "2001:DB8:1:9::a"];
    for address in accepted {
        setup.expect(&from(address), 200, "forwarded").await;
    }
    for address in [
        "192.0.2.8",
        "198.51.101.0",
        "2001:db8:2::1",
        "::1",
        "127.0.0.1",
        "",
        "192.0.2.7, 192.0.2.8",
    ] {
        setup.expect(&from(address), 403, "source_refused").await;
    }
    setup.expect(&succeeded(), 403, "source_refused").await;
    assert_eq!(setup.origin.count(), accepted.len());
    let health = reqwest::get(format!("{}healthz", setup.edge.url())).await.unwrap();
    assert_eq!(health.status(), 200);
}

/// Not one byte of the body is sent, and none is waited for.
#[tokio::test]
async fn an_address_is_refused_before_reading() {
    let setup = listed().await;
    let mut connection = Connection::open(&setup).await;
    let lines = ["Content-Length: 100", "CF-Connecting-IP: 192.0.2.8"];
    connection.write_head(&succeeded(), &lines).await;
    let (status, answer) = connection.read_answer().await;
    assert_eq!(status, 403, "{answer}");
    let record = setup.log_line("source_refused").await;
    assert!(record.get("http.request.body.size").is_none(), "{record}");
}

#[tokio::test]
async fn without_a_list_every_address_delivers() {
    let setup = Setup::start().await;
    for address in ["192.0.2.8", "2001:db8::1", "no address"] {
        setup.expect(&from(address), 200, "forwarded").await;
    }
}
