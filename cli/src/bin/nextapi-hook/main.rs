//! The provider and the origin of NextAPI webhooks on a developer's desk.

mod demo;
mod listen;
mod output;
mod provider;
mod secret_argument;
mod send;
mod sign;
mod signals;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Sign, verify, send and receive NextAPI webhooks.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Secrets come from the environment variable NEXTAPI_WEBHOOK_SECRET or from a file, never from an \
argument. Several, separated by white space, may be active at once, newest first.

Exit status: 0 all is well, 1 refused or not as designed, 2 wrong usage, or something needed is \
missing."
)]
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
    Demo(demo::Demo),
    Provider(provider::Provider),
}

/// How a command ended, when nothing was missing.
enum End {
    /// All is well.
    Good,
    /// A delivery was refused, or something was not as designed.
    Bad,
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
        Command::Demo(demo) => demo.run().await,
        Command::Provider(provider) => provider.run().await,
    };
    match end {
        Ok(End::Good) => ExitCode::SUCCESS,
        Ok(End::Bad) => ExitCode::FAILURE,
        Ok(End::Signal(status)) => ExitCode::from(status),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
