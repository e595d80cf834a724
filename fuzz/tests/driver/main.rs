//! The driver on a bug that was planted, and every target on its own corpus.

#[cfg(test)]
mod finding;
