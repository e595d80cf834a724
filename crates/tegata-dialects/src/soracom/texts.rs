//! The languages of this wire.

use http::HeaderMap;

/// A language that messages are said in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
}

impl Language {
    /// The language that a request asks for; English where it asks for none that is known.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let asked = headers.get("x-soracom-lang").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if asked.trim().to_ascii_lowercase().starts_with("ja") { Self::Japanese } else { Self::English }
    }
}
