//! Bodies that are awaited, piece by piece.

use embassy_stm32::hash::{Algorithm, DataType, Hash, Instance};
use embassy_stm32::mode::Blocking;
use embedded_io_async::Read;
use nextapi_webhook::{Error, Mac, Pending, Tolerance, UnixTime, Verified};

use crate::Secret;

/// Bytes of the body that are read at once.
pub const PIECE_BYTES: usize = 256;

/// Why there is no [`Verified`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PiecesError<E> {
    /// The delivery is refused.
    Refused(Error),
    /// The reader failed.
    Reader(E),
    /// The reader ended before the body did.
    Ended,
}

/// Verifies a body of so many bytes while it arrives: other tasks run while it is awaited, and the peripheral
/// works on a piece for a few microseconds. `piece` gets each piece, of which nobody knows yet who sent it.
///
/// Between pieces, the state of each key's hash is in memory, about 400 bytes, so others may use the peripheral.
///
/// The driver's own way of awaiting the peripheral, `Hash<_, Async>`, is not taken: in embassy-stm32 0.6.0 its
/// `update` panics if a piece ends with a block of 128 bytes, and where that is so is for the sender to choose.
///
/// # Errors
/// [`PiecesError`]. All but [`Refused`](PiecesError::Refused) say nothing about the delivery.
pub async fn verify_from<T: Instance, R: Read, const KEYS: usize>(
    hash: &mut Hash<'_, T, Blocking>,
    secrets: [Secret<'_>; KEYS],
    header: &[u8],
    reader: &mut R,
    length: usize,
    mut piece: impl FnMut(&[u8]),
    clock: impl FnOnce() -> UnixTime,
) -> Result<Verified, PiecesError<R::Error>> {
    let mut pending = Pending::parse(header).map_err(PiecesError::Refused)?;
    let [digits, dot, _] = pending.message(&[]);
    let mut contexts = secrets.map(|secret| {
        let mut context = hash.start(Algorithm::SHA256, DataType::Width8, Some(secret.bytes()));
        hash.update_blocking(&mut context, digits);
        hash.update_blocking(&mut context, dot);
        context
    });

    let mut buffer = [0; PIECE_BYTES];
    let mut missing = length;
    while missing > 0 {
        let room = buffer.get_mut(..missing.min(PIECE_BYTES)).unwrap_or_default();
        let count = reader.read(room).await.map_err(PiecesError::Reader)?;
        let read = room.get(..count).unwrap_or_default();
        if read.is_empty() {
            return Err(PiecesError::Ended);
        }
        for context in &mut contexts {
            hash.update_blocking(context, read);
        }
        piece(read);
        missing = missing.saturating_sub(read.len());
    }

    for (context, key_index) in contexts.into_iter().zip(0..) {
        let mut mac = [0; 32];
        hash.finish_blocking(context, &mut mac);
        pending.offer(key_index, &Mac::new(&mac));
    }
    pending.finish(clock(), Tolerance::DEFAULT).map_err(PiecesError::Refused)
}
