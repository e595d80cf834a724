//! Wildcards: `*` is any run of characters, also none; `?` is exactly one character.

/// A pattern, split at its stars once. Matching never goes back over a star: each piece is taken at its first
/// place, which is enough because the star before it can always take up the rest. So the time is linear in the
/// text for pieces without `?`, and at most text × piece for a piece with one; there is no blow-up on `*a*a*a*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Glob {
    /// `*` alone.
    Any,
    /// No star: the whole text is this piece.
    Whole(Piece),
    /// Text with stars: what it begins with, what comes later in this order, what it ends with.
    Pieces { first: Piece, middle: Box<[Piece]>, last: Piece },
}

/// What stands between two stars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Plain text.
    Literal(Box<str>),
    /// Text with at least one `?`, here `None`.
    Holes(Box<[Option<char>]>),
}

impl Glob {
    /// Compiles a pattern; every text is one.
    pub(crate) fn new(pattern: &str) -> Self {
        let mut parts = pattern.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(last) = parts.next_back() else {
            return Self::Whole(Piece::new(first));
        };
        let middle: Box<[Piece]> = parts.filter(|part| !part.is_empty()).map(Piece::new).collect();
        if first.is_empty() && last.is_empty() && middle.is_empty() {
            return Self::Any;
        }
        Self::Pieces { first: Piece::new(first), middle, last: Piece::new(last) }
    }

    /// Whether the whole text fits. Compared with case; fold both sides before to compare without.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Whole(piece) => piece.strip_prefix(text).is_some_and(str::is_empty),
            Self::Pieces { first, middle, last } => first
                .strip_prefix(text)
                .and_then(|rest| last.strip_suffix(rest))
                .and_then(|rest| middle.iter().try_fold(rest, |rest, piece| piece.after_first(rest)))
                .is_some(),
        }
    }
}

impl Piece {
    fn new(text: &str) -> Self {
        if text.contains('?') { Self::Holes(text.chars().map(|c| (c != '?').then_some(c)).collect()) } else { Self::Literal(text.into()) }
    }

    /// The text after this piece, if it begins with it.
    fn strip_prefix<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Literal(literal) => text.strip_prefix(&**literal),
            Self::Holes(wanted) => {
                let mut chars = text.chars();
                for wanted in wanted {
                    let seen = chars.next()?;
                    if wanted.is_some_and(|wanted| wanted != seen) {
                        return None;
                    }
                }
                Some(chars.as_str())
            }
        }
    }

    /// The text before this piece, if it ends with it.
    fn strip_suffix<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Literal(literal) => text.strip_suffix(&**literal),
            Self::Holes(wanted) => {
                let mut chars = text.chars();
                for wanted in wanted.iter().rev() {
                    let seen = chars.next_back()?;
                    if wanted.is_some_and(|wanted| wanted != seen) {
                        return None;
                    }
                }
                Some(chars.as_str())
            }
        }
    }

    /// The text after the first place where this piece stands.
    fn after_first<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Literal(literal) => text.split_once(&**literal).map(|(_, after)| after),
            Self::Holes(_) => {
                let mut rest = text;
                loop {
                    if let Some(after) = self.strip_prefix(rest) {
                        return Some(after);
                    }
                    let mut chars = rest.chars();
                    chars.next()?;
                    rest = chars.as_str();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, written down without care for time.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
            Some(('?', rest)) => !text.is_empty() && naive(rest, &text[1..]),
            Some((c, rest)) => text.first() == Some(c) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn equals_the_definition(pattern in "[abé*?]{0,8}", text in "[abé]{0,10}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Glob::new(&pattern).matches(&text), naive(&p, &t), "{} on {}", pattern, text);
        }

        #[test]
        fn anything_is_a_pattern(pattern in any::<String>(), text in any::<String>()) {
            let _ = Glob::new(&pattern).matches(&text);
            prop_assert!(Glob::new("*").matches(&text));
            prop_assert!(Glob::new(&(text.clone() + "*")).matches(&text), "a text is a pattern for itself");
        }
    }

    #[test]
    fn examples() {
        for (pattern, text, wanted) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("?", "", false),
            ("?", "é", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*a*a*", "a", false),
            ("ab*?c", "abxc", true),
            ("ab*?c", "abc", false),
            ("**", "x", true),
            ("media/*.jpg", "media/2024/a.jpg", true),
            ("*2024", "2024", true),
            ("a?*?c", "abbc", true),
            ("a?*?c", "abc", false),
            ("user/*", "user/*", true),
            ("user/a", "user/*", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), wanted, "{pattern} on {text}");
        }
    }

    /// Matching that goes back over stars would take longer here than the universe has.
    #[test]
    fn many_stars_on_a_long_text_come_to_an_end() {
        let text = "a".repeat(1 << 20);
        assert!(!Glob::new("*a*a*a*a*b").matches(&text));
        assert!(!Glob::new(&format!("{}b", "*a".repeat(2000))).matches(&text));
        assert!(!Glob::new(&format!("{}b*", "*a".repeat(2000))).matches(&text));
        assert!(!Glob::new(&format!("*{}b*", "a".repeat(3000))).matches(&text));
        assert!(!Glob::new("*a?a?a?b*").matches(&text));
        assert!(Glob::new(&"*a?".repeat(1000)).matches(&text));
    }
}
