//! The model checker goes through every sequence of answers, crashes and delays, up to the caps, and checks after each
//! what the client promises. What it drives is the real thing: [`Submit`](nextapi_client::Submit) and
//! [`Poller`](nextapi_client::Poller).

#![allow(
    clippy::arithmetic_side_effects,
    clippy::option_option,
    reason = "a test may stop at the first surprise"
)]

// As a test module throughout, so that helpers may stop at the first surprise, too.
#[cfg(test)]
mod poll;
#[cfg(test)]
mod submit;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
