//! A reply of the ledger as the platform hands it over.

use super::message::{Answer, Unanswered};

/// What a text stands for: `+` and an answer, or `-` and the reason why there is none; with `!`
/// instead, the object has too much to do.
pub(crate) fn read(text: &str) -> Result<Answer, Unanswered> {
    let unanswered = |text: &str| Unanswered::from(text.to_owned());
    match text.split_at_checked(1) {
        Some(("+", answer)) => {
            Answer::decode(answer).ok_or_else(|| unanswered("the answer makes no sense"))
        }
        Some(("!", reason)) => Err(Unanswered { is_overloaded: true, ..unanswered(reason) }),
        Some(("-", reason)) => Err(unanswered(reason)),
        _ => Err(unanswered("the reply makes no sense")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_pinned() {
        let unanswered =
            |text: &str, is_overloaded| Err(Unanswered { text: text.to_owned(), is_overloaded });
        for (text, expected) in [
            ("+ok", Ok(Answer::Ok)),
            ("+nonsense", unanswered("the answer makes no sense", false)),
            ("+", unanswered("the answer makes no sense", false)),
            ("-broken", unanswered("broken", false)),
            ("!too much", unanswered("too much", true)),
            ("ok", unanswered("the reply makes no sense", false)),
            ("ö", unanswered("the reply makes no sense", false)),
            ("", unanswered("the reply makes no sense", false)),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }
}
