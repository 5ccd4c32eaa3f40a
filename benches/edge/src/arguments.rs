//! What is to be measured, from the command line.

use core::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

const USAGE: &str = "usage: nextapi-webhook-edge-bench [--test | --quick | --brief | --rounds N] [--only TEXT] \
                     [--before DIR] [workers | durable | macs ...]";

/// How often every scenario is repeated, if not said otherwise.
const ROUNDS: u32 = 20;
const QUICK_ROUNDS: u32 = 6;
const BRIEF_ROUNDS: u32 = 8;

/// A part of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Beside other workers.
    Workers,
    /// The two modes.
    Durable,
    /// The two ways to a MAC.
    Macs,
}

impl Part {
    const ALL: [Self; 3] = [Self::Workers, Self::Durable, Self::Macs];

    const fn name(self) -> &'static str {
        match self {
            Self::Workers => "workers",
            Self::Durable => "durable",
            Self::Macs => "macs",
        }
    }

    /// The section of `RESULTS.md`.
    pub(crate) const fn section(self) -> &'static str {
        match self {
            Self::Workers => "edge",
            Self::Durable => "edge-durable",
            Self::Macs => "edge-macs",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is to be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// In this order.
    pub(crate) parts: Vec<Part>,
    /// Nothing is measured, only every answer checked.
    pub(crate) is_test: bool,
    /// Nothing is written.
    pub(crate) is_quick: bool,
    /// Only what has a target, less of it, and less often.
    pub(crate) is_brief: bool,
    /// How often every scenario is repeated.
    pub(crate) rounds: u32,
    /// What the name of a scenario has to contain.
    pub(crate) only: Option<String>,
    /// The bundle of an earlier worker.
    pub(crate) before: Option<PathBuf>,
}

impl Arguments {
    /// Reads the words of the command line.
    ///
    /// # Errors
    /// If there is one that is not known, with the usage.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut arguments = Self {
            parts: Vec::new(),
            is_test: false,
            is_quick: false,
            is_brief: false,
            rounds: ROUNDS,
            only: None,
            before: None,
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--test" => arguments.is_test = true,
                "--quick" => {
                    arguments.is_quick = true;
                    arguments.rounds = QUICK_ROUNDS;
                }
                "--brief" => {
                    arguments.is_brief = true;
                    arguments.rounds = BRIEF_ROUNDS;
                }
                "--rounds" => {
                    let rounds = words.next().and_then(|word| word.parse().ok());
                    arguments.rounds = rounds.context(USAGE)?;
                }
                "--only" => arguments.only = Some(words.next().context(USAGE)?),
                "--before" => arguments.before = Some(words.next().context(USAGE)?.into()),
                _ => match Part::ALL.into_iter().find(|part| part.name() == word) {
                    Some(part) => arguments.parts.push(part),
                    None => bail!("{word} is not known; {USAGE}"),
                },
            }
        }
        if arguments.parts.is_empty() {
            arguments.parts = Part::ALL.to_vec();
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> anyhow::Result<Arguments> {
        Arguments::parse(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn without_a_part_all_are_meant() {
        assert_eq!(parse("--test").unwrap().parts, Part::ALL);
        assert_eq!(parse("macs --quick").unwrap().parts, [Part::Macs]);
    }

    #[test]
    fn options_have_their_values() {
        let arguments = parse("--before old/build --rounds 9 --only 64 workers").unwrap();
        assert_eq!(arguments.rounds, 9);
        assert_eq!(arguments.before, Some(PathBuf::from("old/build")));
        assert_eq!(arguments.only.as_deref(), Some("64"));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for words in ["--fast", "edge", "--before", "--only", "--rounds", "--rounds x"] {
            assert!(parse(words).unwrap_err().to_string().contains("usage"), "{words}");
        }
    }
}
