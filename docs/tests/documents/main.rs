//! The documents: their links lead somewhere, and what they show works as it stands.

// As a test module throughout, so that helpers may stop at the first surprise, too.
#[cfg(test)]
mod dry_run;
#[cfg(test)]
mod monitoring;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod receiving;
#[cfg(test)]
mod support;
