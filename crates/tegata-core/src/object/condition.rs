//! Conditional and partial reads (RFC 9110 §13, §14, as object clients use them).

use std::ops::Range;

use tegata_model::Timestamp;

use super::StoredObject;
use crate::error::{OpError, Precondition};

/// The conditions of a read.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// The entity tag must be one of these (`*` for any).
    pub if_match: Option<Vec<String>>,
    /// The entity tag must be none of these.
    pub if_none_match: Option<Vec<String>>,
    /// The object must have changed after this.
    pub if_modified_since: Option<Timestamp>,
    /// The object must not have changed after this.
    pub if_unmodified_since: Option<Timestamp>,
}

impl Conditions {
    /// Holds them against an object, in the order of RFC 9110 §13.2.2.
    pub(crate) fn hold(&self, object: &StoredObject) -> Result<(), OpError> {
        let names = |tags: &[String]| {
            tags.iter().any(|tag| tag == "*" || tag.trim_matches('"').eq_ignore_ascii_case(object.etag.trim_matches('"')))
        };
        let failed = |name| Err(OpError::Precondition(Precondition::Failed(name)));
        let unchanged =
            || Err(OpError::Precondition(Precondition::NotModified { etag: object.etag.clone(), modified: object.modified_at }));
        match (&self.if_match, self.if_unmodified_since) {
            (Some(tags), _) if !names(tags) => return failed("If-Match"),
            (None, Some(since)) if object.modified_at > since => return failed("If-Unmodified-Since"),
            _ => {}
        }
        match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) if names(tags) => unchanged(),
            (None, Some(since)) if object.modified_at <= since => unchanged(),
            _ => Ok(()),
        }
    }
}

/// A range of bytes, as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// `bytes=a-b`, both included.
    FromTo(u64, u64),
    /// `bytes=a-`.
    From(u64),
    /// `bytes=-n`: the last n.
    Last(u64),
}

/// What of an object a range gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Nothing: the range lies outside.
    Unsatisfiable,
}

impl ByteRange {
    /// Reads `bytes=…` with one range; `None` for anything else, which readers ignore.
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
        let number =
            |digits: &str| if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse::<u64>().ok() } else { None };
        match (first, last) {
            ("", last) => number(last).map(Self::Last),
            (first, "") => number(first).map(Self::From),
            (first, last) => match (number(first)?, number(last)?) {
                (first, last) if first <= last => Some(Self::FromTo(first, last)),
                _ => None,
            },
        }
    }

    /// Against an object of `size` bytes. Unless `standard`, a range that is not entirely inside gives the whole object.
    pub fn resolve(self, size: u64, standard: bool) -> Resolved {
        let outside = if standard { Resolved::Unsatisfiable } else { Resolved::Whole };
        match self {
            Self::FromTo(first, last) if first < size && last < size => Resolved::Part(first..last + 1),
            Self::FromTo(first, _) if first < size && standard => Resolved::Part(first..size),
            Self::From(first) if first < size => Resolved::Part(first..size),
            Self::Last(count) if count > 0 && count <= size => Resolved::Part(size - count..size),
            Self::Last(count) if count > size && size > 0 && standard => Resolved::Part(0..size),
            _ => outside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_outside_are_ignored_unless_standard() {
        let range = |text, standard| ByteRange::parse(text).map(|r| r.resolve(10, standard));
        assert_eq!(range("bytes=0-4", false), Some(Resolved::Part(0..5)));
        assert_eq!(range("bytes=5-", false), Some(Resolved::Part(5..10)));
        assert_eq!(range("bytes=-3", false), Some(Resolved::Part(7..10)));
        assert_eq!(range("bytes=5-10", false), Some(Resolved::Whole));
        assert_eq!(range("bytes=5-10", true), Some(Resolved::Part(5..10)));
        assert_eq!(range("bytes=10-", true), Some(Resolved::Unsatisfiable));
        assert_eq!(range("bytes=10-", false), Some(Resolved::Whole));
        assert_eq!(range("bytes=-0", true), Some(Resolved::Unsatisfiable));
        for strange in ["bytes=4-2", "bytes=a-b", "bytes=-", "bytes=0-1,3-4", "items=0-1", "bytes=+1-2", "bytes=99999999999999999999-"] {
            assert_eq!(range(strange, true), None, "{strange}");
        }
    }
}
