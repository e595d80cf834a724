//! Scopes (RFC 6749 §3.3): a set of words, kept in the order in which they were first named.

use std::fmt;

/// Most scopes of one set.
pub const MAX_SCOPES: usize = 64;
/// Longest scope, in bytes.
pub const MAX_SCOPE: usize = 128;

/// A text was not a set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("scopes are at most {MAX_SCOPES} words of at most {MAX_SCOPE} printable characters, separated by single spaces")]
pub struct ScopeError;

/// A set of scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(Vec<String>);

impl Scope {
    /// Asks for an ID token (OpenID Connect Core 1.0 §3.1.2.1).
    pub const OPENID: &'static str = "openid";
    /// Lets a client see public numbers.
    pub const ALIUID: &'static str = "aliuid";
    /// Lets a client see names.
    pub const PROFILE: &'static str = "profile";
    /// Lets the official client act as the person. No other client can hold it.
    pub const USER_SESSION: &'static str = "/internal/ram/usersts";

    /// Reads words separated by spaces; the empty text is the empty set.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        Self::of(text.split(' ').filter(|word| !word.is_empty()))
    }

    /// A set of these words.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, ScopeError> {
        let mut set: Vec<String> = Vec::new();
        for word in words {
            let printable = word.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E));
            if word.is_empty() || word.len() > MAX_SCOPE || !printable {
                return Err(ScopeError);
            }
            if !set.iter().any(|known| known == word) {
                if set.len() == MAX_SCOPES {
                    return Err(ScopeError);
                }
                set.push(word.to_owned());
            }
        }
        Ok(Self(set))
    }

    /// True if the word is in it.
    pub fn has(&self, word: &str) -> bool {
        self.0.iter().any(|known| known == word)
    }

    /// True if there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if the other set has everything that this one has.
    pub fn within(&self, other: &Self) -> bool {
        self.0.iter().all(|word| other.has(word))
    }

    /// What both have.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|word| other.has(word)).cloned().collect())
    }

    /// Its words, in order.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Its words, to be stored.
    pub fn to_words(&self) -> Vec<String> {
        self.0.clone()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        let set = Scope::parse("openid  /internal/ram/usersts openid").unwrap();
        assert_eq!(set.to_string(), "openid /internal/ram/usersts");
        assert!(Scope::parse("openid").unwrap().within(&set) && !set.within(&Scope::parse("openid").unwrap()));
        assert!(Scope::parse("").unwrap().is_empty());
        for bad in ["a\"b", "a\\b", "a\tb", "é", &"x".repeat(129)] {
            assert!(Scope::parse(bad).is_err(), "{bad}");
        }
        let many: Vec<String> = (0..65).map(|n| format!("s{n}")).collect();
        assert!(Scope::of(many.iter().map(String::as_str)).is_err());
    }
}
