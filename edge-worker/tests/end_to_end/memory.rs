//! The memory that the engine takes for bodies: bounded, however they are sent, and given back.

use core::num::NonZeroUsize;
use core::time::Duration;

use nextapi_testkit::chunked;

use crate::faults::{with_fault, with_faults};
use crate::raw::Connection;
use crate::setup::{PATIENCE, Setup, signed_bytes, succeeded};

const MIB: u64 = 1024 * 1024;

/// The default of `MAX_BODY_BYTES`.
const CAP: usize = 262_144;

/// How a body of the full size is sent.
#[derive(Clone, Copy, Debug)]
enum Sending {
    /// Each byte in a chunk of its own, as fast as it goes.
    OneByteChunks,
    /// Without chunks, each byte in a TCP segment of its own.
    OneByteSegments,
}

async fn send(setup: &Setup, body: &[u8], sending: Sending) {
    let delivery = signed_bytes(body);
    let mut connection = Connection::open(setup).await;
    match sending {
        Sending::OneByteChunks => {
            connection.write_head(&delivery, &["Transfer-Encoding: chunked"]).await;
            connection.write(chunked(body, NonZeroUsize::MIN)).await;
        }
        Sending::OneByteSegments => {
            let length = format!("Content-Length: {}", body.len());
            connection.write_head(&delivery, &[&length]).await;
            connection.write_pieces(body, NonZeroUsize::MIN).await;
        }
    }
    let (status, answer) = connection.read_answer().await;
    assert_eq!(status, 200, "{answer}");
}

/// The most that the engine's resident memory grew while something was done, in bytes.
async fn growth_during(setup: &Setup, doing: impl Future<Output = ()>) -> u64 {
    let before = setup.edge.memory().unwrap();
    let mut most = before.resident;
    let watching = async {
        loop {
            most = most.max(setup.edge.memory().unwrap().resident);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        () = doing => {}
        () = watching => {}
    }
    let after = setup.edge.memory().unwrap();
    // The kernel's own mark misses nothing, but stands where it was before if that was higher.
    let peak = if after.peak > before.peak { after.peak } else { most };
    peak.saturating_sub(before.resident)
}

/// An edge that has seen ordinary deliveries, and bodies of the full size.
async fn warm() -> Setup {
    let setup = Setup::start().await;
    for _ in 0..30 {
        setup.expect(&succeeded(), 200, "forwarded").await;
    }
    for number in 0..2 {
        setup.expect(&signed_bytes(noise(CAP, number)), 200, "forwarded").await;
    }
    setup
}

/// A body counts with the buffers that it is kept in: a piece of one byte comes in a buffer of its own,
/// which is thousands of times as large.
///
/// The least of several counts. What a way of reading takes, it takes every time; now and then the engine
/// takes some megabytes for itself, to compile what has become hot.
async fn stays_within_bounds(sending: Sending) {
    let setup = warm().await;
    let mut least = u64::MAX;
    for number in 2..7 {
        let body = noise(CAP, number);
        least = least.min(growth_during(&setup, send(&setup, &body, sending)).await);
        if least <= 3 * CAP as u64 + MIB {
            return;
        }
    }
    panic!("{least} bytes");
}

#[tokio::test]
async fn a_body_in_chunks_of_one_byte_takes_no_more_than_another() {
    stays_within_bounds(Sending::OneByteChunks).await;
}

#[tokio::test]
async fn a_body_in_segments_of_one_byte_takes_no_more_than_another() {
    stays_within_bounds(Sending::OneByteSegments).await;
}

/// The largest limit that the settings allow.
const LARGEST_CAP: usize = 4 * 1024 * 1024;

async fn with_largest_cap() -> Setup {
    Setup::with(|edge| edge.setting("MAX_BODY_BYTES", LARGEST_CAP.to_string())).await
}

/// Bodies that grow fit into nothing that was given back before, unless it is joined. Memory of WASM never
/// shrinks, so the last delivery sees the most. What JavaScript has not collected yet is not in it.
#[tokio::test]
async fn bodies_of_growing_size_use_the_same_memory() {
    const SIZES: usize = 40;
    let cap = LARGEST_CAP.to_string();
    let setup = with_faults(|edge| edge.setting("MAX_BODY_BYTES", cap)).await;
    for number in 0..2 * SIZES {
        let length = (number % SIZES + 1) * LARGEST_CAP / SIZES;
        setup.expect(&signed_bytes(noise(length, number)), 200, "forwarded").await;
    }
    setup.expect(&with_fault(&succeeded(), "log-memory"), 200, "forwarded").await;
    let is_memory = |line: &str| line.ends_with(" bytes of memory");
    let line = setup.edge.wait_for_log(is_memory, PATIENCE).await.unwrap();
    let bytes: usize = line.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(bytes <= 3 * LARGEST_CAP, "{line}");
}

/// The client stops before the last byte, and does not hang up.
#[tokio::test]
async fn a_body_that_never_comes_is_given_up_and_its_memory_given_back() {
    const CONNECTIONS: usize = 32;
    let setup = with_largest_cap().await;
    let mut connections = Vec::new();
    for number in 0..CONNECTIONS {
        let delivery = signed_bytes(noise(LARGEST_CAP, number));
        let mut connection = Connection::open(&setup).await;
        let length = format!("Content-Length: {LARGEST_CAP}");
        connection.write_head(&delivery, &[&length]).await;
        connection.write(&delivery.body()[1..]).await;
        connections.push(connection);
    }
    for connection in &mut connections {
        let (status, answer) = connection.read_answer().await;
        assert_eq!(status, 408, "{answer}");
    }
    setup.log_line("body_timeout").await;
    assert_eq!(setup.origin.count(), 0);

    // JavaScript collects what is not used any more when it needs more, if it has not done so yet.
    let held = setup.edge.memory().unwrap().peak;
    let half = (CONNECTIONS * LARGEST_CAP / 2) as u64;
    let mut number = CONNECTIONS;
    while setup.edge.memory().unwrap().resident > held - half {
        assert!(number < 3 * CONNECTIONS, "nothing of {held} bytes was given back");
        setup.expect(&signed_bytes(noise(LARGEST_CAP, number)), 200, "forwarded").await;
        number += 1;
    }
}

/// Bytes that differ from each other, and from those of another number.
fn noise(length: usize, number: usize) -> Vec<u8> {
    let byte = |index: usize| (index.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()[0];
    let mut bytes: Vec<u8> = (0..length).map(byte).collect();
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}
