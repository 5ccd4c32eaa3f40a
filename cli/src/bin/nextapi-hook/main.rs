//! The provider and the origin of NextAPI webhooks on a developer's desk.

mod completions;
mod demo;
mod edge;
mod help;
mod job;
mod listen;
mod output;
mod provider;
mod secret_argument;
mod send;
mod sign;
mod signals;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

/// Sign, verify, send and receive NextAPI webhooks; submit jobs.
#[derive(Parser)]
#[command(version, after_help = help::AFTER_ALL)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Sign(sign::Sign),
    Verify(verify::Verify),
    Listen(listen::Listen),
    Send(send::Send),
    Edge(edge::Edge),
    Demo(demo::Demo),
    // It has by far the most options.
    Provider(Box<provider::Provider>),
    Job(Box<job::Job>),
    Completions(completions::Completions),
}

/// How a command ended, when nothing was missing.
enum End {
    /// All is well.
    Good,
    /// A delivery was refused, or something was not as designed.
    Bad,
    /// How a job stands.
    Job(job::Standing),
    /// A signal ended it; the number is what shells expect as exit status.
    Signal(u8),
}

#[tokio::main]
async fn main() -> ExitCode {
    let end = match Arguments::parse().command {
        Command::Sign(sign) => sign.run(),
        Command::Verify(verify) => verify.run(),
        Command::Listen(listen) => listen.run().await,
        Command::Send(send) => send.run().await,
        Command::Edge(edge) => edge.run().await,
        Command::Demo(demo) => demo.run().await,
        Command::Provider(provider) => provider.run().await,
        Command::Job(job) => job.run().await,
        Command::Completions(shell) => shell.run(Arguments::command()),
    };
    match end {
        Ok(End::Good) => ExitCode::SUCCESS,
        Ok(End::Bad) => ExitCode::FAILURE,
        Ok(End::Job(standing)) => standing.into(),
        Ok(End::Signal(status)) => ExitCode::from(status),
        // Who reads us has seen enough: end without a word, as if by SIGPIPE.
        Err(error) if error.is::<output::Unread>() => ExitCode::from(141),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
