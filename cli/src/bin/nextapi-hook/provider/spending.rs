//! The options of spend limits and of the moderation profile.

use anyhow::{Context as _, ensure};
use clap::Args;
use nextapi_simulator::{Moderation, SpendLimits};
use nextapi_testkit::Credits;

/// What is refused, though it is valid.
#[derive(Args)]
#[command(next_help_heading = "What is refused")]
pub(crate) struct SpendingArguments {
    /// What each environment may spend, as in 2.5 [default: no limit]
    #[arg(long, value_name = "CREDITS", value_parser = credits)]
    budget: Option<Credits>,
    /// What each API key may spend [default: no limit]
    #[arg(long, value_name = "CREDITS", value_parser = credits)]
    key_budget: Option<Credits>,
    /// The share of a budget that is warned of, in per cent
    #[arg(long, value_name = "PERCENT", default_value_t = 80)]
    budget_warning: u8,
    /// Refuse prompts in which this word stands; may be given several times
    #[arg(long, value_name = "WORD")]
    refuse_word: Vec<String>,
    /// Refuse prompts with 400 instead of 422
    #[arg(long, requires = "refuse_word")]
    refuse_with_400: bool,
}

impl SpendingArguments {
    pub(crate) const fn limits(&self) -> SpendLimits {
        SpendLimits {
            environment: self.budget,
            key: self.key_budget,
            warning_percent: self.budget_warning,
        }
    }

    pub(crate) fn moderation(&self) -> Moderation {
        let profile = Moderation::refusing(&self.refuse_word);
        if self.refuse_with_400 { profile.with_bad_request() } else { profile }
    }
}

/// An amount with at most three decimals.
fn credits(text: &str) -> anyhow::Result<Credits> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(
        digits(whole) && digits(decimals) && decimals.len() <= 3,
        "credits are a number with at most three decimals, as in 2.5"
    );
    let thousandths = format!("{whole}{decimals:0<3}").parse();
    Ok(Credits::from_thousandths(thousandths.context("this many credits cannot be counted")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, thousandths) in
            [("2", 2_000), ("2.5", 2_500), ("0.001", 1), ("1.05", 1_050), ("0", 0)]
        {
            assert_eq!(credits(text).unwrap().as_thousandths(), thousandths, "{text}");
        }
        for text in ["", ".", "1.", ".5", "-1", "1.0001", "1e3", "99999999999999999999"] {
            assert!(credits(text).is_err(), "{text}");
        }
    }
}
