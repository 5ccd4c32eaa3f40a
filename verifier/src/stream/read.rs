//! Bodies that are read from `embedded_io` and `embedded_io_async`, piece by piece.

use embedded_io::Read;

use super::Stream;
use crate::ReadError;

impl<const KEYS: usize> Stream<'_, KEYS> {
    /// Reads the body from a reader to its end, and takes it in. Gives the body's length, in bytes.
    ///
    /// For a reader that ends where the body does: that of an HTTP library, a file. On a connection that
    /// stays open, [`read_exact_from`](Self::read_exact_from) reads what `Content-Length` announced.
    ///
    /// The buffer may have any length but zero. It is filled from its start, and from its start again when it
    /// is full: where there is room for all of the body, the body stands at the start of the buffer afterwards,
    /// for [`Verified::with_body`](crate::Verified::with_body).
    ///
    /// ```
    /// # use nextapi_webhook::{Key, ReadError, Tolerance, UnixTime, Verifier};
    /// # let mut verifier = Verifier::<1>::without_keys(Tolerance::DEFAULT);
    /// # verifier.add_key(b"whsec_1").unwrap();
    /// # let clock = || UnixTime::from_secs(1_700_000_000);
    /// # let sent = br#"{"id":"evt_1","type":"job.succeeded"}"#;
    /// # let header = Key::new(b"whsec_1").unwrap().sign(clock(), sent).to_string();
    /// # let mut connection: &[u8] = sent;
    /// let mut stream = verifier.begin(&header)?;
    /// let mut buffer = [0; 256];
    /// // At most 4 KiB, of which the buffer keeps bodies of up to 256 bytes.
    /// let length = stream.read_from(&mut connection, &mut buffer, 4_096)?;
    /// // The time is that of the clock now, when all of the body is there.
    /// let verified = stream.finish(clock())?;
    /// if let Some(body) = buffer.get(..length) {
    ///     let event = verified.with_body(body).event()?;
    ///     assert_eq!(event.id(), Some("evt_1"));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Any variant of [`ReadError`] but [`Ended`](ReadError::Ended). The stream then refuses everything, until
    /// it begins again.
    pub fn read_from<R: Read + ?Sized>(
        &mut self,
        reader: &mut R,
        buffer: &mut [u8],
        limit: usize,
    ) -> Result<usize, ReadError<R::Error>> {
        self.read(reader, Pieces::new(buffer, Extent::AtMost(limit)))
    }

    /// Reads a body of so many bytes from a reader, and takes it in. Not a byte more is read: what follows on the
    /// connection is the next request. How long the body may be is for the caller to say, before.
    ///
    /// The buffer is used as by [`read_from`](Self::read_from).
    ///
    /// # Errors
    /// Any variant of [`ReadError`] but [`TooLong`](ReadError::TooLong). The stream then refuses everything, until
    /// it begins again.
    pub fn read_exact_from<R: Read + ?Sized>(
        &mut self,
        reader: &mut R,
        buffer: &mut [u8],
        length: usize,
    ) -> Result<(), ReadError<R::Error>> {
        self.read(reader, Pieces::new(buffer, Extent::Exactly(length))).map(drop)
    }

    fn read<R: Read + ?Sized>(
        &mut self,
        reader: &mut R,
        mut pieces: Pieces<'_>,
    ) -> Result<usize, ReadError<R::Error>> {
        loop {
            let result = match pieces.room() {
                Ok(Some(room)) => reader.read(room).map_err(ReadError::Reader),
                Ok(None) => return Ok(pieces.length),
                Err(error) => Err(error),
            };
            self.take(&mut pieces, result)?;
        }
    }

    /// Takes in what a read gave, or from now on refuses everything.
    fn take<E>(
        &mut self,
        pieces: &mut Pieces<'_>,
        result: Result<usize, ReadError<E>>,
    ) -> Result<(), ReadError<E>> {
        let piece = result.and_then(|count| pieces.take(count));
        let piece = piece.inspect_err(|_| self.header.forget_signatures())?;
        self.update(piece);
        Ok(())
    }
}

#[cfg(feature = "embedded-io-async")]
impl<const KEYS: usize> Stream<'_, KEYS> {
    /// As [`read_from`](Self::read_from), from a reader that is awaited.
    ///
    /// A future that is dropped before it is ready, for a time-out perhaps, leaves a stream that has taken in a
    /// part of the body: begin again.
    ///
    /// # Errors
    /// Those of [`read_from`](Self::read_from).
    pub async fn read_from_async<R: embedded_io_async::Read + ?Sized>(
        &mut self,
        reader: &mut R,
        buffer: &mut [u8],
        limit: usize,
    ) -> Result<usize, ReadError<R::Error>> {
        self.read_async(reader, Pieces::new(buffer, Extent::AtMost(limit))).await
    }

    /// As [`read_exact_from`](Self::read_exact_from), from a reader that is awaited.
    ///
    /// If the future is dropped before it is ready, the stream has to begin again.
    ///
    /// # Errors
    /// Those of [`read_exact_from`](Self::read_exact_from).
    pub async fn read_exact_from_async<R: embedded_io_async::Read + ?Sized>(
        &mut self,
        reader: &mut R,
        buffer: &mut [u8],
        length: usize,
    ) -> Result<(), ReadError<R::Error>> {
        self.read_async(reader, Pieces::new(buffer, Extent::Exactly(length))).await.map(drop)
    }

    async fn read_async<R: embedded_io_async::Read + ?Sized>(
        &mut self,
        reader: &mut R,
        mut pieces: Pieces<'_>,
    ) -> Result<usize, ReadError<R::Error>> {
        loop {
            let result = match pieces.room() {
                Ok(Some(room)) => reader.read(room).await.map_err(ReadError::Reader),
                Ok(None) => return Ok(pieces.length),
                Err(error) => Err(error),
            };
            self.take(&mut pieces, result)?;
        }
    }
}

/// How much is to be read, in bytes.
#[derive(Clone, Copy)]
enum Extent {
    /// All that the reader has, and it may have no more than this.
    AtMost(usize),
    Exactly(usize),
}

/// A body on its way through a buffer. It neither reads nor verifies, so that whoever blocks and whoever awaits
/// do the same.
struct Pieces<'b> {
    buffer: &'b mut [u8],
    /// Where in the buffer the next piece goes, and where the room for it ends.
    next: usize,
    end: usize,
    /// How long the body is so far.
    length: usize,
    extent: Extent,
    is_at_end: bool,
}

impl<'b> Pieces<'b> {
    fn new(buffer: &'b mut [u8], extent: Extent) -> Self {
        let is_at_end = matches!(extent, Extent::Exactly(0));
        Self { buffer, next: 0, end: 0, length: 0, extent, is_at_end }
    }

    /// Where the next piece may be read to: never empty, and `None` when all of the body has been read.
    fn room<E>(&mut self) -> Result<Option<&mut [u8]>, ReadError<E>> {
        if self.is_at_end {
            return Ok(None);
        }
        if self.buffer.is_empty() {
            return Err(ReadError::NoBuffer);
        }
        if self.next == self.buffer.len() {
            self.next = 0;
        }
        self.end = match self.extent {
            Extent::AtMost(_) => self.buffer.len(),
            Extent::Exactly(length) => {
                let missing = length.saturating_sub(self.length);
                self.next.saturating_add(missing).min(self.buffer.len())
            }
        };
        Ok(self.buffer.get_mut(self.next..self.end))
    }

    /// Gives the piece that has been read to the room: so many bytes, where none are the reader's end.
    fn take<E>(&mut self, count: usize) -> Result<&[u8], ReadError<E>> {
        let piece = self.buffer.get(self.next..self.end).unwrap_or_default();
        // A reader that says it has read more than there was room for is not believed.
        let piece = piece.get(..count).unwrap_or(piece);
        let length = self.length.saturating_add(piece.len());
        match self.extent {
            Extent::AtMost(limit) if length > limit => return Err(ReadError::TooLong { limit }),
            Extent::AtMost(_) => self.is_at_end = piece.is_empty(),
            Extent::Exactly(expected) if piece.is_empty() => {
                return Err(ReadError::Ended { length, expected });
            }
            Extent::Exactly(expected) => self.is_at_end = length == expected,
        }
        self.length = length;
        self.next = self.next.saturating_add(piece.len());
        Ok(piece)
    }
}
