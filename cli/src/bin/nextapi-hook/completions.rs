//! `nextapi-hook completions`

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::output::line;
use crate::{End, help};

/// Print a shell's completion script
#[derive(Args)]
#[command(long_about = help::COMPLETIONS, after_long_help = help::AFTER_COMPLETIONS)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, mut command: Command) -> anyhow::Result<End> {
        let name = command.get_name().to_owned();
        // Into memory first: the generator stops the process if it cannot write.
        let mut script = Vec::new();
        generate(self.shell, &mut command, name, &mut script);
        // For bash, clap_complete 4.6.11 takes the hyphen in our name for the end of a command where it lists
        // options, and finds none of them then.
        let script =
            String::from_utf8_lossy(&script).replace("nextapi__subcmd__hook", "nextapi__hook");
        line(script.trim_end())?;
        Ok(End::Good)
    }
}
