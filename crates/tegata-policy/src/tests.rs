//! Tests of the crate as a whole.

mod deciding;
mod properties;
mod vectors;
