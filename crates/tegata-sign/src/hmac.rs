//! The few keyed hashes and text forms that the schemes are made of.

use aws_lc_rs::{digest, hmac};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// A key for HMAC-SHA1, the hash of RPC 1.0 and OSS V1.
pub(crate) fn sha1_key(secret: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret)
}

/// A key for HMAC-SHA256.
pub(crate) fn sha256_key(secret: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}

/// One link of a derivation chain: HMAC-SHA256 of `message`, in memory that is wiped.
pub(crate) fn derive(secret: &[u8], message: &[u8]) -> Zeroizing<[u8; 32]> {
    let tag = hmac::sign(&sha256_key(secret), message);
    let mut out = Zeroizing::new([0; 32]);
    for (to, from) in out.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    out
}

/// The signature of `message` as padded base64.
pub(crate) fn base64_signature(key: &hmac::Key, message: &str) -> String {
    STANDARD.encode(hmac::sign(key, message.as_bytes()))
}

/// The signature of `message` as lower-case hex.
pub(crate) fn hex_signature(key: &hmac::Key, message: &str) -> String {
    hex(hmac::sign(key, message.as_bytes()).as_ref())
}

/// SHA-256 of a text as lower-case hex.
pub(crate) fn sha256_hex(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + (nibble - 10) });
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(digit(byte >> 4));
        out.push(digit(byte & 0x0F));
    }
    out
}

/// The bytes of all `parts` behind each other, in memory that is wiped and was never moved.
pub(crate) fn joined(parts: &[&str]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
    out
}
