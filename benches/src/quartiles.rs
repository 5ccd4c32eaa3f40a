//! The middle of a sample and how far it spreads.

use core::fmt;

/// Median and quartiles. They say what is usual, however slow the interrupted rounds were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quartiles {
    /// A quarter of the sample lies below.
    pub lower: f64,
    /// Half of the sample lies below.
    pub median: f64,
    /// Three quarters of the sample lie below.
    pub upper: f64,
}

impl Quartiles {
    /// The quartiles of a sample; all of them NaN if it is empty.
    #[must_use]
    pub fn of(mut sample: Vec<f64>) -> Self {
        sample.sort_unstable_by(f64::total_cmp);
        let last = sample.len().saturating_sub(1);
        // The nearest rank; with hundreds of rounds nothing is gained by interpolating.
        let at = |quarters: usize| {
            let rank = last.saturating_mul(quarters).saturating_add(2) / 4;
            sample.get(rank).copied().unwrap_or(f64::NAN)
        };
        Self { lower: at(1), median: at(2), upper: at(3) }
    }
}

/// `1.08 (1.07 to 1.10)`
impl fmt::Display for Quartiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.median, self.lower, self.upper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_of_five() {
        let quartiles = Quartiles::of(vec![5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!(quartiles, Quartiles { lower: 2.0, median: 3.0, upper: 4.0 });
        assert_eq!(quartiles.to_string(), "3.00 (2.00 to 4.00)");
    }

    #[test]
    fn outliers_do_not_move_the_median() {
        let mut sample = vec![1.0; 99];
        sample.push(1e9);
        assert_eq!(Quartiles::of(sample), Quartiles { lower: 1.0, median: 1.0, upper: 1.0 });
    }

    #[test]
    fn nothing_has_no_median() {
        assert!(Quartiles::of(Vec::new()).median.is_nan());
    }
}
