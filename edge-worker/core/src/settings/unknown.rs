//! Names that are no setting but look like one: a misspelled setting would otherwise be ignored without
//! a word.

/// Names of bindings that are no settings.
const BINDINGS: [&str; 5] = ["LEDGER", "ANALYTICS", "RATE_LIMITER", "RECONCILER", "WATCH"];

/// How many letters a misspelled name may be off.
const MOST_EDITS: usize = 3;

/// Longer names are not compared, in bytes: no setting has half as many.
const LONGEST_NAME: usize = 64;

/// One warning for each name that looks like a setting.
pub(crate) fn warnings<'a>(
    names: impl Iterator<Item = &'a str>,
    settings: &[&'static str],
) -> Vec<String> {
    names
        .filter(|name| !settings.contains(name) && !BINDINGS.contains(name))
        .filter_map(|name| {
            let nearest = nearest(&name.to_ascii_uppercase(), settings)?;
            Some(format!("{name} is not a setting and is ignored: did you mean {nearest}?"))
        })
        .collect()
}

/// The name that this one may be meant for, if there is one.
pub(crate) fn nearest(name: &str, names: &[&'static str]) -> Option<&'static str> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let with_edits = names.iter().map(|other| (edits(name, other), *other));
    // A quarter of a short name may not be guessed at.
    let is_near = |(edits, other): &(usize, &str)| *edits <= MOST_EDITS.min(other.len() / 4);
    with_edits.filter(is_near).min().map(|(_, other)| other)
}

/// Letters to insert, delete or replace to make one text of the other (Levenshtein's distance).
fn edits(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, left) in left.bytes().enumerate() {
        let mut diagonal = index;
        let mut before = index.saturating_add(1);
        for (cell, right) in row.iter_mut().skip(1).zip(right.bytes()) {
            let replaced = diagonal.saturating_add(usize::from(left != right));
            diagonal = *cell;
            before = replaced.min(diagonal.saturating_add(1)).min(before.saturating_add(1));
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = index.saturating_add(1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "ac", 1),
            ("ac", "abc", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(edits(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn misspelled_names_are_warned_of_and_others_are_not() {
        let settings = ["RETENTION_HOURS", "ORIGIN_URL", "WEBHOOK_SECRETS"];
        let warned = |name| warnings([name].into_iter(), &settings);
        for (name, nearest) in [
            ("RETENTION_HOUR", "RETENTION_HOURS"),
            ("RETENTIONHOURS", "RETENTION_HOURS"),
            ("origin_url", "ORIGIN_URL"),
            ("WEBHOOK_SECRET", "WEBHOOK_SECRETS"),
        ] {
            let expected =
                format!("{name} is not a setting and is ignored: did you mean {nearest}?");
            assert_eq!(warned(name), [expected]);
        }
        for name in ["ORIGIN_URL", "LEDGER", "MY_OWN", "URL", "", &"X".repeat(100)] {
            assert_eq!(warned(name), [""; 0], "{name}");
        }
    }
}
