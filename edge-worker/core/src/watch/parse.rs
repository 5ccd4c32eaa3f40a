//! Reads the rules of `ALERTS`.
//!
//! A rule is `NAME > LIMIT` or `NAME > LIMIT for TIME`; rules are parted by `;` or line breaks. A limit is a whole
//! number, for `oldest_waiting` a time, for `cost_p95` an amount of credits or `1.5x week`. A time is a whole number
//! with its unit: `90s`, `10m`, `2h`, `1d`.

use core::fmt;

use super::rule::{Level, Limit, MINUTE_MS, Rule, Subject, UNITS};
use crate::ledger::credits::Credits;
use crate::settings::nearest;

/// There are no more rules.
pub(crate) const MOST_RULES: usize = 32;

/// The longest that a count looks back, in milliseconds: as far as figures of a minute are kept.
const LONGEST_WINDOW_MS: u64 = 120 * MINUTE_MS;

/// The longest that a level has to be above its limit, in milliseconds: a day.
const LONGEST_FOR_MS: u64 = 24 * 60 * MINUTE_MS;

/// The longest time that can be a limit, in seconds: a year.
const LONGEST_SECONDS: u64 = 365 * 86_400;

/// The greatest number that can be a limit.
const GREATEST_NUMBER: u64 = 1_000_000_000;

/// The greatest factor, in hundredths.
const GREATEST_FACTOR: u64 = 10_000;

/// What is wrong with a text of rules, and where. It never repeats the text, which may have been meant for another
/// setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    line: usize,
    /// In characters, counted from 1.
    column: usize,
    /// Which word of its rule, counted from 1.
    word: usize,
    expected: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, word, expected } = self;
        write!(
            f,
            "is malformed at line {line}, column {column} (word {word} of its rule): expected {expected}"
        )
    }
}

/// A word of a rule, or where one is missing.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    line: usize,
    column: usize,
    number: usize,
}

impl Word<'_> {
    fn mistake(self, expected: impl Into<String>) -> Mistake {
        let Self { line, column, number, .. } = self;
        Mistake { line, column, word: number, expected: expected.into() }
    }
}

/// Reads a text of rules.
///
/// # Errors
/// The first mistake.
pub(crate) fn rules(text: &str) -> Result<Vec<Rule>, Mistake> {
    let mut rules: Vec<Rule> = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let mut column = 1_usize;
        for part in text.split(';') {
            let words = words(part, line, column);
            column = column.saturating_add(part.chars().count()).saturating_add(1);
            let Some(first) = words.first().copied() else { continue };
            let rule = rule(&words)?;
            if rules.contains(&rule) {
                return Err(first.mistake("a rule that is not there twice"));
            }
            if rules.len() >= MOST_RULES {
                return Err(first.mistake(format!("no more than {MOST_RULES} rules")));
            }
            rules.push(rule);
        }
    }
    if rules.is_empty() {
        let nowhere = Word { text: "", line: 1, column: 1, number: 1 };
        return Err(nowhere.mistake("a rule such as `dead > 0`"));
    }
    Ok(rules)
}

/// The words of a rule that begins in this column. `>` is a word with or without white space around it.
fn words(rule: &str, line: usize, column: usize) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    let mut rest = rule;
    let mut column = column;
    while let Some(first) = rest.chars().next() {
        let is_of_word = |letter: char| !letter.is_whitespace() && letter != '>';
        let length = match first {
            '>' => 1,
            first if first.is_whitespace() => 0,
            _ => rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len()),
        };
        let (text, behind) = rest.split_at(length.max(first.len_utf8()));
        if length > 0 {
            words.push(Word { text, line, column, number: words.len().saturating_add(1) });
        }
        column = column.saturating_add(text.chars().count());
        rest = behind;
    }
    words
}

/// Takes the words of a rule one after the other.
struct Words<'a> {
    words: core::slice::Iter<'a, Word<'a>>,
    /// Behind the last word that was taken.
    end: Word<'a>,
}

impl<'a> Words<'a> {
    /// The next word, or an empty one where it is missing.
    fn next(&mut self) -> Word<'a> {
        let Some(word) = self.words.next().copied() else { return self.end };
        self.end = Word {
            text: "",
            line: word.line,
            column: word.column.saturating_add(word.text.chars().count()),
            number: word.number.saturating_add(1),
        };
        word
    }
}

fn rule(words: &[Word<'_>]) -> Result<Rule, Mistake> {
    let end = Word { text: "", line: 1, column: 1, number: 1 };
    let mut words = Words { words: words.iter(), end };
    let name = words.next();
    let subject = Subject::named(name.text).ok_or_else(|| {
        let names: Vec<_> = Subject::names().collect();
        name.mistake(match nearest(name.text, &names) {
            Some(near) => format!("the name of a figure, perhaps `{near}`"),
            None => "the name of a figure, such as `dead` or `origin_failed`".to_owned(),
        })
    })?;
    let above = words.next();
    if above.text != ">" {
        return Err(above.mistake("`>`"));
    }
    let limit = limit(subject, words.next(), &mut words)?;
    let word = words.next();
    let for_ms = match word.text {
        "" => None,
        "for" => Some(for_ms(subject, words.next())?),
        _ => return Err(word.mistake("`for`, or the end of the rule")),
    };
    let rest = words.next();
    if !rest.text.is_empty() {
        return Err(rest.mistake("the end of the rule"));
    }
    Ok(Rule { subject, limit, for_ms })
}

fn limit(subject: Subject, word: Word<'_>, words: &mut Words<'_>) -> Result<Limit, Mistake> {
    match subject {
        Subject::Level(Level::OldestWaiting) => seconds(word.text)
            .filter(|seconds| *seconds <= LONGEST_SECONDS)
            .map(Limit::Seconds)
            .ok_or_else(|| word.mistake("a time of at most 365d, such as `30m`")),
        Subject::Count(_) | Subject::Level(_) => number(word.text)
            .filter(|number| *number <= GREATEST_NUMBER)
            .map(Limit::Number)
            .ok_or_else(|| word.mistake(format!("a whole number of at most {GREATEST_NUMBER}"))),
        Subject::CostP95 => {
            let Some(factor) = word.text.strip_suffix('x') else {
                let credits = Credits::parse(word.text).map(Limit::Credits);
                return credits.ok_or_else(|| {
                    word.mistake("an amount of credits, such as `2.5`, or `1.5x week`")
                });
            };
            // A factor is written as an amount is; of millionths none may be left.
            let millionths = Credits::parse(factor).map(Credits::millionths);
            let hundredths =
                millionths.filter(|it| it.is_multiple_of(10_000)).map(|it| it / 10_000);
            let hundredths = hundredths
                .filter(|it| (1..=GREATEST_FACTOR).contains(it))
                .ok_or_else(|| word.mistake("a factor from 0.01x to 100x, such as `1.5x`"))?;
            let week = words.next();
            if week.text != "week" {
                return Err(week.mistake("`week`"));
            }
            Ok(Limit::OfWeek(hundredths))
        }
    }
}

fn for_ms(subject: Subject, word: Word<'_>) -> Result<u64, Mistake> {
    let (most_ms, most) = match subject {
        Subject::Count(_) => (LONGEST_WINDOW_MS, "2h"),
        Subject::Level(_) | Subject::CostP95 => (LONGEST_FOR_MS, "24h"),
    };
    let for_ms = seconds(word.text).map(|seconds| seconds.saturating_mul(1_000));
    for_ms
        .filter(|for_ms| (MINUTE_MS..=most_ms).contains(for_ms) && for_ms.is_multiple_of(MINUTE_MS))
        .ok_or_else(|| word.mistake(format!("a time in whole minutes, from 1m to {most}")))
}

/// A time, in seconds.
fn seconds(text: &str) -> Option<u64> {
    UNITS.iter().find_map(|(unit, length)| number(text.strip_suffix(unit)?)?.checked_mul(*length))
}

fn number(text: &str) -> Option<u64> {
    // `parse` would accept a plus sign.
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<String> {
        rules(text).unwrap().iter().map(Rule::to_string).collect()
    }

    #[test]
    fn rules_are_printed_as_they_are_written() {
        for rule in [
            "origin_failed > 10 for 10m",
            "oldest_waiting > 30m",
            "oldest_waiting > 90s",
            "dead > 0",
            "jobs_overdue > 0",
            "signature_mismatch > 50 for 5m",
            "cost_p95 > 1.5x week",
            "cost_p95 > 2.25",
            "cost_p95 > 2x week for 1h",
            "reconciled > 0 for 2h",
            "conflicts > 0",
            "expired > 0",
            "waiting > 1000 for 1d",
            "shards_unreachable > 0 for 3m",
        ] {
            assert_eq!(read(rule), [rule]);
        }
    }

    #[test]
    fn they_are_parted_by_semicolons_and_line_breaks() {
        let text = "dead>0;; waiting  >5 for 60m ;\n\n\tpaused > 1 for 120s\r\n";
        assert_eq!(read(text), ["dead > 0", "waiting > 5 for 1h", "paused > 1 for 2m"]);
    }

    #[test]
    fn a_mistake_is_named_by_its_place() {
        for (text, place, expected) in [
            (";", (1, 1, 1), "a rule such as"),
            ("ded > 0", (1, 1, 1), "perhaps `dead`"),
            ("https://hooks.example/canary > 0", (1, 1, 1), "such as `dead`"),
            ("misconfigured > 0", (1, 1, 1), "the name of a figure"),
            ("dead", (1, 5, 2), "`>`"),
            ("dead < 0", (1, 6, 2), "`>`"),
            ("dead >= 0", (1, 7, 3), "a whole number"),
            ("dead >", (1, 7, 3), "a whole number"),
            ("dead > +1", (1, 8, 3), "a whole number"),
            ("dead > 1.5", (1, 8, 3), "a whole number"),
            ("dead > 1000000001", (1, 8, 3), "at most 1000000000"),
            ("dead > 99999999999999999999", (1, 8, 3), "a whole number"),
            ("oldest_waiting > 30", (1, 18, 3), "a time"),
            ("oldest_waiting > 366d", (1, 18, 3), "at most 365d"),
            ("oldest_waiting > 99999999999999999d", (1, 18, 3), "a time"),
            ("dead > 0 during 5m", (1, 10, 4), "`for`, or the end"),
            ("dead > 0 for", (1, 13, 5), "from 1m to 24h"),
            ("dead > 0 for 59s", (1, 14, 5), "whole minutes"),
            ("dead > 0 for 90s", (1, 14, 5), "whole minutes"),
            ("dead > 0 for 25h", (1, 14, 5), "from 1m to 24h"),
            ("origin_failed > 0 for 3h", (1, 23, 5), "from 1m to 2h"),
            ("dead > 0 for 5m or so", (1, 17, 6), "the end of the rule"),
            ("cost_p95 > -1", (1, 12, 3), "an amount"),
            ("cost_p95 > 1.5x", (1, 16, 4), "`week`"),
            ("cost_p95 > 1.5x month", (1, 17, 4), "`week`"),
            ("cost_p95 > 0x week", (1, 12, 3), "a factor"),
            ("cost_p95 > 1.555x week", (1, 12, 3), "a factor"),
            ("cost_p95 > 101x week", (1, 12, 3), "to 100x"),
            ("dead > 0; dead  > 0", (1, 11, 1), "not there twice"),
            ("dead > 0;\n\u{fc} > 0", (2, 1, 1), "the name of a figure"),
            ("dead > 0;\u{2003}x > 0", (1, 11, 1), "the name of a figure"),
        ] {
            let mistake = rules(text).unwrap_err();
            let found = (mistake.line, mistake.column, mistake.word);
            assert_eq!(found, place, "{text}: {mistake}");
            assert!(mistake.expected.contains(expected), "{text}: {mistake}");
            assert!(!mistake.to_string().contains("canary"), "{mistake}");
        }
    }

    #[test]
    fn there_are_no_more_rules_than_are_allowed() {
        let text = |rules: usize| (0..rules).map(|it| format!("dead > {it};")).collect::<String>();
        assert_eq!(rules(&text(MOST_RULES)).unwrap().len(), MOST_RULES);
        let mistake = rules(&text(MOST_RULES + 1)).unwrap_err();
        assert!(mistake.expected.contains("no more than 32"), "{mistake}");
    }

    proptest! {
        /// Whatever it says, it is either refused or means what it prints.
        #[test]
        fn what_is_printed_means_the_same(text in "(dead|origin_failed|oldest_waiting|cost_p95)[ ]?>[ ]?[0-9.]{1,5}[smhdx]?( week)?( for [0-9]{1,4}[smh])?") {
            if let Ok(read) = rules(&text) {
                let printed: Vec<_> = read.iter().map(Rule::to_string).collect();
                prop_assert_eq!(rules(&printed.join(";")).unwrap(), read);
            }
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = rules(&text);
        }
    }
}
