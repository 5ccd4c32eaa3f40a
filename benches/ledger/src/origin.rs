//! An origin that remembers which events it got, to check that it got each once.

use std::sync::{Arc, Mutex, PoisonError};

use nextapi_testkit::Reply;

/// The origin behind all edges.
pub(crate) struct Origin {
    server: nextapi_testkit::Origin,
    keys: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let server = nextapi_testkit::Origin::builder().record(false).start().await?;
        let keys = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&keys);
        server.reply_with(move |received| {
            let key = received.idempotency_key().unwrap_or_default().to_owned();
            noted.lock().unwrap_or_else(PoisonError::into_inner).push(key);
            Reply::default()
        });
        Ok(Self { server, keys })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Answers the next request with this, and does not note it.
    pub(crate) fn reply_next(&self, reply: Reply) {
        self.server.reply_next(reply);
    }

    /// The keys of what has arrived since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        core::mem::take(&mut *self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
