//! The bearer tokens: one opens the paths for admins, another one only registers jobs.

use core::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Secret;

/// A token must not be shorter, in bytes: it is all that protects the ledger's events and settings.
const LEAST_BYTES: usize = 16;

/// A bearer token (RFC 6750), of which only the hash is kept.
pub(crate) struct AdminToken {
    digest: [u8; 32],
}

impl AdminToken {
    /// Takes a token.
    ///
    /// # Errors
    /// What is wrong with it, and what to do; never the token itself.
    pub(crate) fn new(token: &Secret) -> Result<Self, &'static str> {
        let token = token.expose();
        if token.len() < LEAST_BYTES {
            return Err("is shorter than 16 characters and could be guessed: set a longer one, \
                        such as 32 random hex digits");
        }
        if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
            return Err("has characters that no bearer token has: use letters, digits and \
                        `-._~+/=` only");
        }
        Ok(Self { digest: Sha256::digest(token).into() })
    }

    /// Whether two tokens are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        bool::from(self.digest.ct_eq(&other.digest))
    }

    /// Whether the value of an `Authorization` header gives this token.
    ///
    /// Hashes are compared, in constant time, so that neither the length nor the place of the first
    /// difference shows in the time that it takes.
    pub(crate) fn is_given_by(&self, authorization: Option<&str>) -> bool {
        let Some((scheme, token)) = authorization.and_then(|value| value.split_once(' ')) else {
            return false;
        };
        let given: [u8; 32] = Sha256::digest(token.trim_matches(' ')).into();
        scheme.eq_ignore_ascii_case("bearer") && bool::from(given.ct_eq(&self.digest))
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::tests::{problems_with, settings_with};

    const TOKEN: &str = "0123456789abcdef";

    #[test]
    fn only_the_whole_token_in_the_right_scheme_is_taken() {
        let settings = settings_with(&[("ADMIN_TOKEN", TOKEN)]);
        let token = settings.admin_token.unwrap();
        for given in
            ["Bearer 0123456789abcdef", "bearer 0123456789abcdef", "BEARER  0123456789abcdef "]
        {
            assert!(token.is_given_by(Some(given)), "{given:?}");
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
            assert!(!token.is_given_by(Some(given)), "{given:?}");
        }
        assert!(!token.is_given_by(None));
    }

    #[test]
    fn a_token_that_could_be_guessed_or_never_be_given_is_refused() {
        for value in ["0123456789abcde", "0123456789 abcdef", "0123456789abcdef,", "canary"] {
            let problems = problems_with(&[("ADMIN_TOKEN", value)]);
            assert_eq!(problems.len(), 1, "{value:?}");
            assert!(problems[0].starts_with("ADMIN_TOKEN "), "{problems:?}");
            assert!(!problems[0].contains(value), "{problems:?}");
        }
    }

    #[test]
    fn the_token_is_not_printed() {
        let settings = settings_with(&[("ADMIN_TOKEN", TOKEN)]);
        assert!(format!("{settings:?}").contains("AdminToken(redacted)"));
    }
}
