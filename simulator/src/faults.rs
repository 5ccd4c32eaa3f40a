//! What goes wrong on purpose.

use core::time::Duration;

use anyhow::bail;
use nextapi_testkit::Shape;

/// Faults of delivery. A rate is a probability from 0 to 1. The default is none at all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// How often an attempt never reaches its goal. The provider notices, and tries again later.
    pub lose: f64,
    /// How often an attempt is made twice at the same moment, as by two workers.
    pub duplicate: f64,
    /// How long every event is held back before it is delivered.
    pub delay: Duration,
    /// How often an event is overtaken by the next one of its job. A job's last event has none to
    /// be overtaken by.
    pub reorder: f64,
    /// How often an event is dropped: it is never delivered, unless somebody asks for it.
    pub drop_events: f64,
    /// How often all events of a job are dropped.
    pub drop_jobs: f64,
}

impl Faults {
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        check_rate("lose", self.lose)?;
        check_rate("duplicate", self.duplicate)?;
        check_rate("reorder", self.reorder)?;
        check_rate("drop-events", self.drop_events)?;
        check_rate("drop-jobs", self.drop_jobs)
    }
}

pub(crate) fn check_rate(name: &str, rate: f64) -> anyhow::Result<()> {
    if !(0.0..=1.0).contains(&rate) {
        bail!("{name} is a rate, a number from 0 to 1, not {rate}");
    }
    Ok(())
}

/// The shape of the bodies that are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shapes {
    /// Always this one.
    Only(Shape),
    /// Another one, at random, for every event.
    Mixed,
}

impl Default for Shapes {
    fn default() -> Self {
        Self::Only(Shape::Envelope)
    }
}

impl Shapes {
    pub(crate) fn draw(self, random: &mut fastrand::Rng) -> Shape {
        match self {
            Self::Only(shape) => shape,
            Self::Mixed => match random.u8(..3) {
                0 => Shape::Envelope,
                1 => Shape::EnvelopeWithJobId,
                _ => Shape::Flat,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_probability() {
        let faults = |lose| Faults { lose, ..Faults::default() };
        for lose in [0.0, 0.5, 1.0] {
            assert!(faults(lose).check().is_ok());
        }
        for lose in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let error = faults(lose).check().unwrap_err();
            assert!(error.to_string().starts_with("lose is a rate"), "{error}");
        }
    }

    #[test]
    fn mixed_means_all_of_them() {
        let mut random = fastrand::Rng::with_seed(7);
        let drawn: Vec<_> = (0..100).map(|_| Shapes::Mixed.draw(&mut random)).collect();
        for shape in [Shape::Envelope, Shape::EnvelopeWithJobId, Shape::Flat] {
            assert!(drawn.contains(&shape), "{shape:?}");
        }
    }
}
