//! What both engines must do alike.

mod catalog;
mod commit;
mod federation;
mod feed;
mod nouns;
mod sample;
