//! The dialects in process: whole replies, and what an attacker would wish nobody tried.

mod acs_replies;
mod attacks;
mod oauth;
mod oss_objects;
mod oss_replies;
mod ram;
mod signatures;
mod sockets;
mod world;
