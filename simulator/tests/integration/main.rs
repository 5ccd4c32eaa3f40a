//! The simulator keeps the provider's promises, over HTTP and across restarts.

// As a test module throughout, so that helpers may stop at the first surprise, too.
#[cfg(test)]
mod api_faults;
#[cfg(test)]
mod books;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod data_file;
#[cfg(test)]
mod dropped;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod spending;
#[cfg(test)]
mod support;
