//! What reads strangers' bytes, under hostile input: one function per parser, each with the promises it must keep.
//!
//! A target takes any bytes and panics when a promise is broken; it never panics for being given nonsense. The same
//! functions run in two ways: by [`driver`] (the binary `short`, stable toolchain, a few seconds in `./test`), and by
//! libFuzzer with coverage (`cargo +nightly fuzz run <target>` in `fuzz/libfuzzer`).
//!
//! | module | what |
//! |---|---|
//! | [`targets`] | the targets and the list of them |
//! | [`corpus`] | real inputs to begin with, read from `vectors/` at run time |
//! | [`driver`] | mutates, runs, watches, and writes down what broke |
//! | [`mutate`] | seeded mutations |
//! | [`dump`] | the file a finding is kept in |
//! | [`wire`] | bytes read as one HTTP request |

#![expect(clippy::missing_panics_doc, reason = "a panic is how a target says that a promise was broken")]

pub mod corpus;
pub mod driver;
pub mod dump;
pub mod mutate;
pub mod targets;
pub mod wire;

use std::cell::Cell;

use crate::corpus::Vectors;

/// One parser with its promises.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, in the output and in the names of files.
    pub name: &'static str,
    /// Checks every promise on one input.
    pub run: fn(&[u8]),
    /// Inputs to begin with, at least one of which gets past the parser.
    pub corpus: fn(&Vectors) -> Vec<Vec<u8>>,
}

thread_local! {
    static DEEP: Cell<u64> = const { Cell::new(0) };
}

/// Said by a target whose input got past the parser, so that a corpus which no longer does is noticed.
pub(crate) fn deep() {
    DEEP.with(|count| count.set(count.get().wrapping_add(1)));
}

/// How many inputs on this thread got past a parser so far.
pub fn deep_so_far() -> u64 {
    DEEP.with(Cell::get)
}
