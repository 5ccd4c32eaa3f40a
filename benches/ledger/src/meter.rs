//! One line of a price list.

pub(crate) const MILLION: f64 = 1e6;

/// What is billed, its price, and how much of it is used.
pub(crate) struct Meter {
    /// Where it stands in the table of months.
    pub(crate) group: &'static str,
    /// What is billed, with its unit.
    pub(crate) name: &'static str,
    /// The price in words.
    pub(crate) price: &'static str,
    /// Dollars for one.
    pub(crate) dollars: f64,
    /// How many are included in a month.
    pub(crate) included: f64,
    /// How many an event takes.
    pub(crate) each: f64,
    /// How many a month takes beside that.
    pub(crate) month: f64,
    /// How `each` comes about.
    pub(crate) how: String,
}

impl Meter {
    /// Dollars for so many events, before what is included.
    pub(crate) fn full(&self, events: f64) -> f64 {
        self.each * events * self.dollars
    }

    /// Dollars for a month with so many events, after what is included.
    pub(crate) fn bill(&self, events: f64) -> f64 {
        (self.each * events + self.month - self.included).max(0.0) * self.dollars
    }
}

/// A number with commas between thousands, or with three places if it is small and not whole.
pub(crate) fn grouped(number: f64) -> String {
    if number < 1e3 && number.fract() != 0.0 {
        return format!("{number:.3}");
    }
    let digits = format!("{number:.0}");
    let length = digits.len();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && length.saturating_sub(place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn included_amounts_come_off_first() {
        let meter = Meter {
            group: "",
            name: "",
            price: "",
            dollars: 1.0 / MILLION,
            included: 50.0 * MILLION,
            each: 10.0,
            month: MILLION,
            how: String::new(),
        };
        assert!((meter.full(MILLION) - 10.0).abs() < 1e-9);
        assert!(meter.bill(4.9 * MILLION).abs() < 1e-9);
        assert!((meter.bill(6.0 * MILLION) - 11.0).abs() < 1e-9);
    }

    #[test]
    fn thousands_are_grouped() {
        for (number, expected) in
            [(0.044, "0.044"), (50.0, "50"), (1e3, "1,000"), (8_002_000.4, "8,002,000")]
        {
            assert_eq!(grouped(number), expected);
        }
    }
}
