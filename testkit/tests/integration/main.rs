//! The origin, connections by hand, and a worker in the real engine.

// As a test module throughout, so that helpers may stop at the first surprise, too.
#[cfg(test)]
mod local_edge;
#[cfg(test)]
mod origin;
#[cfg(test)]
mod raw_connection;
