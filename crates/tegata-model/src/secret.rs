//! Secrets: no `Display`, no `Serialize`, no `Clone`, wiped when dropped, compared in constant time.

use std::fmt;

use zeroize::Zeroizing;

/// A secret text, such as the secret of an access key. It leaves only through [`SecretKey::expose`].
pub struct SecretKey(Zeroizing<String>);

impl SecretKey {
    /// Takes ownership of the text; the caller's copy is gone.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The one door out. `grep expose` lists every reader.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(redacted)")
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl Eq for SecretKey {}

/// What is kept of a password: its PHC string, with algorithm, cost, salt and hash in it. It verifies a guess, so it is not
/// shown either.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

impl PasswordHash {
    /// From its text, as stored.
    pub fn new(phc: &str) -> Self {
        Self(phc.into())
    }

    /// The text, for the store and for whoever verifies with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

/// True if both are equal; the time depends on the lengths only.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left, right).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", SecretKey::new("hunter2".into())), "SecretKey(redacted)");
        assert_eq!(format!("{:?}", PasswordHash::new("$argon2id$x")), "PasswordHash(redacted)");
        assert!(SecretKey::new("a".into()) == SecretKey::new("a".into()));
        assert!(SecretKey::new("a".into()) != SecretKey::new("b".into()));
    }
}
