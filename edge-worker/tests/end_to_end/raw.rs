//! HTTP written by hand, for what no client library would send.

use core::num::NonZeroUsize;

use nextapi_testkit::{Delivery, RawAnswer, RawConnection};

use crate::setup::{PATH, PATIENCE, Setup};

/// A connection to the edge.
pub(crate) struct Connection(RawConnection);

impl Connection {
    pub(crate) async fn open(setup: &Setup) -> Self {
        Self(RawConnection::open(&setup.edge.url()).await.unwrap())
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write(bytes).await.unwrap();
    }

    /// Sends the head of a delivery: its own headers and these lines.
    pub(crate) async fn write_head(&mut self, delivery: &Delivery, lines: &[&str]) {
        self.0.write_head(&format!("/{PATH}"), delivery, lines).await.unwrap();
    }

    /// Sends bytes in pieces of this size, each in a TCP segment of its own.
    pub(crate) async fn write_pieces(&mut self, bytes: &[u8], size: NonZeroUsize) {
        self.0.write_pieces(bytes, size).await.unwrap();
    }

    pub(crate) async fn write_chunk(&mut self, bytes: &[u8]) {
        self.write(format!("{:x}\r\n", bytes.len())).await;
        self.write(bytes).await;
        self.write("\r\n").await;
    }

    /// Says that nothing more will be sent, and gives the answer's status and all that came back.
    pub(crate) async fn finish(self) -> (u16, String) {
        let RawAnswer { status, text } = self.0.finish(PATIENCE).await.unwrap();
        (status, text)
    }

    /// Hangs up as a client does that is killed (RST). The engine does not notice a FIN.
    pub(crate) fn reset(self) {
        self.0.reset().unwrap();
    }

    /// The status of the answer, once its head has arrived, and the rest of what came with it.
    pub(crate) async fn read_answer(&mut self) -> (u16, String) {
        let RawAnswer { status, text } = self.0.read_answer(PATIENCE).await.unwrap();
        (status, text)
    }
}
