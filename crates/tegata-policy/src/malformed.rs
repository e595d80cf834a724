//! Why a document was refused, and where.

use std::fmt;

/// A document was refused. Shown as ``` `Statement[1].Condition.IpAddres`: not an operator; did you mean `IpAddress`? ```.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    path: String,
    problem: String,
    hint: Option<&'static str>,
}

impl Malformed {
    /// Where in the document, such as `Statement[1].Action[2]` (the first is 1); empty for the document itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there, in words.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// The right word nearest to the one that was found.
    pub fn hint(&self) -> Option<&'static str> {
        self.hint
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.problem)?;
        self.hint.map_or(Ok(()), |hint| write!(f, "; did you mean `{hint}`?"))
    }
}

impl std::error::Error for Malformed {}

/// Where the reader is, linked from inside to outside so that a path costs nothing until it is told.
#[derive(Clone, Copy)]
pub(crate) struct Path<'p> {
    outer: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Document,
    Member(&'p str),
    Item(usize),
}

impl Path<'_> {
    pub(crate) const DOCUMENT: Path<'static> = Path { outer: None, step: Step::Document };

    pub(crate) fn member<'p>(&'p self, name: &'p str) -> Path<'p> {
        Path { outer: Some(self), step: Step::Member(name) }
    }

    /// The item of a list; the first is 1.
    pub(crate) fn item(&self, index: usize) -> Path<'_> {
        Path { outer: Some(self), step: Step::Item(index) }
    }

    pub(crate) fn problem(&self, problem: impl Into<String>) -> Malformed {
        Malformed { path: self.to_string(), problem: problem.into(), hint: None }
    }

    /// A problem with a word that should have been one of `words`.
    pub(crate) fn wrong_word(&self, problem: impl Into<String>, found: &str, words: &[&'static str]) -> Malformed {
        Malformed { hint: nearest(found, words), ..self.problem(problem) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outer = self.outer.filter(|outer| !matches!(outer.step, Step::Document));
        if let Some(outer) = outer {
            outer.fmt(f)?;
        }
        match self.step {
            Step::Document => Ok(()),
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Member(name) => write!(f, "{}{}", if outer.is_some() { "." } else { "" }, shown(name)),
        }
    }
}

/// Text from a stranger, fit for a message: at most 64 characters, control characters escaped, no backtick.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 64;
    let mut out = String::new();
    for c in text.chars().take(MOST) {
        match c {
            '`' => out.push('\''),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out
}

/// The word that was probably meant: the same but for case, or at most two slips away.
pub fn nearest(found: &str, words: &[&'static str]) -> Option<&'static str> {
    const LONGEST: usize = 64;
    if found.len() > LONGEST {
        return None;
    }
    let slips = if found.len() < 5 { 1 } else { 2 };
    words
        .iter()
        .map(|word| {
            let distance = if word.eq_ignore_ascii_case(found) { 0 } else { strsim::osa_distance(word, found) };
            (distance, *word)
        })
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, word)| word)
}
