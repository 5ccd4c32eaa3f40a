//! `nextapi-hook job`

mod account;
mod failure;
mod get;
mod help;
mod list;
mod name;
mod poll;
mod progress;
mod register;
mod report;
mod request;
mod standing;
mod submit;
mod wait;

use clap::{Args, Subcommand};

pub(crate) use self::standing::Standing;
use crate::End;

/// Submit jobs to NextAPI, so that none is paid for twice, and wait for them
#[derive(Args)]
#[command(long_about = help::JOB, after_long_help = help::AFTER_JOB)]
pub(crate) struct Job {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    // It has by far the most options.
    Submit(Box<submit::Submit>),
    Get(get::Get),
    List(list::List),
    Wait(wait::Wait),
}

impl Job {
    pub(crate) async fn run(self) -> anyhow::Result<End> {
        let standing = match self.command {
            Command::Submit(submit) => submit.run().await,
            Command::Get(get) => get.run().await,
            Command::List(list) => list.run().await,
            Command::Wait(wait) => wait.run().await,
        };
        Ok(End::Job(standing?))
    }
}
