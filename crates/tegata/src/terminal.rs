//! The only place that writes to the terminal: results to standard output, complaints to standard error.
//!
//! A reader that goes away (`tegata audit tail | head`) is not an error worth telling.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::failure::Failure;

/// Writes one line to standard output; false once nobody reads it any more.
pub(crate) fn say(line: &str) -> bool {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
}

/// Tells on standard error what went wrong.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "tegata: {text}");
}

/// Tells on standard error what a person should know beside the result.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A secret: asked of a person without showing it, else a line of standard input. `None` if there is nothing.
pub(crate) fn secret(name: &str) -> Result<Option<String>, Failure> {
    let person = io::stdin().is_terminal() && io::stderr().is_terminal();
    if person {
        ask(&format!("{name} (not shown): "));
    }
    let quiet = person.then(Quiet::start);
    let answer = line();
    drop(quiet);
    if person {
        ask("\n");
    }
    answer
}

/// One line of standard input; `None` if it is empty or there is none.
pub(crate) fn line() -> Result<Option<String>, Failure> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
    Ok(Some(line.trim().to_owned()).filter(|line| !line.is_empty()))
}

/// True when a person reads standard output.
pub(crate) fn is_person() -> bool {
    io::stdout().is_terminal()
}

/// Whether nobody wants colours (`NO_COLOR`).
static PLAIN: AtomicBool = AtomicBool::new(false);

/// From now on, no colours.
pub(crate) fn without_colours() {
    PLAIN.store(true, Ordering::Relaxed);
}

/// True where a person reads, who has nothing against colours.
pub(crate) fn coloured() -> bool {
    is_person() && !PLAIN.load(Ordering::Relaxed)
}

/// Bold, where a person reads it.
pub(crate) fn bold(text: &str) -> String {
    if coloured() { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// A mark for what went well or did not, in colour where a person reads it.
pub(crate) fn mark(good: bool) -> &'static str {
    match (good, coloured()) {
        (true, true) => "\u{1b}[32m✓\u{1b}[0m",
        (true, false) => "✓",
        (false, true) => "\u{1b}[31m✗\u{1b}[0m",
        (false, false) => "✗",
    }
}

/// Asks on standard error, so that results stay alone on standard output.
pub(crate) fn ask(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// While it lives, what is typed is not shown.
pub(crate) struct Quiet(Option<rustix::termios::Termios>);

impl Quiet {
    /// Begins.
    pub(crate) fn start() -> Self {
        let before = rustix::termios::tcgetattr(io::stdin()).ok();
        if let Some(mut now) = before.clone() {
            now.local_modes.remove(rustix::termios::LocalModes::ECHO);
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Flush, &now);
        }
        Self(before)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, before);
        }
    }
}

/// Bytes that pass, shown on standard error where a person looks on.
pub(crate) fn progress(length: Option<u64>) -> indicatif::ProgressBar {
    if !io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = length.map_or_else(indicatif::ProgressBar::no_length, indicatif::ProgressBar::new);
    let form = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    if let Ok(style) = indicatif::ProgressStyle::with_template(form) { bar.with_style(style) } else { bar }
}

/// Things that are done one by one, shown on standard error where a person looks on.
pub(crate) fn count(length: usize) -> indicatif::ProgressBar {
    if !io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(length as u64);
    if let Ok(style) = indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len} {eta}") { bar.with_style(style) } else { bar }
}
