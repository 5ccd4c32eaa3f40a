//! Random identifiers and secrets.

use anyhow::Context as _;

/// `BYTES` bytes from the operating system's generator, as lower-case hexadecimal digits.
///
/// # Errors
/// If the operating system has no generator to offer.
pub fn random_hex<const BYTES: usize>() -> anyhow::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).context("the system's random generator failed")?;
    Ok(base16ct::lower::encode_string(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let first = random_hex::<12>().unwrap();
        assert_eq!(first.len(), 24);
        assert_ne!(first, random_hex::<12>().unwrap());
    }
}
