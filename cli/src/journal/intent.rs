//! Which job is meant.

use nextapi_client::{Environment, IdempotencyKey, Intent, ValidRequest};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Which job is meant: the same one has the same file in the journal, whatever its request is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobIntent {
    /// Keeps the names of different programs apart.
    pub namespace: String,
    /// The caller's name for the job.
    pub name: String,
    /// 1 for the first video, 2 for another one of the same request, and so on.
    pub take: u32,
    /// Where it runs.
    pub environment: Environment,
}

impl JobIntent {
    /// The idempotency key of this job with this request: [`IdempotencyKey::derive`], with the first 16 bytes of the
    /// namespace's SHA-256.
    #[must_use]
    pub fn key(&self, request: &ValidRequest) -> IdempotencyKey {
        let mut namespace = [0; 16];
        for (byte, hashed) in namespace.iter_mut().zip(Sha256::digest(&self.namespace)) {
            *byte = hashed;
        }
        let intent = Intent { namespace, name: &self.name, take: self.take };
        IdempotencyKey::derive(&intent, self.environment, request)
    }

    /// The name of its file: nobody's name for a job could be one as it stands.
    pub(super) fn file_name(&self) -> String {
        let mut hash = Sha256::new();
        for text in [&self.namespace, &self.name] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.update(self.take.to_be_bytes());
        hash.update(self.environment.as_str());
        format!("{}.json", base16ct::lower::encode_string(&hash.finalize()))
    }
}
