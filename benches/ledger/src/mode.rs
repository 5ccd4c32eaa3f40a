//! The two modes of delivery.

/// How the edge delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The provider is answered once the origin has the event.
    Through,
    /// The provider is answered once the event is on disk.
    Durable,
}

impl Mode {
    pub(crate) const ALL: [Self; 2] = [Self::Through, Self::Durable];

    /// The value of `DELIVERY`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Through => "through",
            Self::Durable => "durable",
        }
    }

    /// The call that a delivery begins with.
    pub(crate) const fn call(self) -> &'static str {
        match self {
            Self::Through => "claim",
            Self::Durable => "accept",
        }
    }

    /// The answer to a fresh event.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Through => "forwarded",
            Self::Durable => "accepted",
        }
    }

    /// How many lines the log has of a fresh event.
    pub(crate) const fn lines(self) -> usize {
        match self {
            Self::Through => 1,
            Self::Durable => 2,
        }
    }
}
