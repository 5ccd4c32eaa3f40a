//! The body of a reply, whole or not.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A body that is sent whole, or breaks off in the middle.
#[derive(Debug)]
pub struct ReplyBody {
    rest: Bytes,
    /// What is announced as `Content-Length`.
    announced: u64,
    then: Then,
}

#[derive(Debug)]
enum Then {
    End,
    /// Let hyper flush what it has; break after that.
    Flush,
    Break,
}

impl ReplyBody {
    /// A body that is sent whole.
    #[must_use]
    pub fn whole(body: Bytes) -> Self {
        Self { announced: body.len() as u64, rest: body, then: Then::End }
    }

    /// The first half of a body, of which the whole length is announced; then the server is to close
    /// the connection.
    #[must_use]
    pub fn half(mut body: Bytes) -> Self {
        let announced = body.len() as u64;
        body.truncate(body.len().div_ceil(2));
        Self { announced, rest: body, then: Then::Flush }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(core::mem::take(&mut self.rest)))));
        }
        match self.then {
            Then::End => Poll::Ready(None),
            Then::Flush => {
                self.then = Then::Break;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Then::Break => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.then, Then::End) && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}
