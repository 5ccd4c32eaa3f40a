//! An engine that is not the verifier's, and a delivery that is verified with it.

use std::convert::Infallible;

use nextapi_webhook::{Engine, Error, Mac, Pending, Tolerance, UnixTime, Verified};

use crate::mac::hmac_bytes;

/// HMAC by `ring`, under these secrets.
#[derive(Clone, Copy, Debug)]
pub struct Ring<'a>(pub &'a [&'a [u8]]);

impl Engine for Ring<'_> {
    type Error = Infallible;

    fn key_count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn mac(
        &mut self,
        key_index: u32,
        message: [&[u8]; 3],
        mac: &mut [u8; 32],
    ) -> Result<(), Infallible> {
        *mac = hmac_bytes(self.0[key_index as usize], &message);
        Ok(())
    }
}

/// Verifies a delivery with MACs that are offered in some order, of the many that `order` may choose.
/// There are MACs of a dead engine among them.
///
/// # Errors
/// Those of [`Pending`].
pub fn verify_pending<'b>(
    secrets: &[&[u8]],
    tolerance: Tolerance,
    header: &[u8],
    body: &'b [u8],
    now: UnixTime,
    order: u8,
) -> Result<Verified<&'b [u8]>, Error> {
    let mut pending = Pending::parse(header)?;
    let dead = [0, 0xff][usize::from(order % 2)];
    let count = secrets.len();
    for step in 0..count {
        let place = (step + usize::from(order)) % count;
        let place = if order < 128 { place } else { count - 1 - place };
        let index = u32::try_from(place).unwrap_or(u32::MAX);
        let mac = hmac_bytes(secrets[place], &pending.message(body));
        pending.offer(index, &Mac::new(&mac));
        pending.offer(index, &Mac::new(&[dead; 32]));
    }
    Ok(pending.finish(now, tolerance)?.with_body(body))
}
