//! The command line, tried against the simulator, origins, and edges in the real engine.

// As a test module throughout, so that helpers may stop at the first surprise, too.
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod explanation;
#[cfg(test)]
mod job_command;
#[cfg(test)]
mod job_disk;
#[cfg(test)]
mod job_killed;
#[cfg(test)]
mod job_proof;
#[cfg(test)]
mod job_support;
#[cfg(test)]
mod job_trouble;
#[cfg(test)]
mod listen;
#[cfg(test)]
mod load;
#[cfg(test)]
mod provider_command;
#[cfg(test)]
mod provider_data;
#[cfg(test)]
mod send;
#[cfg(test)]
mod support;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod transcript;
