//! What is wrong with a configuration: every problem at once, each with the path of its key.

use std::fmt;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The key (`http.listen`), flag (`--http`) or variable (`TEGATA_LOG`) it is about; empty for the file as a whole.
    pub(crate) key: String,
    /// What is wrong and what would be right.
    pub(crate) text: String,
}

impl Problem {
    /// A problem of a key.
    pub(crate) fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { key: key.into(), text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() { f.write_str(&self.text) } else { write!(f, "`{}`: {}", self.key, self.text) }
    }
}

/// All problems of one configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "the configuration cannot be used: {one}"),
            many => {
                write!(f, "the configuration has {} problems", many.len())?;
                many.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

/// The name nearest to `wrong`, if one is near enough to be meant. The last word of a path counts most: the right word under
/// the wrong table is the likeliest slip of all.
pub(crate) fn nearest<'a>(wrong: &str, right: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    fn last(path: &str) -> &str {
        path.rsplit('.').next().unwrap_or(path)
    }
    let mut best: Option<((f64, f64), &str)> = None;
    for name in right {
        let whole = if wrong.contains('.') { strsim::jaro(wrong, name) } else { 0.0 };
        let score = (strsim::jaro_winkler(last(wrong), last(name)), whole);
        if score.0 > 0.8 && best.is_none_or(|(known, _)| score > known) {
            best = Some((score, name));
        }
    }
    best.map(|(_, name)| name)
}
