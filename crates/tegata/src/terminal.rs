//! The only place that writes to the terminal: results to standard output, complaints to standard error.
//!
//! A reader that goes away (`tegata audit tail | head`) is not an error worth telling.

use std::io::{self, IsTerminal as _, Write as _};

/// Writes one line to standard output; false once nobody reads it any more.
pub(crate) fn say(line: &str) -> bool {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
}

/// Tells on standard error what went wrong.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "tegata: {text}");
}

/// True when a person reads standard output.
pub(crate) fn is_person() -> bool {
    io::stdout().is_terminal()
}

/// Bold, where a person reads it.
pub(crate) fn bold(text: &str) -> String {
    if is_person() { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// A mark for what went well or did not, in colour where a person reads it.
pub(crate) fn mark(good: bool) -> &'static str {
    match (good, is_person()) {
        (true, true) => "\u{1b}[32m✓\u{1b}[0m",
        (true, false) => "✓",
        (false, true) => "\u{1b}[31m✗\u{1b}[0m",
        (false, false) => "✗",
    }
}
