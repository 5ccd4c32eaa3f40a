//! Published verifiers of webhooks. What is said of each was read in its source.

use nextapi_webhook::{Key, Tolerance, Verifier};
use nextapi_webhook_benches::{Failure, KEY};
use webhook_verify::{Provider, Secret, VerifyOptions};

use crate::peer::Peer;
use crate::signed::Signed;

/// The shortest body that is an event in all our sizes.
const EVENT: u32 = 512;

pub(crate) const OURS: &str = "nextapi-webhook";
pub(crate) const STANDARD_WEBHOOKS: &str = "standardwebhooks";

pub(crate) fn ours() -> Result<Peer, Failure> {
    let verifier = Verifier::<4>::new([Key::new(KEY.as_bytes())?], Tolerance::DEFAULT)?;
    Ok(Peer::new(OURS, "any bytes; up to eight candidates; constant time", move |signed| {
        let delivery = &signed.delivery;
        verifier.verify(&delivery.header, &delivery.body, delivery.signed_at).is_ok()
    }))
}

pub(crate) fn peers() -> Result<Vec<Peer>, Failure> {
    let standard = standardwebhooks::Webhook::new(KEY)?;
    let svix = svix::webhooks::Webhook::new(KEY)?;
    let secret = Secret::new(KEY);
    Ok(vec![
        Peer::new(
            STANDARD_WEBHOOKS,
            "HMAC from the key's bytes each time, portable SHA-256 (hmac-sha256); the body must be \
             UTF-8 and is copied; reads the clock; the id is signed too",
            move |signed| standard.verify(signed.body(), &signed.standard).is_ok(),
        ),
        Peer::new("svix", "as standardwebhooks", move |signed| {
            svix.verify(signed.body(), &signed.standard).is_ok()
        }),
        Peer::new(
            "webhook-verify",
            "HMAC from the secret each time, and for each candidate; the body is copied; reads the clock",
            move |signed| {
                let [(name, value)] = &signed.list;
                let headers = [(*name, value.as_str())];
                let options = VerifyOptions::default();
                webhook_verify::verify(Provider::Stripe, &headers, signed.body(), &secret, options)
                    .is_ok()
            },
        ),
        Peer::new(
            "async-stripe-webhook",
            "HMAC from the secret each time; the body must be UTF-8, is copied, and is read as an \
             event of Stripe's in the same call, which cannot be left out",
            stripe,
        )
        .with_least_body(EVENT),
    ])
}

fn stripe(signed: &Signed) -> bool {
    let Ok(body) = std::str::from_utf8(signed.body()) else { return false };
    let Ok(now) = i64::try_from(signed.signed_at()) else { return false };
    let header = &signed.delivery.header;
    stripe_webhook::Webhook::construct_event_with_timestamp(body, header, KEY, now).is_ok()
}
