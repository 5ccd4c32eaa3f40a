//! A bearer token, which opens paths for admins.

use core::fmt;

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// A token must not be shorter, in bytes: it is all that protects the ledger's events and settings.
const LEAST_BYTES: usize = 16;

/// A bearer token (RFC 6750), of which only the hash is kept.
pub(crate) struct Token {
    digest: [u8; 32],
}

impl Token {
    /// Takes a token of the settings.
    ///
    /// # Errors
    /// What is wrong with it, and what to do; never the token itself.
    pub(super) fn new(token: &str) -> Result<Self, &'static str> {
        if token.len() < LEAST_BYTES {
            return Err("is shorter than 16 characters and could be guessed: set a longer one, \
                        such as 32 random hex digits");
        }
        if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
            return Err("has characters that no bearer token has: use letters, digits and \
                        `-._~+/=` only");
        }
        Ok(Self::hash(token))
    }

    /// The token in the value of an `Authorization` header, whatever it is; none if there is no bearer token.
    pub(crate) fn given_by(authorization: Option<&str>) -> Option<Self> {
        let (scheme, token) = authorization?.split_once(' ')?;
        let token = token.trim_matches(' ');
        let is_bearer = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
        is_bearer.then(|| Self::hash(token))
    }

    /// Any text as if it were a token, to compare it with one.
    pub(super) fn hash(text: &str) -> Self {
        Self { digest: Sha256::digest(text).into() }
    }

    /// Whether two tokens are the same.
    ///
    /// Hashes are compared, in constant time, so that neither the length nor the place of the first
    /// difference shows in the time that it takes.
    pub(super) fn is(&self, other: &Self) -> Choice {
        self.digest.ct_eq(&other.digest)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn is_given_by(authorization: Option<&str>) -> bool {
        let token = Token::new(TOKEN).unwrap();
        Token::given_by(authorization).is_some_and(|given| token.is(&given).into())
    }

    #[test]
    fn only_the_whole_token_in_the_right_scheme_is_taken() {
        for given in
            ["Bearer 0123456789abcdef", "bearer 0123456789abcdef", "BEARER  0123456789abcdef "]
        {
            assert!(is_given_by(Some(given)), "{given:?}");
        }
        for given in [
            "",
            "Bearer",
            "Bearer ",
            TOKEN,
            "Basic 0123456789abcdef",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
            "Bearer 0123456789ABCDEF",
            "Bearer 0123456789abcdef, Bearer 0123456789abcdef",
        ] {
            assert!(!is_given_by(Some(given)), "{given:?}");
        }
        assert!(!is_given_by(None));
    }

    /// Only a token can be a wrong one.
    #[test]
    fn another_scheme_or_an_empty_text_gives_no_token() {
        for given in ["", "Bearer", "Bearer ", "Bearer   ", "Basic 0123456789abcdef", TOKEN] {
            assert!(Token::given_by(Some(given)).is_none(), "{given:?}");
        }
        assert!(Token::given_by(Some("Bearer x")).is_some());
    }

    #[test]
    fn the_token_is_not_printed() {
        assert_eq!(format!("{:?}", Token::new(TOKEN).unwrap()), "Token(redacted)");
    }
}
