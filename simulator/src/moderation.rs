//! Prompts that are refused.

use anyhow::ensure;
use http::StatusCode;

use crate::error::ApiError;

/// A moderation profile: a prompt in which one of its words stands is refused with
/// `invalid_request`, and no job is made. Words are whole ones, in upper or lower case. The default
/// refuses nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moderation {
    /// In lower case.
    words: Vec<String>,
    status: StatusCode,
}

impl Default for Moderation {
    fn default() -> Self {
        Self { words: Vec::new(), status: StatusCode::UNPROCESSABLE_ENTITY }
    }
}

impl Moderation {
    /// A profile that refuses these words, each of letters and digits, with status 422.
    #[must_use]
    pub fn refusing<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Self {
        let words = words.into_iter().map(|word| word.as_ref().to_lowercase()).collect();
        Self { words, ..Self::default() }
    }

    /// The same profile, with status 400.
    #[must_use]
    pub fn with_bad_request(self) -> Self {
        Self { status: StatusCode::BAD_REQUEST, ..self }
    }

    pub(crate) fn check(&self) -> anyhow::Result<()> {
        for word in &self.words {
            let is_word = !word.is_empty() && word.chars().all(char::is_alphanumeric);
            ensure!(is_word, "refuse-word takes a word of letters and digits, not {word:?}");
        }
        Ok(())
    }

    /// Refuses a prompt, without a word of it.
    pub(crate) fn look_at(&self, prompt: &str) -> Result<(), ApiError> {
        let prompt = prompt.to_lowercase();
        let mut words = prompt.split(|letter: char| !letter.is_alphanumeric());
        if words.any(|word| self.words.iter().any(|refused| refused == word)) {
            let message = "the prompt was refused by the moderation profile";
            return Err(ApiError::invalid_with(self.status, message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_refused_in_any_case() {
        let profile = Moderation::refusing(["Canary", "übel"]);
        for prompt in ["canary", "a CANARY, please", "(Übel)"] {
            let error = profile.look_at(prompt).unwrap_err();
            assert_eq!((error.status.as_u16(), error.code.as_str()), (422, "invalid_request"));
            assert!(!error.message.to_lowercase().contains("canary"));
        }
        for prompt in ["a canarybird", "can ary", ""] {
            assert!(profile.look_at(prompt).is_ok(), "{prompt}");
            assert!(Moderation::default().look_at(prompt).is_ok());
        }
        assert_eq!(profile.with_bad_request().look_at("canary").unwrap_err().status, 400);
    }

    #[test]
    fn what_is_not_a_word_is_named() {
        assert!(Moderation::refusing(["fox", "übel7"]).check().is_ok());
        for text in ["", "two words", "-"] {
            let error = Moderation::refusing([text]).check().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
