//! Bodies from readers: blocking and awaited readers give the same verdict as the body at hand.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use core::convert::Infallible;
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};

use embedded_io::{ErrorKind, ErrorType};
use nextapi_webhook::{Error, Key, ReadError, Stream, Tolerance, UnixTime, Verified, Verifier};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded","data":{"job":{"id":"job_1"}}}"#;

fn verifier() -> Verifier<2> {
    let keys = [b"whsec_new", b"whsec_old"].map(|secret| Key::new(secret).unwrap());
    Verifier::new(keys, Tolerance::DEFAULT).unwrap()
}

fn header(body: &[u8]) -> String {
    Key::new(b"whsec_old").unwrap().sign(NOW, body).to_string()
}

/// A connection: gives so many bytes at most at a time, and fails instead of ending if it is to.
#[derive(Clone)]
struct Connection<'a> {
    bytes: &'a [u8],
    at_a_time: usize,
    fails: bool,
    /// Whether the next read is put off first, when it is awaited.
    puts_off: bool,
}

impl<'a> Connection<'a> {
    fn new(bytes: &'a [u8], at_a_time: usize) -> Self {
        Self { bytes, at_a_time, fails: false, puts_off: true }
    }

    fn failing(self) -> Self {
        Self { fails: true, ..self }
    }

    fn give(&mut self, room: &mut [u8]) -> Result<usize, ErrorKind> {
        assert!(!room.is_empty(), "no room, so nothing that is read means anything");
        if self.bytes.is_empty() && self.fails {
            return Err(ErrorKind::ConnectionReset);
        }
        let count = self.bytes.len().min(self.at_a_time).min(room.len());
        let (given, rest) = self.bytes.split_at(count);
        room.get_mut(..count).unwrap().copy_from_slice(given);
        self.bytes = rest;
        Ok(count)
    }
}

impl ErrorType for Connection<'_> {
    type Error = ErrorKind;
}

impl embedded_io::Read for Connection<'_> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize, ErrorKind> {
        self.give(room)
    }
}

impl embedded_io_async::Read for Connection<'_> {
    async fn read(&mut self, room: &mut [u8]) -> Result<usize, ErrorKind> {
        core::future::poll_fn(|_| {
            self.puts_off = !self.puts_off;
            if self.puts_off { Poll::Ready(self.give(room)) } else { Poll::Pending }
        })
        .await
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// What is awaited here is always ready when it is asked again.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = poll(future.as_mut()) {
            return output;
        }
    }
}

type Outcome = (Result<usize, ReadError<ErrorKind>>, Result<Verified, Error>);

/// Reads to the end in both ways, which have to agree, then asks for the verdict.
fn read(header: &str, connection: &Connection<'_>, buffer: &mut [u8], limit: usize) -> Outcome {
    let verifier = verifier();
    let mut stream = verifier.begin(header).unwrap();
    let awaited = block_on(stream.read_from_async(&mut connection.clone(), buffer, limit));
    let awaited = (awaited, stream.finish(NOW));
    let kept = buffer.to_vec();

    buffer.fill(0);
    stream.begin(header).unwrap();
    let outcome = (stream.read_from(&mut connection.clone(), buffer, limit), stream.finish(NOW));
    assert_eq!(outcome, awaited);
    assert_eq!(buffer, kept);
    outcome
}

/// The same for a length that is known. Gives what is left on the connection, too.
fn read_exact<'a>(
    header: &str,
    connection: &Connection<'a>,
    buffer: &mut [u8],
    length: usize,
) -> (Outcome, &'a [u8]) {
    let verifier = verifier();
    let mut stream = verifier.begin(header).unwrap();
    let mut left = connection.clone();
    let awaited = block_on(stream.read_exact_from_async(&mut left, buffer, length));
    let awaited = (awaited.map(|()| length), stream.finish(NOW), left.bytes);

    stream.begin(header).unwrap();
    let mut left = connection.clone();
    let result = stream.read_exact_from(&mut left, buffer, length);
    let outcome = (result.map(|()| length), stream.finish(NOW));
    assert_eq!((outcome.0, outcome.1, left.bytes), awaited);
    (outcome, left.bytes)
}

/// The verdict over a body at hand.
fn at_once(header: &str, body: &[u8]) -> Result<Verified, Error> {
    verifier().verify(header, body, NOW).map(Verified::without_body)
}

#[test]
fn however_the_reader_and_the_buffer_cut_the_verdict_is_that_over_the_whole() {
    let good = header(BODY);
    let changed = header(b"another body");
    for at_a_time in [1, 2, 7, 64, 1_000] {
        for room in [1, 2, 5, BODY.len() - 1, BODY.len(), BODY.len() + 1, 1_000] {
            for header in [&good, &changed] {
                let expected = at_once(header, BODY);
                let mut buffer = vec![0; room];
                let connection = Connection::new(BODY, at_a_time);
                let (length, verdict) = read(header, &connection, &mut buffer, 1_000);
                assert_eq!(
                    (length, verdict),
                    (Ok(BODY.len()), expected),
                    "{at_a_time} into {room}"
                );
                if room >= BODY.len() {
                    assert_eq!(&buffer[..BODY.len()], BODY, "the buffer keeps the body");
                }

                let mut buffer = vec![0; room];
                let ((length, verdict), left) =
                    read_exact(header, &connection, &mut buffer, BODY.len());
                assert_eq!(
                    (length, verdict),
                    (Ok(BODY.len()), expected),
                    "{at_a_time} into {room}"
                );
                assert!(left.is_empty());
                if room >= BODY.len() {
                    assert_eq!(&buffer[..BODY.len()], BODY, "the buffer keeps the body");
                }
            }
        }
    }
}

#[test]
fn an_empty_body_is_read_and_verified() {
    let connection = Connection::new(b"", 1);
    let expected = at_once(&header(b""), b"");
    assert!(expected.is_ok());
    assert_eq!(read(&header(b""), &connection, &mut [0], 0), (Ok(0), expected));
    // Nothing is to be read, so not even a buffer is needed, and a broken connection is none of the body's.
    let (outcome, _) = read_exact(&header(b""), &connection.failing(), &mut [], 0);
    assert_eq!(outcome, (Ok(0), expected));
}

#[test]
fn a_body_as_long_as_it_may_be_is_read_and_one_byte_more_is_too_long() {
    for room in [1, 3, BODY.len(), 1_000] {
        for at_a_time in [1, 1_000] {
            let connection = Connection::new(BODY, at_a_time);
            let mut buffer = vec![0; room];
            let (length, verdict) = read(&header(BODY), &connection, &mut buffer, BODY.len());
            assert_eq!((length, verdict.is_ok()), (Ok(BODY.len()), true));

            let limit = BODY.len() - 1;
            let (result, verdict) = read(&header(BODY), &connection, &mut buffer, limit);
            let error = result.unwrap_err();
            assert!(matches!(error, ReadError::TooLong { limit: said, .. } if said == limit));
            assert_eq!(verdict, Err(Error::SignatureMismatch));
        }
    }
}

/// What was signed is followed by more. Whoever overlooks the error gets no verdict over the part.
#[test]
fn the_part_of_a_body_within_the_limit_is_not_accepted() {
    let longer = [BODY, b"!"].concat();
    // The limit is reached within a piece, and at the end of one.
    for at_a_time in [1, 1_000] {
        let connection = Connection::new(&longer, at_a_time);
        let (result, verdict) = read(&header(BODY), &connection, &mut [0; 256], BODY.len());
        assert_eq!(result.unwrap_err().code(), "body_too_large");
        assert_eq!(verdict, Err(Error::SignatureMismatch));
    }
}

#[test]
fn not_a_byte_beyond_the_length_is_read() {
    let pipelined = [BODY, b"POST /webhook"].concat();
    for room in [1, 5, BODY.len(), 1_000] {
        let connection = Connection::new(&pipelined, 1_000);
        let mut buffer = vec![0; room];
        let (outcome, left) = read_exact(&header(BODY), &connection, &mut buffer, BODY.len());
        assert!(outcome.1.is_ok());
        assert_eq!(left, b"POST /webhook");
    }
}

#[test]
fn a_connection_that_ends_early_is_told_and_the_part_is_not_accepted() {
    for (sent, expected) in [(0, 1), (1, 2), (BODY.len(), BODY.len() + 1)] {
        let part = &BODY[..sent];
        // Signed so that the part would hold, had the error been overlooked.
        let (outcome, _) =
            read_exact(&header(part), &Connection::new(part, 7), &mut [0; 8], expected);
        let (result, verdict) = outcome;
        let error = result.unwrap_err();
        let ReadError::Ended { length, expected: said, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((length, said), (sent, expected));
        assert_eq!(verdict, Err(Error::SignatureMismatch));
    }
}

#[test]
fn a_reader_that_fails_is_told_apart_from_a_verdict() {
    let connection = Connection::new(BODY, 7).failing();
    let (result, verdict) = read(&header(BODY), &connection, &mut [0; 8], 1_000);
    assert_eq!(result, Err(ReadError::Reader(ErrorKind::ConnectionReset)));
    // All of the body had come, but that there was no more of it is not known.
    assert_eq!(verdict, Err(Error::SignatureMismatch));

    let ((result, verdict), _) = read_exact(&header(BODY), &connection, &mut [0; 8], 1_000);
    assert_eq!(result, Err(ReadError::Reader(ErrorKind::ConnectionReset)));
    assert_eq!(verdict, Err(Error::SignatureMismatch));
}

#[test]
fn without_a_buffer_nothing_is_taken_for_the_end_of_a_body() {
    let connection = Connection::new(BODY, 7);
    let refused = (Err(ReadError::NoBuffer), Err(Error::SignatureMismatch));
    assert_eq!(read(&header(b""), &connection, &mut [], 1_000), refused);
    assert_eq!(read_exact(&header(b""), &connection, &mut [], 1).0, refused);
}

/// A reader that breaks its contract so many times, in which it says how much it has read, and then ends.
struct Liar(usize);

impl ErrorType for Liar {
    type Error = Infallible;
}

impl embedded_io::Read for Liar {
    fn read(&mut self, room: &mut [u8]) -> Result<usize, Infallible> {
        let Some(left) = self.0.checked_sub(1) else { return Ok(0) };
        self.0 = left;
        room.fill(b'x');
        Ok(usize::MAX)
    }
}

#[test]
fn a_reader_that_says_too_much_is_not_believed() {
    let verifier = verifier();
    let mut stream = verifier.begin(header(b"xxxx")).unwrap();
    assert_eq!(stream.read_exact_from(&mut Liar(1), &mut [0; 4], 4), Ok(()));
    assert!(stream.finish(NOW).is_ok());

    // The room was for two bytes more.
    stream.begin(header(b"xxxxxx")).unwrap();
    let mut buffer = [0; 4];
    let result = stream.read_exact_from(&mut Liar(2), &mut buffer, 6);
    assert_eq!((result, stream.finish(NOW).is_ok()), (Ok(()), true));

    stream.begin(header(b"")).unwrap();
    let error = stream.read_from(&mut Liar(3), &mut [0; 4], 10).unwrap_err();
    assert_eq!(error.code(), "body_too_large");
}

#[test]
fn the_time_is_asked_for_after_the_last_byte() {
    let late = UnixTime::from_secs(NOW.as_secs() + 300);
    let verifier = verifier();
    let mut stream = verifier.begin(header(BODY)).unwrap();
    stream.read_from(&mut Connection::new(BODY, 1), &mut [0; 8], 1_000).unwrap();
    assert_eq!(stream.finish(late).unwrap_err().code(), "timestamp_expired");
}

#[test]
fn a_stream_takes_pieces_and_readers_together_and_can_be_used_again() {
    let verifier = verifier();
    let mut stream = Stream::new(&verifier);
    let (first, second) = BODY.split_at(10);
    for _ in 0..2 {
        stream.begin(header(BODY)).unwrap();
        stream.update(first);
        stream.read_from(&mut Connection::new(second, 3), &mut [0; 8], 1_000).unwrap();
        assert!(stream.finish(NOW).is_ok());

        // After a failure as well.
        stream.begin(header(BODY)).unwrap();
        let mut broken = Connection::new(first, 3).failing();
        assert!(stream.read_from(&mut broken, &mut [0; 8], 1_000).is_err());
    }
}

/// A time-out, say.
#[test]
fn a_future_that_is_dropped_leaves_a_stream_that_can_begin_again() {
    let verifier = verifier();
    let mut stream = verifier.begin(header(BODY)).unwrap();
    let mut buffer = [0; 8];
    let mut connection = Connection::new(BODY, 3);
    {
        let mut future = pin!(stream.read_from_async(&mut connection, &mut buffer, 1_000));
        assert!(poll(future.as_mut()).is_pending());
        assert!(poll(future.as_mut()).is_pending());
    }
    assert_eq!(connection.bytes.len(), BODY.len() - 3);
    assert_eq!(stream.finish(NOW), Err(Error::SignatureMismatch));

    stream.begin(header(BODY)).unwrap();
    let mut connection = Connection::new(BODY, 3);
    assert_eq!(block_on(stream.read_from_async(&mut connection, &mut buffer, 100)), Ok(BODY.len()));
    assert!(stream.finish(NOW).is_ok());
}

#[test]
fn codes_are_stable_and_sentences_are_there() {
    let too_long = read(&header(BODY), &Connection::new(BODY, 7), &mut [0; 8], 10).0.unwrap_err();
    let ended = read_exact(&header(BODY), &Connection::new(BODY, 7), &mut [0; 8], 100).0.0;
    let sentences = [
        (
            ReadError::Reader(ErrorKind::TimedOut),
            "body_unreadable",
            "the body could not be read: TimedOut",
        ),
        (too_long, "body_too_large", "the body has more than 10 bytes"),
        (ended.unwrap_err(), "body_cut", "the body ended after 67 of 100 bytes"),
        (ReadError::NoBuffer, "buffer_empty", "the buffer for the body has no room"),
    ];
    for (error, code, sentence) in sentences {
        assert_eq!((error.code(), error.to_string().as_str()), (code, sentence));
    }
}
