//! Times, as JavaScript and the core have them: milliseconds since 1970.

/// A time of the platform's clock.
pub(crate) fn from_js(ms: f64) -> u64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time is a whole number, and such casts saturate"
    )]
    let ms = ms as u64;
    ms
}

/// A time for the platform.
pub(crate) fn to_js(ms: u64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a time is far below 2^53")]
    let ms = ms as f64;
    ms
}
