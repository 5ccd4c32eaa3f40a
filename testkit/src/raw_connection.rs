//! HTTP written by hand, for what no client library would send.

use core::num::NonZeroUsize;
use core::time::Duration;

use anyhow::{Context as _, bail};
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Delivery;

/// A connection to a server on this machine, on which every write is sent at once.
pub struct RawConnection(TcpStream);

/// What came back on a [`RawConnection`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Everything that came, head included. What is not UTF-8 is replaced.
    pub text: String,
}

impl RawConnection {
    /// Connects to the server of a URL `http://ADDRESS:PORT/…`.
    ///
    /// # Errors
    /// If the URL is not one of these, or nobody listens.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let rest = url.strip_prefix("http://").context("the URL must begin with http://")?;
        let address = rest.split('/').next().unwrap_or(rest);
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        // Else the kernel would collect small writes into one segment.
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// If the other side has closed the connection.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
        self.0.write_all(bytes.as_ref()).await?;
        Ok(self.0.flush().await?)
    }

    /// Sends bytes in pieces of this size, each handed to the network by itself. They may be a body
    /// as it is, or one that is [`chunked`].
    ///
    /// # Errors
    /// If the other side closes the connection before all are sent.
    pub async fn write_pieces(&mut self, bytes: &[u8], size: NonZeroUsize) -> anyhow::Result<()> {
        for piece in bytes.chunks(size.get()) {
            self.write(piece).await?;
        }
        Ok(())
    }

    /// Sends the head of a delivery to this path: its own headers, and these lines, which say how the
    /// body comes: `Content-Length: 5` or `Transfer-Encoding: chunked`.
    ///
    /// # Errors
    /// If the other side has closed the connection.
    pub async fn write_head(
        &mut self,
        path: &str,
        delivery: &Delivery,
        lines: &[&str],
    ) -> anyhow::Result<()> {
        let mut head = format!("POST {path} HTTP/1.1\r\nHost: edge.test\r\n").into_bytes();
        for (name, value) in delivery.headers() {
            head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        for line in lines {
            head.extend([line.as_bytes(), b"\r\n"].concat());
        }
        head.extend(b"\r\n");
        self.write(head).await
    }

    /// The answer, with as much of a body as its `Content-Length` announces, which may come later
    /// than the head. The connection stays open.
    ///
    /// # Errors
    /// If the other side closes the connection first, or `timeout` passes.
    pub async fn read_answer(&mut self, timeout: Duration) -> anyhow::Result<RawAnswer> {
        let mut answer = Vec::new();
        let reading = async {
            while announced_length(&answer).is_none_or(|length| answer.len() < length) {
                if self.0.read_buf(&mut answer).await? == 0 {
                    bail!("the connection was closed without an answer");
                }
            }
            Ok(())
        };
        tokio::time::timeout(timeout, reading).await.context("no answer in time")??;
        RawAnswer::parse(&answer)
    }

    /// Says that nothing more will be sent (FIN), and reads until the other side closes, too.
    ///
    /// # Errors
    /// If no answer came before it did, or `timeout` passes.
    pub async fn finish(mut self, timeout: Duration) -> anyhow::Result<RawAnswer> {
        // A server may reset a connection that it has refused. Then this fails, or reading ends in an
        // error, with or without the answer.
        let _ = self.0.shutdown().await;
        let mut answer = Vec::new();
        let reading = self.0.read_to_end(&mut answer);
        let _ = tokio::time::timeout(timeout, reading).await.context("no end in time")?;
        RawAnswer::parse(&answer)
    }

    /// Closes the connection (FIN) without waiting for an answer.
    ///
    /// # Errors
    /// If the other side has closed it.
    pub async fn close(mut self) -> anyhow::Result<()> {
        Ok(self.0.shutdown().await?)
    }

    /// Resets the connection (RST), as a client does that is killed or gone from the network. What
    /// was sent and not yet read by the other side may be lost.
    ///
    /// # Errors
    /// If the socket refuses to.
    pub fn reset(self) -> anyhow::Result<()> {
        // With no time to linger, closing the socket sends RST instead of FIN.
        Ok(SockRef::from(&self.0).set_linger(Some(Duration::ZERO))?)
    }
}

impl RawAnswer {
    fn parse(answer: &[u8]) -> anyhow::Result<Self> {
        let text = String::from_utf8_lossy(answer).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("no status in {text:?}"))?;
        Ok(Self { status, text })
    }
}

/// Bytes of the whole answer, as its head says, once that is there.
fn announced_length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")?.saturating_add(4);
    let lines = String::from_utf8_lossy(answer.get(..head)?).into_owned();
    let body = lines.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        value.trim().parse().ok().filter(|_: &usize| name.eq_ignore_ascii_case("content-length"))
    });
    Some(head.saturating_add(body.unwrap_or_default()))
}

/// A body in chunks of this size (RFC 9112 section 7.1), the last, empty one included.
#[must_use]
pub fn chunked(body: &[u8], size: NonZeroUsize) -> Vec<u8> {
    let mut framed = Vec::new();
    for chunk in body.chunks(size.get()) {
        framed.extend(format!("{:x}\r\n", chunk.len()).bytes());
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
    }
    framed.extend_from_slice(b"0\r\n\r\n");
    framed
}
