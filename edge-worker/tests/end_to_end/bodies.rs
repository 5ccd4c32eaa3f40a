//! Bodies reach the origin byte for byte, and no more of them is read than is allowed.

use nextapi_testkit::Delivery;

use crate::raw::Connection;
use crate::setup::{PATIENCE, Setup, signed_bytes, succeeded};

/// The default of `MAX_BODY_BYTES`.
const CAP: usize = 262_144;

/// `{"id":"evt_gzip","type":"job.succeeded","data":{"job":{"id":"job_gzip"}}}`, as `gzip` packs it.
const GZIPPED: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xabV\xcaLQ\xb2RJ-+\x89O\xaf\xca,P\xd2Q*\xa9,H\x05\
    \x8ad\xe5'\xe9\x15\x97&'\xa7\xa6\xa6\xa4\xa6\x00\x85S\x12K\x12\x95\xac\xaaA\xe2 \x0a\xac\
    \x0b\xc8\x86\xe8\xaa\xad\xad\x05\x00\x7f\xfa6\x85I\x00\x00\x00";

async fn arrives(setup: &Setup, delivery: &Delivery) {
    let before = setup.origin.count();
    setup.expect(delivery, 200, "forwarded").await;
    let received = setup.origin.received();
    assert_eq!(received.len(), before + 1);
    assert!(received[before].body() == delivery.body(), "the body was changed on its way");
}

/// Bytes without a pattern that a text conversion could keep by accident.
fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()[0]).collect()
}

#[tokio::test]
async fn every_byte_arrives() {
    let setup = Setup::start().await;
    arrives(&setup, &succeeded()).await;
    arrives(&setup, &signed_bytes("")).await;
    arrives(&setup, &signed_bytes((0..=255).collect::<Vec<u8>>())).await;
    arrives(&setup, &signed_bytes(b"\xff\xfe{\"id\":\"\xc3\x28\"}".to_vec())).await;
    arrives(&setup, &signed_bytes("\u{feff}{\"a\":1}\r\n")).await;
    arrives(&setup, &signed_bytes("{\"id\":\"1\",  \"type\" : \"\\u0061\"}")).await;
    arrives(&setup, &signed_bytes(noise(65_537))).await;
    arrives(&setup, &signed_bytes(noise(CAP))).await;
}

#[tokio::test]
async fn a_body_in_chunks_arrives_whole() {
    let setup = Setup::start().await;
    let body = noise(CAP);
    let delivery = signed_bytes(body.clone());
    let mut connection = Connection::open(&setup).await;
    connection.write_head(&delivery, &["Transfer-Encoding: chunked"]).await;
    for piece in body.chunks(10_007) {
        connection.write_chunk(piece).await;
    }
    connection.write_chunk(b"").await;
    assert_eq!(connection.read_answer().await.0, 200);
    let received = setup.origin.wait_for(1, PATIENCE).await.unwrap();
    assert!(received[0].body()[..] == body[..], "the body was changed on its way");
}

#[tokio::test]
async fn one_byte_too_many() {
    let setup = Setup::start().await;
    setup.expect(&signed_bytes(noise(CAP + 1)), 413, "body_too_large").await;
    assert_eq!(setup.origin.count(), 0);
}

/// Not one byte of the body is sent, and none is waited for.
#[tokio::test]
async fn an_announced_length_over_the_cap_is_refused_before_reading() {
    let setup = Setup::start().await;
    let delivery = signed_bytes(noise(CAP + 1));
    let mut connection = Connection::open(&setup).await;
    connection.write_head(&delivery, &[&format!("Content-Length: {}", CAP + 1)]).await;
    let (status, answer) = connection.read_answer().await;
    assert_eq!(status, 413, "{answer}");
}

/// The request never ends. The answer comes all the same, once one byte more than the cap is there:
/// so the worker reads no further, and holds no more than that.
#[tokio::test]
async fn an_unannounced_length_is_read_up_to_the_cap_only() {
    let setup = Setup::start().await;
    let body = noise(CAP + 1);
    let delivery = signed_bytes(body.clone());
    let mut connection = Connection::open(&setup).await;
    connection.write_head(&delivery, &["Transfer-Encoding: chunked"]).await;
    for piece in body.chunks(16_384) {
        connection.write_chunk(piece).await;
    }
    let (status, answer) = connection.read_answer().await;
    assert_eq!(status, 413, "{answer}");
    assert_eq!(setup.origin.count(), 0);
}

#[tokio::test]
async fn a_delivery_without_a_signature_is_refused_before_reading() {
    let setup = Setup::start().await;
    let delivery = Delivery::unsigned(nextapi_testkit::EventBody::new("job.queued", "{}")).unwrap();
    let mut connection = Connection::open(&setup).await;
    connection.write_head(&delivery, &["Content-Length: 100000"]).await;
    let (status, answer) = connection.read_answer().await;
    assert_eq!(status, 400, "{answer}");
}

/// None of the body ever comes: had it been waited for, the answer would be `body_timeout`.
#[tokio::test]
async fn a_malformed_signature_is_refused_before_reading() {
    let setup = Setup::start().await;
    let delivery = succeeded().with_header("x-nextapi-signature", "nonsense").unwrap();
    let mut connection = Connection::open(&setup).await;
    connection.write_head(&delivery, &["Content-Length: 100000"]).await;
    let (status, answer) = connection.read_answer().await;
    assert!(status == 400 && answer.contains("signature_malformed"), "{answer}");
}

/// The signature is over the bytes that are sent. They reach the origin still compressed, and with the
/// word that they are: the engine neither unpacks them nor packs them a second time.
#[tokio::test]
async fn a_compressed_body_arrives_compressed() {
    let setup = Setup::start().await;
    let delivery = signed_bytes(GZIPPED).with_header("content-encoding", "gzip").unwrap();
    arrives(&setup, &delivery).await;
    let received = setup.origin.received().remove(0);
    assert_eq!(received.header("content-encoding"), Some("gzip"));
    assert_eq!(received.header("content-length"), Some(GZIPPED.len().to_string().as_str()));
}
