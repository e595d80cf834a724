//! Tests of the crate as a whole.

mod deciders;
mod deciding;
mod properties;
mod vectors;
