//! Whatever order of sign-ins, repeats and ends: one step of a code begins one session, and a repeat never lives longer than what it repeats.

use std::{collections::HashMap, sync::Arc, time::Duration};

use proptest::prelude::*;
use tegata_model::Timestamp;

use super::{
    sam::{MINUTE, RIGHT, caller, code_of, user_shown, wanted},
    sign_in::{alice, change, create, give_factor},
};
use crate::{Core, RequestMeta, directory::update_login_profile, limits::Limits, otp, sam::*, testing::TestCore};

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Again,
    AgainElsewhere,
    OtherBody,
    LongerLife,
    OtherAddress,
    NoAddress,
    StepBefore,
    Logout,
    NewPassword,
    Seconds(u8),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        5 => Just(Move::Again),
        2 => Just(Move::AgainElsewhere),
        2 => Just(Move::OtherBody),
        1 => Just(Move::LongerLife),
        1 => Just(Move::OtherAddress),
        1 => Just(Move::NoAddress),
        2 => Just(Move::StepBefore),
        1 => Just(Move::Logout),
        1 => Just(Move::NewPassword),
        3 => (1..20_u8).prop_map(Move::Seconds),
    ];
    prop::collection::vec(one, 4..16)
}

/// What began with a step.
struct Begun {
    api_key: String,
    token: String,
    expires_at: Timestamp,
    at: Timestamp,
    request: Vec<u8>,
    over: bool,
}

struct Run<'a> {
    core: &'a TestCore,
    other: &'a Core,
    begun: HashMap<i64, Begun>,
    newest: i64,
    repeats: usize,
}

impl Run<'_> {
    async fn sign_in(&mut self, node: &Core, meta: RequestMeta, request: SamSignIn, step: i64) {
        let (bytes, now) = (request.request.clone(), self.core.now());
        let usual = meta.source == self.core.meta().source;
        let Ok(session) = node.sam_sign_in(&meta, request).await.unwrap() else { return };
        let (api_key, token) = (session.api_key.expose().to_owned(), session.token.expose().to_owned());
        if let Some(before) = self.begun.get(&step) {
            assert_eq!(
                (&before.api_key, &before.token, before.expires_at),
                (&api_key, &token, session.expires_at),
                "two sessions of one step"
            );
            assert!(!before.over && usual && before.request == bytes, "that was no repeat");
            assert!(now.since(before.at) <= Duration::from_secs(30), "too late for a repeat");
            self.repeats += 1;
        } else {
            assert!(step > self.newest, "a step that is older than one that was used");
            self.newest = step;
            let begun = Begun { api_key, token, expires_at: session.expires_at, at: now, request: bytes, over: false };
            self.begun.insert(step, begun);
        }
    }

    async fn go(&mut self, moves: &[Move]) {
        for &one in moves {
            let (core, other) = (self.core, self.other);
            let step = otp::step_at(core.now());
            let offset = if one == Move::StepBefore { -1 } else { 0 };
            let code = code_of(core, "bob", offset).await;
            let shown = || user_shown(core, "bob", RIGHT);
            let meta = core.meta();
            let plain = || wanted(shown(), Some(&code));
            match one {
                Move::Again | Move::StepBefore => self.sign_in(core, meta, plain(), step + offset).await,
                Move::AgainElsewhere => self.sign_in(other, meta, plain(), step).await,
                Move::OtherBody => {
                    let request = [b" ".as_slice(), &plain().request].concat();
                    self.sign_in(core, meta, SamSignIn { request, ..plain() }, step).await;
                }
                Move::LongerLife => {
                    let request = [b"longer ".as_slice(), &plain().request].concat();
                    let lifetime = Some(Duration::from_hours(48));
                    self.sign_in(core, meta, SamSignIn { lifetime, request, ..plain() }, step).await;
                }
                Move::OtherAddress => {
                    let meta = RequestMeta { source: Some([198, 51, 100, 1].into()), ..meta };
                    self.sign_in(core, meta, plain(), step).await;
                }
                Move::NoAddress => self.sign_in(core, RequestMeta { source: None, ..meta }, plain(), step).await,
                Move::Logout => {
                    let Some(newest) = self.begun.get_mut(&self.newest).filter(|begun| !begun.over) else { continue };
                    newest.over = true;
                    let pair = (newest.api_key.clone(), newest.token.clone());
                    let caller = super::sam::caller_of(core, &pair.0, &pair.1).await.unwrap();
                    core.perform(&caller, &SignOut).await.unwrap();
                }
                Move::NewPassword => {
                    for password in ["battery staple", RIGHT] {
                        update_login_profile(core, &alice(core).await, change("bob", Some(password))).await.unwrap();
                    }
                    self.begun.values_mut().for_each(|begun| begun.over = true);
                }
                Move::Seconds(seconds) => core.clock.advance(Duration::from_secs(seconds.into())),
            }
        }
        // Only what is not over is alive.
        for begun in self.begun.values() {
            let alive = super::sam::caller_of(self.core, &begun.api_key, &begun.token).await.is_ok();
            assert_eq!(alive, !begun.over);
        }
    }
}

#[test]
fn no_order_of_repeats_makes_two_sessions_of_one_step_or_a_longer_life() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let nodes = runtime.block_on(async {
        let mut nodes = Vec::new();
        for core in TestCore::each().await.unwrap() {
            create(&core, "bob", RIGHT).await.unwrap();
            give_factor(&core, "bob").await;
            let other = TestCore::node(&core.store, Arc::clone(&core.clock), 9, Limits::default()).await.unwrap();
            nodes.push((core, other));
        }
        nodes
    });
    let repeats = std::cell::Cell::new(0);
    proptest!(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() }, |(moves in moves())| {
        for (core, other) in &nodes {
            runtime.block_on(async {
                core.clock.advance(20 * MINUTE);
                let newest = otp::step_at(core.now()) - 2;
                let mut run = Run { core, other, begun: HashMap::new(), newest, repeats: 0 };
                run.go(&moves).await;
                repeats.set(repeats.get() + run.repeats);
            });
        }
    });
    assert!(repeats.get() > 0, "nothing was ever repeated");
}

#[tokio::test]
async fn a_backup_code_is_no_one_time_code() {
    let core = TestCore::new().await.unwrap();
    let (_, owner) = super::sam::owner(&core).await;
    core.perform(&owner, &EnableFactor { of: Holder::Owner }).await.unwrap();
    let code = super::sign_in::codes(&core, "root-1000000000000001", 0).await.1;
    let backup = core.perform(&owner, &VerifyFactor { of: Holder::Owner, code }).await.unwrap();
    let refused = super::sam::owner_again(&core, "owner horse", Some(backup[0].expose())).await.unwrap();
    assert_eq!(refused.unwrap_err(), Refusal::Code);
    core.clock.advance(MINUTE);
    let code = super::sign_in::codes(&core, "root-1000000000000001", 0).await.1;
    let session = super::sam::owner_again(&core, "owner horse", Some(code.digits())).await.unwrap().unwrap();
    assert!(caller(&core, &session).await.unwrap().second_factor());
}
