//! What a job is to make.

use serde::{Deserialize, Serialize};

use crate::Credits;

/// What a job is to make, and what it will cost. The prompt is nowhere kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// The model's name.
    pub model: String,
    /// How long the video is to be.
    pub duration_seconds: u64,
    /// The video's resolution: `1080p`, for one.
    pub resolution: String,
    /// What is reserved for it, and what it costs if it succeeds.
    pub estimate: Credits,
}

/// The documentation's example.
impl Default for Generation {
    fn default() -> Self {
        Self {
            model: "seedance-2.0-pro".to_owned(),
            duration_seconds: 6,
            resolution: "1080p".to_owned(),
            estimate: Credits::from_thousandths(1_050),
        }
    }
}
