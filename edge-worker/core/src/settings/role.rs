//! What a token may do.

use serde::Serialize;

/// What the holder of a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Sees everything, and changes nothing.
    Read,
    /// Does everything that the others may, and every act.
    Operate,
    /// Registers jobs, and can do nothing else.
    Submit,
}

impl Role {
    /// The role of this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Read, Self::Operate, Self::Submit].into_iter().find(|role| role.name() == name)
    }

    /// The name in settings and answers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Submit => "submit",
        }
    }

    /// Whether this role is enough for what takes the other one.
    pub(crate) const fn may(self, needed: Self) -> bool {
        matches!(
            (self, needed),
            (Self::Operate, _) | (Self::Read, Self::Read) | (Self::Submit, Self::Submit)
        )
    }
}
