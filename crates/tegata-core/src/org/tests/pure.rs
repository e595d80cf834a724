//! The vectors through the pure function: everything that is no secret and no list.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{cases, dropped, kind, requested, roles, scope, services};
use crate::org::{Actor, AppScope, Refusal, Roles, Services, profile};

fn actor(case: &Value, given: &Value) -> Actor {
    let all = roles(given);
    // Roles of the provider reach a customer from above.
    let (above, here) = all.org_roles.into_iter().partition(|role| case["profile"] == "cpn-customer" && role.starts_with("provider_"));
    let assigned = given["assigned_customers"].as_array().is_some_and(|ids| ids.contains(&case["org"]["id"]));
    Actor { here: Roles { org_roles: here, services: all.services }, above, assigned, ..Actor::default() }
}

struct World {
    actors: BTreeMap<String, Actor>,
    offered: BTreeMap<String, std::collections::BTreeSet<String>>,
    app: Option<AppScope>,
    foreign: bool,
    instance: Option<Roles>,
}

fn run(case: &Value) {
    let profile = profile(kind(case));
    let catalogue = Services::sample();
    let mut world = World {
        actors: case["actors"].as_object().unwrap().iter().map(|(name, given)| (name.clone(), actor(case, given))).collect(),
        offered: services(&case["org"]["services"]),
        app: case.get("app").map(scope),
        foreign: case.get("app").is_some_and(|app| app["owner_org"] != case["org"]["id"]),
        instance: None,
    };
    for (at, step) in case["steps"].as_array().unwrap().iter().enumerate() {
        let place = format!("{} {} step {at}", case["id"], case["title"]);
        let by = step["actor"].as_str().map(|name| world.actors[name].clone()).unwrap_or_default();
        let defined = |scope: &AppScope| {
            let handout = by.handout(profile)?;
            scope.check(profile, &catalogue)?;
            handout.judge(scope, &catalogue)
        };
        let outcome: Result<String, Refusal> = match step["op"].as_str().unwrap() {
            "create" | "update_scope" => {
                let scope = scope(&step["scope"]);
                defined(&scope).map(|()| {
                    world.app = Some(scope);
                    "ok".to_owned()
                })
            }
            "add" => by.handout(profile).and_then(|handout| {
                let app = world.app.as_ref().ok_or_else(|| Refusal::AppNotFound("x".to_owned()))?;
                if world.foreign {
                    return Err(Refusal::ForeignApp("x".to_owned()));
                }
                if world.instance.is_some() {
                    return Err(Refusal::AlreadyAdded("x".to_owned()));
                }
                let got = app.effective(profile, &requested(step), &world.offered, &handout)?;
                let expected = roles(&step["expect"]["effective"]);
                assert_eq!(got.roles, expected, "{place}");
                let mut words: Vec<String> = got.dropped.iter().map(ToString::to_string).collect();
                words.sort();
                assert_eq!(words, dropped(step), "{place}");
                world.instance = Some(got.roles);
                Ok("ok".to_owned())
            }),
            "remove" => {
                world.instance = None;
                Ok("ok".to_owned())
            }
            "delete" => {
                (world.app, world.instance) = (None, None);
                Ok("ok".to_owned())
            }
            "set_org_services" => {
                world.offered = services(&step["services"]);
                continue;
            }
            "set_actor_roles" => {
                world.actors.insert(step["actor"].as_str().unwrap().to_owned(), actor(case, step));
                continue;
            }
            "token" if step["expect"].get("granted").is_some() && step.get("request_scope").is_none() => {
                let has = world.instance.clone().unwrap().offered_by(&world.offered);
                assert_eq!(has, roles(&step["expect"]["granted"]), "{place}");
                continue;
            }
            _ => continue,
        };
        match (outcome, step["expect"]["refused"].as_str()) {
            (Ok(_), None) => {}
            (Err(refusal), Some(word)) => assert_eq!(refusal.word(), word, "{place}"),
            (got, expected) => panic!("{place}: got {got:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn every_vector_holds() {
    for case in cases() {
        run(&case);
    }
}

#[test]
fn scopes_read_as_they_are_written() {
    for case in cases() {
        for step in case["steps"].as_array().unwrap().iter().filter(|step| step.get("scope").is_some()) {
            let scope = scope(&step["scope"]);
            let empty = scope.services.values().any(|wanted| matches!(wanted, crate::org::Wanted::These(roles) if roles.is_empty()));
            assert!(empty || AppScope::of_words(&scope.to_words()) == scope, "{scope:?}");
        }
    }
    let bare = Roles::of_words("csp:org_member external/a/b x external/a/c csp:developer".split(' '));
    assert_eq!(bare.words(), ["csp:developer", "csp:org_member", "external/a/b", "external/a/c"]);
}
