//! A delivery.

use nextapi_webhook::{Key, KeyError, UnixTime};

/// What arrives over the UART.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// The time of the device's clock when it begins, in seconds since 1970.
    pub(crate) now: u64,
    pub(crate) header: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Delivery {
    /// A delivery that was signed just now.
    pub(crate) fn signed(secret: &[u8], now: u64, body: Vec<u8>) -> Result<Self, KeyError> {
        let header = Key::new(secret)?.sign(UnixTime::from_secs(now), &body).to_string();
        Ok(Self { now, header: header.into_bytes(), body })
    }
}

#[cfg(test)]
impl Delivery {
    /// What the verifier on the host says of it, in the words of the firmware.
    pub(crate) fn judged(&self, vector: &crate::vectors::Vector) -> String {
        use nextapi_webhook::{Tolerance, Verifier};

        let keys = vector.secrets.iter().map(|secret| Key::new(secret).unwrap());
        let tolerance = Tolerance::new(vector.past, vector.future);
        let host = Verifier::<8>::new(keys, tolerance).unwrap();
        match host.verify(&self.header, &self.body, UnixTime::from_secs(self.now)) {
            Ok(verified) => format!("accept {}", verified.key_index()),
            Err(error) => format!("reject {}", error.code()),
        }
    }
}
