//! RPC messages between the Worker and the ledger's objects.
//!
//! A call is `{"v":1,"call":{…}}`, its reply `{"v":1,"reply":{…}}`, both JSON. During a rollout a
//! Worker of one version talks to an object of another, so golden files pin the texts. A field may be
//! added: readers ignore unknown ones. Any other change takes a new [`VERSION`]. A message of another
//! version, or with an unknown call or reply, is an error; the delivery is then answered 503 and comes
//! again.

mod call;
mod call_error;
mod reply;
#[cfg(test)]
mod tests;

pub(crate) use call::Call;
pub(crate) use call_error::CallError;
pub(crate) use reply::Reply;

/// Version of the messages.
pub(crate) const VERSION: u32 = 1;

fn unknown_version(v: u32) -> String {
    format!("message version {v} is not supported, only {VERSION}: deploy in progress?")
}
