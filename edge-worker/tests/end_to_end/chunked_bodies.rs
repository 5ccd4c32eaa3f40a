//! The ends of bodies whose length is not declared.

use crate::raw::Connection;
use crate::setup::{Setup, signed_bytes};

/// Sends a signed body in chunks, and gives the answer's status.
async fn sent_in_chunks(setup: &Setup, length: usize, chunk: usize) -> u16 {
    let body = vec![b'x'; length];
    let delivery = signed_bytes(body.clone());
    let mut connection = Connection::open(setup).await;
    connection.write_head(&delivery, &["Transfer-Encoding: chunked"]).await;
    for piece in body.chunks(chunk) {
        connection.write_chunk(piece).await;
    }
    connection.write_chunk(b"").await;
    connection.read_answer().await.0
}

/// Around the length of the first buffer, of the second one, and of the limit.
#[tokio::test]
async fn a_body_in_chunks_may_end_anywhere() {
    const LIMIT: usize = 10_000;
    let setup = Setup::with(|edge| edge.setting("MAX_BODY_BYTES", LIMIT.to_string())).await;
    for length in [0, 1, 4_095, 4_096, 4_097, 8_191, 8_192, 8_193, LIMIT - 1, LIMIT] {
        assert_eq!(sent_in_chunks(&setup, length, 1_000).await, 200, "{length} bytes");
        let received = setup.origin.received();
        assert_eq!(received.last().map(|request| request.body().len()), Some(length));
    }
    for length in [LIMIT + 1, LIMIT + 2, 2 * LIMIT] {
        assert_eq!(sent_in_chunks(&setup, length, 1_000).await, 413, "{length} bytes");
    }
}
