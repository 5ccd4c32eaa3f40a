//! HTTP written by hand, for what no client library would send.

use nextapi_testkit::Delivery;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::setup::{PATH, PATIENCE, Setup};

/// A connection to the edge.
pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) async fn open(setup: &Setup) -> Self {
        Self(TcpStream::connect(setup.address()).await.unwrap())
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends the head of a delivery: its own headers and these lines.
    pub(crate) async fn write_head(&mut self, delivery: &Delivery, lines: &[&str]) {
        let mut head = format!("POST /{PATH} HTTP/1.1\r\nHost: edge.test\r\n").into_bytes();
        for (name, value) in delivery.headers() {
            head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        for line in lines {
            head.extend([line.as_bytes(), b"\r\n"].concat());
        }
        head.extend(b"\r\n");
        self.write(head).await;
    }

    pub(crate) async fn write_chunk(&mut self, bytes: &[u8]) {
        self.write(format!("{:x}\r\n", bytes.len())).await;
        self.write(bytes).await;
        self.write("\r\n").await;
    }

    /// Says that nothing more will be sent, and gives the answer's status and all that came back.
    pub(crate) async fn finish(mut self) -> (u16, String) {
        // The engine resets a connection that it has refused. Then this fails, or reading ends in an
        // error, with or without the answer.
        let _ = self.0.shutdown().await;
        let mut answer = Vec::new();
        let reading = self.0.read_to_end(&mut answer);
        let _ = tokio::time::timeout(PATIENCE, reading).await.expect("an end in time");
        parsed(&answer)
    }

    /// The status of the answer, once its head has arrived, and the rest of what came with it.
    pub(crate) async fn read_answer(&mut self) -> (u16, String) {
        let mut answer = Vec::new();
        let reading = async {
            while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
                let read = self.0.read_buf(&mut answer).await.unwrap();
                assert!(read > 0, "the edge closed the connection without an answer");
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("an answer in time");
        parsed(&answer)
    }
}

fn parsed(answer: &[u8]) -> (u16, String) {
    let answer = String::from_utf8_lossy(answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status in {answer:?}")), answer)
}
