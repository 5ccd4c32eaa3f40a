//! Hashes in hexadecimal digits, and HMAC written out over a bare SHA-256.

use sha2::{Digest, Sha256};

/// SHA-256 in lower-case hexadecimal digits.
#[must_use]
pub fn sha256(message: &[u8]) -> String {
    hexadecimal(&Sha256::digest(message))
}

/// HMAC-SHA256 by RFC 2104 section 2, in lower-case hexadecimal digits.
#[must_use]
pub fn hmac(secret: &[u8], message: &[u8]) -> String {
    let mut block =
        if secret.len() > 64 { Sha256::digest(secret).to_vec() } else { secret.to_vec() };
    block.resize(64, 0);
    let inner: Vec<u8> = block.iter().map(|byte| byte ^ 0x36).chain(message.to_vec()).collect();
    let outer: Vec<u8> =
        block.iter().map(|byte| byte ^ 0x5c).chain(Sha256::digest(inner).to_vec()).collect();
    sha256(&outer)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
