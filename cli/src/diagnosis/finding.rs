//! One thing that was found wrong, or is worth knowing.

use core::fmt;

/// One thing that was found about a rejected delivery. It prints as one or two sentences, which
/// never hold a secret, a computed MAC or a part of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    name: &'static str,
    text: String,
}

impl Finding {
    pub(super) fn new(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, text: text.into() }
    }

    /// A stable name: `body_reserialised`, `secret_newline` and so on.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
