//! The dialects in process: whole replies, and what an attacker would wish nobody tried.

mod acs_replies;
mod attacks;
mod catalogue;
mod csp;
mod csp_scopes;
mod devices;
mod exchange;
mod federation;
mod foreign;
mod ims_people;
mod letters;
mod oauth;
mod oss_objects;
mod oss_replies;
mod own;
mod pages;
mod ram;
mod relay;
mod several;
mod sign_in;
mod signatures;
mod sockets;
mod soracom;
mod throttle;
mod world;
