//! The straight line that fits best.

/// `y = base + slope * x`, fitted to points so that the sum of the squared relative distances is
/// least. (With absolute ones, the largest points would decide alone.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Where it begins.
    pub base: f64,
    /// How much every step of x adds.
    pub slope: f64,
}

impl Line {
    /// Fits the line to at least two points of different x and of y above 0.
    #[must_use]
    pub fn through(points: &[(f64, f64)]) -> Self {
        let (mut w, mut wx, mut wy, mut wxx, mut wxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (x, y) in points {
            let weight = 1.0 / (y * y);
            w += weight;
            wx += weight * x;
            wy += weight * y;
            wxx += weight * x * x;
            wxy += weight * x * y;
        }
        let slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
        Self { base: (wy - slope * wx) / w, slope }
    }

    /// The y that belongs to an x.
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        self.base + self.slope * x
    }

    /// The largest distance of a point from the line, as a share of the point's y.
    #[must_use]
    pub fn deviation(&self, points: &[(f64, f64)]) -> f64 {
        points.iter().map(|(x, y)| (self.at(*x) - y).abs() / y).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_line_that_points_lie_on() {
        let points = [1.0, 8.0, 64.0, 4096.0].map(|x| (x, 300.0 + 0.5 * x));
        let line = Line::through(&points);
        assert!((line.base - 300.0).abs() < 1e-6 && (line.slope - 0.5).abs() < 1e-9, "{line:?}");
        assert!(line.deviation(&points) < 1e-9);
    }

    #[test]
    fn a_curve_deviates() {
        let points = [1.0, 2.0, 3.0, 4.0].map(|x| (x, x * x));
        assert!(Line::through(&points).deviation(&points) > 0.2);
    }
}
