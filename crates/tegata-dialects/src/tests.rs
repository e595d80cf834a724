//! The dialects in process: whole replies, and what an attacker would wish nobody tried.

mod acs_replies;
mod attacks;
mod catalogue;
mod devices;
mod exchange;
mod federation;
mod ims_people;
mod letters;
mod oauth;
mod oss_objects;
mod oss_replies;
mod own;
mod pages;
mod ram;
mod sign_in;
mod signatures;
mod sockets;
mod world;
