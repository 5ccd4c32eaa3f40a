//! Links only if no call below can panic. Each check is one function of the public API with inputs
//! that the compiler knows nothing about; `no-panic` leaves an undefined symbol with the check's
//! name behind wherever a panic is still reachable.
//!
//! Formatting (`Display`, `Debug`) is not among the checks: `core::fmt` writes through a table of
//! functions, and there no compiler can tell what the other side does.

use core::convert::Infallible;
use core::future::Future;
use core::hint::black_box;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use nextapi_webhook::{
    EngineError, Error, Event, EventError, EventKey, Key, KeyError, Label, Mac, Pending, ReadError,
    ReplayWindow, Signature, Stream, Tolerance, UnixTime, Verified, Verifier, verify_with,
};
use no_panic::no_panic;

/// Keys that the checked verifier has room for.
const KEYS: usize = 2;
/// Events that the checked window has room for.
const EVENTS: usize = 8;

/// A reader of which the compiler knows nothing but that it does not panic itself: every answer that a reader
/// may give, and those that it may not.
struct Reader<'a>(&'a [Result<usize, Infallible>]);

impl embedded_io::ErrorType for Reader<'_> {
    type Error = Infallible;
}

impl embedded_io::Read for Reader<'_> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize, Infallible> {
        room.fill(b'x');
        let Some((answer, rest)) = self.0.split_first() else { return Ok(0) };
        self.0 = rest;
        *answer
    }
}

impl embedded_io_async::Read for Reader<'_> {
    async fn read(&mut self, room: &mut [u8]) -> Result<usize, Infallible> {
        embedded_io::Read::read(self, room)
    }
}

/// What a future gives that never waits.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Makes the checks, and a list of their names that says what was proved.
macro_rules! checks {
    ($(fn $name:ident$(<$life:lifetime>)?($($argument:ident: $type:ty),*) -> $result:ty $body:block)*) => {
        $(
            #[no_panic]
            #[inline(never)]
            fn $name$(<$life>)?($($argument: $type),*) -> $result $body
        )*
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

checks! {
    fn key_new(secret: &[u8]) -> Result<Key, KeyError> {
        Key::new(secret)
    }
    fn key_sign(key: &Key, timestamp: UnixTime, body: &[u8]) -> Signature {
        key.sign(timestamp, body)
    }
    fn key_drop(key: Key) -> () {
        drop(key);
    }
    fn signature_with_label(signature: Signature, label: Label) -> Signature {
        signature.with_label(label)
    }
    fn signature_encode(signature: &Signature, buffer: &mut [u8; Signature::MAX_BYTES]) -> usize {
        signature.encode(buffer).len()
    }
    fn verifier_new(keys: [Key; KEYS + 1], tolerance: Tolerance) -> Result<Verifier<KEYS>, KeyError> {
        Verifier::new(keys, tolerance)
    }
    fn verifier_add_key(verifier: &mut Verifier<KEYS>, secret: &[u8]) -> Result<(), KeyError> {
        verifier.add_key(secret)
    }
    fn verifier_verify<'b>(
        verifier: &Verifier<KEYS>,
        header: &[u8],
        body: &'b [u8],
        now: UnixTime
    ) -> Result<Verified<&'b [u8]>, Error> {
        verifier.verify(header, body, now)
    }
    fn verifier_begin<'k>(
        verifier: &'k Verifier<KEYS>,
        header: &[u8]
    ) -> Result<Stream<'k, KEYS>, Error> {
        verifier.begin(header)
    }
    fn stream_update(stream: &mut Stream<'_, KEYS>, piece: &[u8]) -> () {
        stream.update(piece);
    }
    fn stream_new<'k>(verifier: &'k Verifier<KEYS>) -> Stream<'k, KEYS> {
        Stream::new(verifier)
    }
    fn stream_begin(stream: &mut Stream<'_, KEYS>, header: &[u8]) -> Result<(), Error> {
        stream.begin(header)
    }
    fn stream_finish(stream: &mut Stream<'_, KEYS>, now: UnixTime) -> Result<Verified, Error> {
        stream.finish(now)
    }
    fn stream_read_from(
        stream: &mut Stream<'_, KEYS>,
        reader: &mut Reader<'_>,
        buffer: &mut [u8],
        limit: usize
    ) -> Result<usize, ReadError<Infallible>> {
        stream.read_from(reader, buffer, limit)
    }
    fn stream_read_exact_from(
        stream: &mut Stream<'_, KEYS>,
        reader: &mut Reader<'_>,
        buffer: &mut [u8],
        length: usize
    ) -> Result<(), ReadError<Infallible>> {
        stream.read_exact_from(reader, buffer, length)
    }
    fn stream_read_from_async(
        stream: &mut Stream<'_, KEYS>,
        reader: &mut Reader<'_>,
        buffer: &mut [u8],
        limit: usize
    ) -> Option<Result<usize, ReadError<Infallible>>> {
        ready(stream.read_from_async(reader, buffer, limit))
    }
    fn stream_read_exact_from_async(
        stream: &mut Stream<'_, KEYS>,
        reader: &mut Reader<'_>,
        buffer: &mut [u8],
        length: usize
    ) -> Option<Result<(), ReadError<Infallible>>> {
        ready(stream.read_exact_from_async(reader, buffer, length))
    }
    fn pending_parse(header: &[u8]) -> Result<Pending, Error> {
        Pending::parse(header)
    }
    fn pending_message<'a>(pending: &'a Pending, body: &'a [u8]) -> [&'a [u8]; 3] {
        pending.message(body)
    }
    fn pending_offer(pending: &mut Pending, key_index: u32, mac: &[u8; 32]) -> () {
        pending.offer(key_index, &Mac::new(mac));
    }
    fn pending_finish(
        pending: Pending,
        now: UnixTime,
        tolerance: Tolerance
    ) -> Result<Verified, Error> {
        pending.finish(now, tolerance)
    }
    fn verify_with_keys<'b>(
        keys: &[Key],
        tolerance: Tolerance,
        header: &[u8],
        body: &'b [u8],
        now: UnixTime
    ) -> Result<Verified<&'b [u8]>, EngineError<Infallible>> {
        verify_with(&mut { keys }, tolerance, header, body, now)
    }
    fn verified_event(delivery: Verified<&[u8]>) -> Result<Event, EventError> {
        delivery.event()
    }
    fn verified_event_key(delivery: Verified<&[u8]>) -> EventKey {
        delivery.event_key()
    }
    fn verified_age_secs(verified: Verified) -> i64 {
        verified.age_secs()
    }
    fn event_read(body: &[u8]) -> Result<Event, EventError> {
        Event::read_unverified(body)
    }
    fn event_key(event: &Event) -> Option<EventKey> {
        event.key()
    }
    fn event_key_of(body: &[u8]) -> EventKey {
        EventKey::of_unverified(body)
    }
    fn event_key_encode(key: &EventKey, buffer: &mut [u8; EventKey::MAX_TEXT_BYTES]) -> usize {
        key.encode(buffer).len()
    }
    fn event_key_to_bytes(key: EventKey) -> [u8; 33] {
        key.to_bytes()
    }
    fn event_key_from_bytes(bytes: &[u8; 33]) -> Option<EventKey> {
        EventKey::from_bytes(bytes)
    }
    fn replay_window_insert(window: &mut ReplayWindow<EVENTS>, key: EventKey) -> bool {
        window.insert(key)
    }
    fn replay_window_contains(window: &ReplayWindow<EVENTS>, key: &EventKey) -> bool {
        window.contains(key)
    }
    fn replay_window_remove(window: &mut ReplayWindow<EVENTS>, key: &EventKey) -> bool {
        window.remove(key)
    }
}

/// Calls every check, so that all of them are linked, with nothing in sight of the optimiser.
fn main() -> Result<(), Box<dyn core::error::Error>> {
    let secret: &[u8] = black_box(b"whsec_secret");
    let body: &[u8] = black_box(br#"{"id":"evt_1","type":"job.succeeded"}"#);
    let now = black_box(UnixTime::from_secs(1_700_000_000));

    let key = key_new(secret)?;
    let signature = signature_with_label(key_sign(&key, now, body), black_box(Label::V1));
    let header = signature.to_string();
    let header: &[u8] = black_box(header.as_bytes());
    let length = signature_encode(&signature, &mut [0; Signature::MAX_BYTES]);
    assert_eq!(length, header.len(), "the same text as the one that is printed");

    let full = black_box([key.clone(), key.clone(), key.clone()]);
    assert!(verifier_new(full, Tolerance::DEFAULT).is_err(), "three keys in the room of two");
    let verifier = Verifier::<KEYS>::new([key.clone()], black_box(Tolerance::DEFAULT))?;

    let mut added = black_box(Verifier::without_keys(Tolerance::DEFAULT));
    verifier_add_key(&mut added, secret)?;

    let accepted = verifier_verify(&verifier, header, body, now)?;
    black_box(verified_age_secs(accepted.without_body()));
    black_box((verified_event(accepted)?, verified_event_key(accepted)));
    let mut stream = verifier_begin(&added, header)?;
    stream_update(&mut stream, body);
    black_box(verified_age_secs(stream_finish(&mut stream, now)?));
    let mut again = stream_new(&added);
    stream_begin(&mut again, header)?;
    stream_update(&mut again, body);
    black_box(verified_age_secs(stream_finish(&mut again, now)?));

    let answers = black_box([Ok(7), Ok(usize::MAX), Ok(1)]);
    let mut room = [0; 16];
    let buffer: &mut [u8] = black_box(&mut room);
    let reader = || Reader(&answers);
    // 7 bytes, the 9 that there is room for, and 1.
    assert_eq!(stream_read_from(&mut again, &mut reader(), buffer, 100), Ok(17));
    assert_eq!(stream_read_exact_from(&mut again, &mut reader(), buffer, 17), Ok(()));
    assert_eq!(stream_read_from_async(&mut again, &mut reader(), buffer, 100), Some(Ok(17)));
    assert_eq!(stream_read_exact_from_async(&mut again, &mut reader(), buffer, 17), Some(Ok(())));

    let mut pending = pending_parse(header)?;
    black_box(pending_message(&pending, body));
    pending_offer(&mut pending, 0, black_box(signature.mac()));
    black_box(verified_age_secs(pending_finish(pending, now, Tolerance::DEFAULT)?));
    let keys = black_box([key]);
    let accepted = verify_with_keys(&keys, Tolerance::DEFAULT, header, body, now)?;
    black_box(verified_age_secs(accepted.without_body()));
    let [key] = keys;
    key_drop(key);

    let event = black_box(event_read(body))?;
    black_box(event_key(&event));
    let key = event_key_of(body);
    assert!(event_key_encode(&key, &mut [0; EventKey::MAX_TEXT_BYTES]) > 0, "it says something");
    assert!(event_key_from_bytes(&event_key_to_bytes(key)).is_some(), "it was a key");
    let mut window = black_box(ReplayWindow::<EVENTS>::new());
    assert!(replay_window_insert(&mut window, key), "the window was empty");
    assert!(replay_window_contains(&window, &key), "just inserted");
    assert!(replay_window_remove(&mut window, &key), "just seen");

    for name in NAMES {
        println!("  cannot panic: {name}");
    }
    Ok(())
}
