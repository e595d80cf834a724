//! The dialects in process: whole replies, and what an attacker would wish nobody tried.

mod acs_replies;
mod attacks;
mod catalogue;
mod csp;
mod csp_attacks;
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
mod soracom_cli;
mod soracom_users;
mod throttle;
mod world;

/// One of each refusal of an organisation, for the tables of errors.
pub(crate) fn organisation_refusals() -> Vec<(&'static str, tegata_core::org::Refusal)> {
    use tegata_core::org::{AppField, Barrier, Dropped, Refusal, Why};
    let role = || "ROLE".to_owned();
    let mut all: Vec<(&'static str, Refusal)> =
        Barrier::ALL.into_iter().map(|barrier| (barrier.word(), Refusal::Barred(barrier))).collect();
    let others = [
        Refusal::UnknownOrgRole(role()),
        Refusal::UnknownService("SERVICE".to_owned()),
        Refusal::UnknownServiceRole("SERVICE".to_owned(), role()),
        Refusal::ServiceRolesNotAllowed,
        Refusal::AddonAlone,
        Refusal::EmptyScope,
        Refusal::AppNotFound("APP".to_owned()),
        Refusal::ForeignApp("APP".to_owned()),
        Refusal::AlreadyAdded("APP".to_owned()),
        Refusal::EmptyEffective(vec![Dropped { service: None, role: role(), why: Why::AdderLacksRole }]),
        Refusal::UserNotFound("USER".to_owned()),
        Refusal::Field(AppField::Secret, "the rule".to_owned()),
    ];
    all.extend(others.into_iter().map(|refusal| (refusal.word(), refusal)));
    all
}
