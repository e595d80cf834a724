//! A command line of `--name value` and `--flag`, read once.

use std::str::FromStr;

/// What was given. Every reader takes what it knows; [`Arguments::finish`] refuses the rest.
#[derive(Debug)]
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    /// The words after the command's name.
    pub(crate) fn new(words: &[String]) -> Self {
        Self(words.to_vec())
    }

    /// True if the flag is there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|word| word != name);
        self.0.len() < before
    }

    /// The value of an option.
    ///
    /// # Errors
    /// A text for people: there is no value, or it cannot be read.
    pub(crate) fn value<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        let Some(at) = self.0.iter().position(|word| word == name) else { return Ok(None) };
        self.0.remove(at);
        if at >= self.0.len() {
            return Err(format!("`{name}` needs a value"));
        }
        let text = self.0.remove(at);
        text.parse().map(Some).map_err(|_| format!("`{text}` is no value for `{name}`"))
    }

    /// Refuses whatever nobody took.
    pub(crate) fn finish(self) -> Result<(), String> {
        self.0.first().map_or(Ok(()), |word| Err(format!("unknown argument `{word}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_flags_and_strangers() {
        let words = ["--seconds", "3", "--quick", "--tegata", "x"].map(str::to_owned);
        let mut arguments = Arguments::new(&words);
        assert!(arguments.flag("--quick") && !arguments.flag("--quick"));
        assert_eq!(arguments.value::<u64>("--seconds"), Ok(Some(3)));
        assert_eq!(arguments.value::<u64>("--seconds"), Ok(None));
        assert!(arguments.finish().unwrap_err().contains("--tegata"));
        let mut arguments = Arguments::new(&["--n".to_owned(), "x".to_owned(), "--m".to_owned()]);
        assert!(arguments.value::<u64>("--n").is_err());
        assert!(arguments.value::<u64>("--m").is_err());
    }
}
