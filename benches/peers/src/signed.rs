//! One delivery, signed as each peer wants it.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use nextapi_webhook::UnixTime;
use nextapi_webhook_benches::{Delivery, Failure, KEY, Signing};
use sha2::Sha256;

/// What stands for the delivery's id in the schemes that sign one. It makes their message longer
/// than ours by as many bytes and a dot; sometimes by a block.
const ID: &str = "evt_1";

/// One body, signed under the schemes of all peers: one candidate each, by the same secret.
pub(crate) struct Signed {
    /// Ours and Stripe's scheme: `t=…,v1=<hex>` over `t`, a dot and the body.
    pub(crate) delivery: Delivery,
    /// The same header, as a list of headers.
    pub(crate) list: [(&'static str, String); 1],
    /// Standard Webhooks: `v1,<Base64>` over id, timestamp and body with dots between them; the key
    /// is the secret after its prefix, decoded from Base64.
    pub(crate) standard: HeaderMap,
    /// The MAC of ours, decoded: for what computes and compares nothing else.
    pub(crate) mac: [u8; 32],
}

impl Signed {
    /// Signs a body of `size` bytes now: two peers cannot be given a time, and ask the clock.
    pub(crate) fn new(size: u32) -> Result<Self, Failure> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let delivery = Delivery::new(size, UnixTime::from_secs(now), Signing::Ordinary)?;

        let mut mac = [0; 32];
        let (_, digits) = delivery.header.split_once("v1=").ok_or("a header without v1")?;
        hex::decode_to_slice(digits, &mut mac)?;

        let secret = STANDARD.decode(KEY.strip_prefix("whsec_").unwrap_or(KEY))?;
        let mut hmac = Hmac::<Sha256>::new_from_slice(&secret)?;
        hmac.update(format!("{ID}.{now}.").as_bytes());
        hmac.update(&delivery.body);
        let signature = STANDARD.encode(hmac.finalize().into_bytes());
        let mut standard = HeaderMap::new();
        standard.insert("webhook-id", ID.parse()?);
        standard.insert("webhook-timestamp", now.to_string().parse()?);
        standard.insert("webhook-signature", format!("v1,{signature}").parse()?);

        let list = [("Stripe-Signature", delivery.header.clone())];
        Ok(Self { delivery, list, standard, mac })
    }

    /// The same signatures over a body whose last byte was changed.
    pub(crate) fn tampered(&self) -> Self {
        Self {
            delivery: self.delivery.tampered(),
            list: self.list.clone(),
            standard: self.standard.clone(),
            mac: self.mac,
        }
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.delivery.body
    }

    pub(crate) fn digits(&self) -> &[u8] {
        self.delivery.header.as_bytes().get(2..12).unwrap_or_default()
    }

    pub(crate) fn signed_at(&self) -> u64 {
        self.delivery.signed_at.as_secs()
    }
}
