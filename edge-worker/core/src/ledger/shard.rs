//! Which of the ledger's objects an event belongs to.

use nextapi_webhook::EventKey;
use sha2::{Digest as _, Sha256};

/// The name of the object that holds an event, of `shards` many.
///
/// All events of a job meet in one object; an event without a job goes by its own key. The hash is
/// SHA-256, not the standard library's, because it must be the same in every build: an event that
/// moves to another object is reopened.
pub(crate) fn name(job_id: Option<&str>, key: &EventKey, shards: u32) -> String {
    match job_id {
        Some(job_id) => name_of_job(job_id, shards),
        None => name_of_digest(*key.digest(), shards),
    }
}

/// The name of the object that holds all events of a job, of `shards` many.
pub(crate) fn name_of_job(job_id: &str, shards: u32) -> String {
    name_of_digest(Sha256::digest(job_id).into(), shards)
}

/// The name of the object at `index`, counted from 0.
pub(crate) fn name_of(index: u32) -> String {
    format!("shard-{index}")
}

fn name_of_digest(digest: [u8; 32], shards: u32) -> String {
    let number = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let index = number.checked_rem(u64::from(shards)).unwrap_or(0);
    // The remainder of a division by a number of 32 bits.
    name_of(u32::try_from(index).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> EventKey {
        EventKey::of_unverified(br#"{"id":"evt_1","type":"job.succeeded"}"#)
    }

    /// The first 16 digits of `printf job_2 | sha256sum` are 41135556b62a59bc, and those of
    /// `printf 'evt_1\njob.succeeded\n' | sha256sum` are 62bbd99d105f7317.
    #[test]
    fn names_are_pinned() {
        assert_eq!(name(Some("job_2"), &key(), 16), "shard-12");
        assert_eq!(name(None, &key(), 16), "shard-7");
        assert_eq!(
            name(None, &key(), 1_000),
            format!("shard-{}", 0x62bb_d99d_105f_7317_u64 % 1_000)
        );
        assert_eq!(name(Some("job_2"), &key(), 1), "shard-0");
    }

    #[test]
    fn all_events_of_a_job_meet_in_one_object() {
        let other = EventKey::of_unverified(br#"{"id":"evt_2","type":"job.failed"}"#);
        assert_ne!(key(), other);
        assert_eq!(name(Some("job_2"), &key(), 16), name(Some("job_2"), &other, 16));
    }

    #[test]
    fn jobs_spread_over_all_shards() {
        let names: std::collections::BTreeSet<_> =
            (0..400).map(|job| name(Some(&format!("job_{job}")), &key(), 16)).collect();
        assert_eq!(names.len(), 16);
    }

    #[test]
    fn no_shards_do_not_divide_by_zero() {
        assert_eq!(name(None, &key(), 0), "shard-0");
    }
}
