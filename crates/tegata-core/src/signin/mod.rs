//! How people agree: from an identity that has signed in, and a client that asks, to a code.
