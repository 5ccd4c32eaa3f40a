//! What the ratios ought to be.

use nextapi_webhook_benches::{Measured, Quartiles, size_name};

/// A bound for the ratio of two subjects' times.
pub(crate) struct Target {
    /// What is claimed.
    pub(crate) claim: &'static str,
    /// The subject whose time is divided by that of `reference`.
    pub(crate) subject: &'static str,
    pub(crate) reference: &'static str,
    pub(crate) bound: Bound,
    /// The bodies that it is claimed for.
    pub(crate) sizes: &'static [u32],
}

#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    fn is_met(self, ratio: Quartiles) -> bool {
        match self {
            Self::AtMost(most) => ratio.median <= most,
            Self::AtLeast(least) => ratio.median >= least,
        }
    }
}

impl core::fmt::Display for Bound {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "at most {most}"),
            Self::AtLeast(least) => write!(f, "at least {least}"),
        }
    }
}

impl Target {
    /// One row for each size: claim, size, bound, what was measured, whether it is met.
    pub(crate) fn rows(&self, measured: &[(u32, Measured)]) -> Vec<String> {
        let mine = measured.iter().filter(|(size, _)| self.sizes.contains(size));
        mine.map(|(size, measured)| {
            let ratio = measured.ratio(self.subject, self.reference);
            let met = if self.bound.is_met(ratio) { "yes" } else { "**no**" };
            format!("| {} | {} | {} | {ratio} | {met} |", self.claim, size_name(*size), self.bound)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_up_to_themselves() {
        let ratio = |median| Quartiles { lower: 0.0, median, upper: 9.0 };
        assert!(Bound::AtMost(1.15).is_met(ratio(1.15)));
        assert!(!Bound::AtMost(1.15).is_met(ratio(1.16)));
        assert!(Bound::AtLeast(4.0).is_met(ratio(4.0)));
        assert!(!Bound::AtLeast(4.0).is_met(ratio(3.99)));
        assert!(!Bound::AtLeast(4.0).is_met(ratio(f64::NAN)), "nothing measured, nothing met");
    }
}
