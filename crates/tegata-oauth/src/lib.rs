//! OAuth and OpenID Connect messages.
//!
//! Empty for now: its place in the crate graph is kept so that the first login flow adds files, not edges.
