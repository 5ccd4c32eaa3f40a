//! Why a body could not be read.

use core::fmt;

/// Why a body could not be read. Nothing is then said about the delivery: the verdict, an
/// [`Error`](crate::Error), is [`Stream::finish`](crate::Stream::finish)'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The reader failed.
    Reader(E),
    /// The body is longer than it may be.
    #[non_exhaustive]
    TooLong {
        /// The number of bytes that it may have.
        limit: usize,
    },
    /// The reader ended before the body did.
    #[non_exhaustive]
    Ended {
        /// The number of bytes that were read.
        length: usize,
        /// The number of bytes that the body was to have.
        expected: usize,
    },
    /// The buffer has no room for a single byte.
    NoBuffer,
}

impl<E> ReadError<E> {
    /// A stable code for logs, counters and answers: `body_unreadable`, `body_too_large`, `body_cut` or
    /// `buffer_empty`. A code never changes its meaning.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Reader(_) => "body_unreadable",
            Self::TooLong { .. } => "body_too_large",
            Self::Ended { .. } => "body_cut",
            Self::NoBuffer => "buffer_empty",
        }
    }
}

impl<E: fmt::Display> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reader(error) => write!(f, "the body could not be read: {error}"),
            Self::TooLong { limit } => write!(f, "the body has more than {limit} bytes"),
            Self::Ended { length, expected } => {
                write!(f, "the body ended after {length} of {expected} bytes")
            }
            Self::NoBuffer => f.write_str("the buffer for the body has no room"),
        }
    }
}

impl<E: core::error::Error> core::error::Error for ReadError<E> {}
