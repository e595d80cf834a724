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

/// The name nearest to `wrong`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(wrong: &str, right: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = |name: &str| {
        let last = name.rsplit('.').next().unwrap_or(name);
        let wrong_last = wrong.rsplit('.').next().unwrap_or(wrong);
        // The same word under another table is the likeliest slip of all.
        strsim::jaro_winkler(wrong, name).max(strsim::jaro_winkler(wrong_last, last) - 0.01)
    };
    right.map(|name| (near(name), name)).filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}
