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
