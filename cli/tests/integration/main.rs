//! The command line and the library's two ends, tried against each other and against the real
//! engine.

// As a test module throughout, so that helpers may stop at the first surprise, too.
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod explanation;
#[cfg(test)]
mod listen;
#[cfg(test)]
mod load;
#[cfg(test)]
mod local_edge;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod origin;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod provider_command;
#[cfg(test)]
mod provider_data;
#[cfg(test)]
mod send;
#[cfg(test)]
mod stand_in_client;
#[cfg(test)]
mod support;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod transcript;
