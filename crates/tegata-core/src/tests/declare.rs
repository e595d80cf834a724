//! A directory as one declaration: what is planned, what is refused, and that it is done at once or not at all.

use std::time::Instant;

use proptest::prelude::*;
use serde_json::{Value, json};
use tegata_store::audit::{self, Filter};

use crate::{
    Caller, Holding, OpError, Operation, Quota,
    directory::*,
    testing::{TestCore, UPLOADER},
};

fn declaration(value: &Value) -> Declaration {
    Declaration::read(value).unwrap()
}

fn apply(value: &Value) -> ApplyDirectory {
    ApplyDirectory { declaration: declaration(value), prune: false, plan: None, even_if_nobody_can_administer: false }
}

async fn plan(core: &TestCore, value: &Value, prune: bool) -> Result<Plan, OpError> {
    core.perform(&core.user("alice").await.unwrap(), &PlanDirectory { declaration: declaration(value), prune }).await
}

async fn ask<O: Operation>(core: &TestCore, operation: O) -> Result<O::Output, OpError> {
    core.perform(&core.user("alice").await.unwrap(), &operation).await
}

fn texts(plan: &Plan) -> Vec<String> {
    plan.effects().into_iter().chain(plan.steps()).map(|line| line.text).chain(plan.notes.clone()).collect()
}

async fn rows(core: &TestCore) -> usize {
    audit::tail(&core.store, Filter { account: Some(core.acme.account), ..Filter::default() }, 10_000).await.unwrap().len()
}

fn trusting(who: &[&str]) -> Value {
    let who: Vec<String> = who.iter().map(|who| format!("acs:ram::1000000000000001:{who}")).collect();
    json!({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": who}}]})
}

fn allowing(action: &str) -> Value {
    json!({"Version": "1", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
}

/// A bit of everything: made, changed, given, taken, deleted.
fn much() -> Value {
    json!({
        "version": 1,
        "users": {
            "carol": {"display_name": "Carol", "email": "carol@example.test", "policies": ["deploy"]},
            "bob": {"policies": []},
            "alice": {"comments": "on call"},
        },
        "groups": {"admins": {"members": ["bob", "carol"], "policies": ["system:AdministratorAccess"]}},
        "roles": {
            "app-uploader": {"trust": trusting(&["user/appserver", "user/carol"])},
            "deployer": {"description": "deploys", "max_session_seconds": 7200, "trust": trusting(&["user/carol", "role/app-uploader"]), "policies": ["deploy"]},
        },
        "policies": {
            "deploy": {"description": "what deploying needs", "document": allowing("oss:PutObject")},
            "uploader": {"document": {"Version": "1", "Statement": [
                {"Effect": "Allow", "Action": ["oss:PutObject"], "Resource": "acs:oss:*:*:photos/*"},
                {"Effect": "Allow", "Action": "oss:ListObjects", "Resource": "acs:oss:*:*:photos"},
            ]}},
        },
        "removed": {"users_with_keys": ["dan"]},
    })
}

#[tokio::test]
async fn a_plan_says_in_words_what_it_does_and_is_done_once() {
    for core in TestCore::each().await.unwrap() {
        let planned = plan(&core, &much(), false).await.unwrap();
        insta::assert_snapshot!("plan_in_words", texts(&planned).join("\n"));
        assert_eq!(planned.left_alone, Sections { users: 1, groups: 0, roles: 0, policies: 1 });
        assert!(!planned.leaves_nobody);
        let (commits, before) = (core.durable_commits(), rows(&core).await);
        let done = ask(&core, ApplyDirectory { plan: Some(planned.hash.clone()), ..apply(&much()) }).await.unwrap();
        assert_eq!(done, planned);
        assert_eq!((core.durable_commits(), rows(&core).await), (commits + 1, before + 1));
        let row = audit::tail(&core.store, Filter::default(), 1).await.unwrap().remove(0);
        assert_eq!((&*row.action, row.resource.as_str()), ("tegata:ApplyDirectory", "acs:ram::1000000000000001:*"));
        assert!(
            row.detail.contains("carol gains deploy") && row.detail.contains("user dan is deleted, with 1 access key"),
            "{}",
            row.detail
        );

        // The second time there is nothing to do: no commit, no row, and the plan says so.
        let again = ask(&core, apply(&much())).await.unwrap();
        assert!(again.is_empty() && again.shifts.is_empty(), "{again:?}");
        assert_eq!((core.durable_commits(), rows(&core).await), (commits + 1, before + 1));

        // It acts at the next request, and what it bound are ids.
        let carol = ask(&core, CreateAccessKey { user: Some("carol".parse().unwrap()) }).await.unwrap();
        let carol = crate::testing::TestKey { key_id: carol.key.key_id, secret: carol.secret, token: None };
        for role in ["app-uploader", "deployer"] {
            let carol: Caller = core.caller(&carol).await.unwrap();
            core.perform(&carol, &super::assume(role)).await.unwrap();
        }
        assert!(core.user("dan").await.is_err());
        super::denied(core.perform(&core.user("bob").await.unwrap(), &super::assume("app-uploader")).await.unwrap_err());
    }
}

#[tokio::test]
async fn what_is_exported_changes_nothing() {
    for core in TestCore::each().await.unwrap() {
        let before = ask(&core, ExportDirectory).await.unwrap();
        let planned = plan(&core, &before, true).await.unwrap();
        assert!(planned.is_empty(), "{planned:?}");
        ask(&core, apply(&much())).await.unwrap();
        let after = ask(&core, ExportDirectory).await.unwrap();
        assert!(plan(&core, &after, true).await.unwrap().is_empty());
        // The other way takes everything back but what was deleted with its keys.
        let mut back = apply(&before);
        back.prune = true;
        let done = ask(&core, back).await.unwrap();
        assert!(texts(&done).iter().any(|text| text.starts_with("user carol is deleted")), "{:?}", texts(&done));
        // Texts that are absent stay as they are.
        let mut now = ask(&core, ExportDirectory).await.unwrap();
        assert_eq!(now["users"]["alice"].as_object_mut().unwrap().remove("comments"), Some(json!("on call")));
        assert_eq!(now, before);
    }
}

#[tokio::test]
async fn a_stale_plan_is_refused() {
    for core in TestCore::each().await.unwrap() {
        let seen = plan(&core, &much(), false).await.unwrap();
        // What the plan touches has changed, even though the steps would be the same.
        ask(&core, CreateAccessKey { user: Some("dan".parse().unwrap()) }).await.unwrap();
        let error = ask(&core, ApplyDirectory { plan: Some(seen.hash), ..apply(&much()) }).await.unwrap_err();
        assert_eq!(error.to_string(), "the account has changed since: look at the new plan");
        // What it does not touch may change.
        let seen = plan(&core, &much(), false).await.unwrap();
        let made = CreateGroup { name: "other".parse().unwrap(), comments: None };
        ask(&core, made).await.unwrap();
        ask(&core, ApplyDirectory { plan: Some(seen.hash), ..apply(&much()) }).await.unwrap();
    }
}

#[tokio::test]
async fn every_part_is_asked_for() {
    for core in TestCore::each().await.unwrap() {
        // dan may do everything that much() does, but for one thing at a time.
        let everything = allowing("ram:*");
        for (missing, resource) in [
            ("ram:CreateUser", "*"),
            ("ram:UpdateUser", "*"),
            ("ram:DeleteUser", "*"),
            ("ram:DeleteAccessKey", "*"),
            ("ram:AttachPolicyToUser", "acs:ram:*:*:policy/deploy"),
            ("ram:AttachPolicyToUser", "acs:ram:*:*:user/carol"),
            ("ram:AttachPolicyToGroup", "acs:ram:*:system:policy/AdministratorAccess"),
            ("ram:AttachPolicyToRole", "*"),
            ("ram:DetachPolicyFromUser", "*"),
            ("ram:AddUserToGroup", "acs:ram:*:*:user/bob"),
            ("ram:CreateGroup", "*"),
            ("ram:CreateRole", "*"),
            ("ram:UpdateRole", "*"),
            ("ram:CreatePolicy", "*"),
            ("ram:CreatePolicyVersion", "*"),
            ("ram:ListUsers", "*"),
            ("ram:GetRole", "*"),
            ("ram:GetUser", "acs:ram:*:*:user/alice"),
            ("tegata:ApplyDirectory", "*"),
        ] {
            let mut document = everything.clone();
            let deny = json!({"Effect": "Deny", "Action": missing, "Resource": resource});
            document["Statement"].as_array_mut().unwrap().push(deny);
            let give = json!({"version": 1, "users": {"bob": {"policies": ["nearly"]}}, "policies": {"nearly": {"document": document}}});
            ask(&core, apply(&give)).await.unwrap();
            let mut removing = much();
            removing["removed"] = json!({"users_with_keys": ["dan"]});
            let before = ask(&core, ExportDirectory).await.unwrap();
            let error = core.perform(&core.user("bob").await.unwrap(), &apply(&removing)).await.unwrap_err();
            let OpError::Denied(denial) = &error else { panic!("{missing} on {resource}: {error:?}") };
            assert_eq!(denial.action, missing);
            assert_eq!(ask(&core, ExportDirectory).await.unwrap(), before);
        }
        // Reading is enough for a plan, and for no more.
        let read = json!({"version": 1, "users": {"bob": {"policies": ["system:ReadOnlyAccess"]}}});
        ask(&core, apply(&read)).await.unwrap();
        let bob = core.user("bob").await.unwrap();
        core.perform(&bob, &PlanDirectory { declaration: declaration(&much()), prune: false }).await.unwrap();
        super::denied(core.perform(&bob, &apply(&much())).await.unwrap_err());
        // Nobody reaches another account by it.
        super::denied(core.perform(&core.user("dan").await.unwrap(), &ExportDirectory).await.unwrap_err());
        let mallory = core.user("mallory").await.unwrap();
        assert_eq!(core.perform(&mallory, &ExportDirectory).await.unwrap()["roles"], json!({}));
    }
}

#[tokio::test]
async fn conditions_see_what_a_thing_carries() {
    for core in TestCore::each().await.unwrap() {
        let guarded = json!({"Version": "1", "Statement": [
            {"Effect": "Allow", "Action": "ram:*", "Resource": "*"},
            {"Effect": "Deny", "Action": "ram:*", "Resource": "*", "Condition": {"StringEquals": {"acs:ResourceTag/guard": "yes"}}},
        ]});
        let give = json!({"version": 1, "users": {"bob": {"policies": ["nearly"]}}, "policies": {"nearly": {"document": guarded}}});
        ask(&core, apply(&give)).await.unwrap();
        let bob = async || core.user("bob").await.unwrap();
        let describe = |text: &str| apply(&json!({"version": 1, "policies": {"uploader": {"description": text}}}));
        let done = core.perform(&bob().await, &describe("what uploading needs")).await.unwrap();
        assert_eq!(texts(&done), ["policy uploader: description `what uploading needs`"]);
        assert!(core.perform(&bob().await, &describe("what uploading needs")).await.unwrap().is_empty());
        for name in [Taggable::Policy("uploader".parse().unwrap()), Taggable::Role("app-uploader".parse().unwrap())] {
            let tag = Tag { key: "guard".parse().unwrap(), value: "yes".parse().unwrap() };
            ask(&core, TagResources { names: vec![name.clone()], tags: vec![tag] }).await.unwrap();
            let refused = super::denied(core.perform(&bob().await, &describe("")).await.unwrap_err());
            assert!(refused.resource.ends_with("uploader"), "{refused:?}");
            ask(&core, UntagResources { names: vec![name], keys: None }).await.unwrap();
        }
        core.perform(&bob().await, &describe("")).await.unwrap();
    }
}

#[tokio::test]
async fn what_single_operations_refuse_is_refused() {
    for core in TestCore::each().await.unwrap() {
        let refused = async |value: Value, prune: bool| ask(&core, ApplyDirectory { prune, ..apply(&value) }).await.unwrap_err();
        let wrong = async |value: Value| refused(value, false).await.to_string();
        let user = |policies: Value| json!({"version": 1, "users": {"dan": {"policies": policies}}});
        assert_eq!(
            wrong(user(json!(["ghost"]))).await,
            "`users.dan.policies`: policy `ghost` does not exist, or is deleted by this declaration"
        );
        assert_eq!(
            wrong(user(json!(["system:Ghost"]))).await,
            "`users.dan.policies`: policy `system:Ghost` does not exist, or is deleted by this declaration"
        );
        let group = json!({"version": 1, "groups": {"g": {"members": ["ghost"]}}});
        assert_eq!(wrong(group).await, "`groups.g.members`: user `ghost` does not exist, or is deleted by this declaration");
        let role = |trust: Value| json!({"version": 1, "roles": {"r": {"trust": trust}}, "removed": {"users_with_keys": ["dan"]}});
        assert_eq!(
            wrong(role(trusting(&["user/ghost"]))).await,
            "`roles.r.trust`: `Principal` names `acs:ram::1000000000000001:user/ghost`, who does not exist"
        );
        assert!(wrong(role(trusting(&["user/dan"]))).await.contains("user/dan`, who does not exist"));
        assert!(wrong(role(allowing("*"))).await.starts_with("`roles.r.trust`: "));
        let long = json!({"version": 1, "roles": {"r": {"trust": trusting(&["root"]), "max_session_seconds": 60}}});
        assert_eq!(wrong(long).await, "`roles.r`: the longest session of a role is 3600 to 43200 seconds");
        let policy = json!({"version": 1, "policies": {"p": {"document": {"Version": "1", "Statement": [{"Efect": "Allow"}]}}}});
        assert_eq!(wrong(policy).await, "`policies.p.document`: `Statement[1].Efect`: not part of the language; did you mean `Effect`?");
        assert_eq!(wrong(json!({"version": 1, "policies": {"p": {}}})).await, "`policies.p`: a new policy needs a `document`");

        // A user with keys goes only where the declaration says so; a policy that nobody mentioned is not taken from anybody.
        let error = refused(json!({"version": 1, "removed": {"users": ["dan"]}}), false).await;
        assert!(matches!(error, OpError::InUse(_, Holding::AccessKeys)), "{error:?}");
        let error = refused(json!({"version": 1, "users": {"alice": {}, "bob": {}, "appserver": {}}}), true).await;
        assert!(matches!(error, OpError::InUse(_, Holding::AccessKeys)), "{error:?}");
        let error = refused(json!({"version": 1, "policies": {"assume-uploader": {}}}), true).await;
        assert!(matches!(error, OpError::InUse(_, Holding::Roles)), "{error:?}");
        let taken = plan(&core, &json!({"version": 1, "removed": {"policies": ["uploader"]}}), false).await.unwrap();
        assert_eq!(
            texts(&taken),
            ["role app-uploader loses uploader", "policy uploader is deleted", "policy uploader is detached from role app-uploader"]
        );

        // What somebody signs in with is not in a declaration, and so does not go with it.
        let password = std::sync::Arc::new(tegata_model::SecretKey::new("correct horse battery staple".to_owned()));
        let user = "dan".parse().unwrap();
        let status = tegata_model::Status::Active;
        let profile = NewLoginProfile { user, password: Some(password), reset_required: false, mfa_required: false, status };
        create_login_profile(&core, &core.user("alice").await.unwrap(), profile).await.unwrap();
        let error = refused(json!({"version": 1, "removed": {"users_with_keys": ["dan"]}}), false).await;
        assert!(matches!(error, OpError::InUse(_, Holding::LoginProfile)), "{error:?}");
        let leaving = DeleteLoginProfile { user: "dan".parse().unwrap() };
        ask(&core, leaving).await.unwrap();

        let groups: serde_json::Map<String, Value> = (0..6).map(|n| (format!("g{n}"), json!({"members": ["dan"]}))).collect();
        let error = refused(json!({"version": 1, "groups": groups}), false).await;
        assert!(matches!(error, OpError::LimitExceeded(Quota::GroupsPerUser, 5)), "{error:?}");
        let many: serde_json::Map<String, Value> = (0..51).map(|n| (format!("g{n}"), json!({}))).collect();
        let error = refused(json!({"version": 1, "groups": many}), false).await;
        assert!(matches!(error, OpError::LimitExceeded(Quota::Groups, 50)), "{error:?}");
        let policies: serde_json::Map<String, Value> = (0..11).map(|n| (format!("p{n}"), json!({"document": allowing("oss:*")}))).collect();
        let held: Vec<String> = policies.keys().cloned().collect();
        let error = refused(json!({"version": 1, "users": {"dan": {"policies": held}}, "policies": policies}), false).await;
        assert!(matches!(error, OpError::LimitExceeded(Quota::PoliciesPerUser, 10)), "{error:?}");
        // System policies belong to nobody's account: one of that name is another one.
        let own = json!({"version": 1, "policies": {"AdministratorAccess": {"document": allowing("oss:*")}}});
        let planned = plan(&core, &own, false).await.unwrap();
        assert_eq!(texts(&planned), ["policy AdministratorAccess is made"]);
    }
}

#[tokio::test]
async fn nobody_left_is_said_twice() {
    for core in TestCore::each().await.unwrap() {
        let locked_out = json!({"version": 1, "users": {"alice": {"policies": []}}});
        assert!(plan(&core, &locked_out, false).await.unwrap().leaves_nobody);
        let error = ask(&core, apply(&locked_out)).await.unwrap_err();
        assert_eq!(error.to_string(), "no user could administer the account any more, only its owner could; say it twice if that is meant");
        // By a group it is enough, and by a policy that is as good; not by one that allows half of it.
        for (document, leaves_nobody) in [(allowing("*"), false), (allowing("ram:*"), false), (allowing("ram:Attach*"), true)] {
            let other = json!({"version": 1, "users": {"alice": {"policies": []}}, "groups": {"a": {"members": ["dan"], "policies": ["p"]}},
                "policies": {"p": {"document": document}}});
            assert_eq!(plan(&core, &other, false).await.unwrap().leaves_nobody, leaves_nobody, "{document}");
        }
        let said_twice = ApplyDirectory { even_if_nobody_can_administer: true, ..apply(&locked_out) };
        ask(&core, said_twice).await.unwrap();
        // Where nobody could before, nothing is lost: the owner goes on.
        let root = core.user("root").await.unwrap();
        core.perform(&root, &apply(&json!({"version": 1, "users": {"eve": {}}}))).await.unwrap();
    }
}

#[tokio::test]
async fn a_name_that_passed_on_is_not_trusted_by_the_way() {
    for core in TestCore::each().await.unwrap() {
        let gone = json!({"version": 1, "removed": {"users_with_keys": ["bob"]}});
        let told = texts(&ask(&core, apply(&gone)).await.unwrap());
        assert!(told.iter().any(|text| text.starts_with("role app-uploader still names user bob, who is deleted")), "{told:?}");
        // Made again under the old name, and written down as ever: the role does not mean this one, and that is said.
        let again = json!({"version": 1, "users": {"bob": {"policies": ["assume-uploader"]}}});
        ask(&core, apply(&again)).await.unwrap();
        let exported = ask(&core, ExportDirectory).await.unwrap();
        let planned = plan(&core, &exported, true).await.unwrap();
        assert!(planned.is_empty());
        assert!(planned.notes[0].starts_with("role app-uploader names user bob, but means one of that name who is gone"), "{planned:?}");
        let key = ask(&core, CreateAccessKey { user: Some("bob".parse().unwrap()) }).await.unwrap();
        let bob = crate::testing::TestKey { key_id: key.key.key_id, secret: key.secret, token: None };
        super::denied(core.perform(&core.caller(&bob).await.unwrap(), &super::assume("app-uploader")).await.unwrap_err());
    }
}

#[tokio::test]
async fn at_the_same_time_one_of_them_does_it() {
    for core in TestCore::each().await.unwrap() {
        let (value, commits) = (much(), core.durable_commits());
        let (first, second) = tokio::join!(ask(&core, apply(&value)), ask(&core, apply(&value)));
        let mut done = [first.unwrap().changes.len(), second.unwrap().changes.len()];
        done.sort_unstable();
        assert!(done[0] == 0 && done[1] > 0, "{done:?}");
        assert_eq!(core.durable_commits(), commits + 1);
    }
}

#[tokio::test]
async fn versions_rotate_as_they_do_singly() {
    for core in TestCore::each().await.unwrap() {
        for n in 0..7 {
            let value = json!({"version": 1, "policies": {"uploader": {"document": allowing(&format!("oss:Get{n}"))}}});
            let done = ask(&core, apply(&value)).await.unwrap();
            assert_eq!(texts(&done)[0].contains("makes room"), n >= 4, "{:?}", texts(&done));
        }
        let policy = PolicyRef { kind: PolicyType::Custom, name: "uploader".parse().unwrap() };
        let versions = ask(&core, ListPolicyVersions { policy }).await.unwrap();
        let numbers: Vec<(u32, bool)> = versions.iter().map(|version| (version.version, version.is_default)).collect();
        assert_eq!(numbers, [(4, false), (5, false), (6, false), (7, false), (8, true)]);
        // The same statements written differently are the same.
        let same = json!({"version": 1, "policies": {"assume-uploader": {"document": crate::testing::ASSUME_UPLOADER}}});
        assert!(plan(&core, &same, false).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_thousand_users_twice() {
    for core in TestCore::each().await.unwrap() {
        let users: serde_json::Map<String, Value> = (0..996)
            .map(|n| {
                (format!("user-{n:04}"), json!({"email": format!("u{n}@example.test"), "policies": ["system:AliyunOSSReadOnlyAccess"]}))
            })
            .collect();
        let members: Vec<String> = users.keys().cloned().collect();
        let value = json!({"version": 1, "users": users, "groups": {"staff": {"members": members, "policies": ["system:ReadOnlyAccess"]}},
            "policies": {"p": {"document": UPLOADER}}});
        let value = declaration(&value);
        let commits = core.durable_commits();
        let began = Instant::now();
        let done = ask(&core, ApplyDirectory { declaration: value.clone(), ..apply(&json!({"version": 1})) }).await.unwrap();
        let first = began.elapsed();
        assert_eq!(done.summary(), "998 made, 1993 given");
        assert_eq!(core.durable_commits(), commits + 1);
        let began = Instant::now();
        let again = ask(&core, ApplyDirectory { declaration: value, ..apply(&json!({"version": 1})) }).await.unwrap();
        assert!(again.is_empty());
        assert_eq!(core.durable_commits(), commits + 1);
        println!("a thousand users: {first:?}, again {:?}", began.elapsed());
    }
}

#[test]
fn an_unreadable_declaration_says_where() {
    let told = |value: Value| Declaration::read(&value).unwrap_err().problems;
    assert_eq!(told(json!({"users": {}})), ["`version`: is missing; write `version = 1`"]);
    assert_eq!(
        told(json!({"version": 2, "user": {}, "groups": {"g": {"membres": []}}, "users": {"a b": {}, "bob": {"policies": ["x/y"]}}})),
        [
            "`user`: is not known here; did you mean `users`?",
            "`version`: the only version is 1",
            "`users.a b`: a user name must be 1 to 64 letters, digits and `.`, `-`, `_`",
            "`users.bob.policies[1]`: a policy name must be 1 to 128 letters, digits and `-`",
            "`groups.g.membres`: is not known here; did you mean `members`?",
        ]
    );
    assert_eq!(
        told(json!({"version": 1, "users": {"Bob": {}, "bob": {}}, "removed": {"users": ["bob"]}})),
        ["`users.bob`: is there twice; names are compared without case", "`removed.users`: `bob` is declared and removed at once"]
    );
}

/// A small directory, one bit for each thing that may be there or not. Whoever asks stays.
fn directory(bits: u64) -> Value {
    let mut at = 0;
    let mut bit = move || {
        at += 1;
        bits >> at & 1 == 1
    };
    let mut policies = serde_json::Map::new();
    for name in ["pa", "pb"] {
        let action = if bit() { "oss:Get*" } else { "oss:Put*" };
        if bit() {
            policies.insert(name.to_owned(), json!({"document": allowing(action)}));
        }
    }
    let there: Vec<String> = policies.keys().cloned().chain(["system:ReadOnlyAccess".to_owned()]).collect();
    let mut users = serde_json::Map::new();
    users.insert("mallory".to_owned(), json!({"policies": ["system:AdministratorAccess"]}));
    for name in ["ua", "ub", "Uc"] {
        let held: Vec<&String> = there.iter().filter(|_| bit()).collect();
        if bit() {
            users.insert(name.to_owned(), json!({"policies": held, "comments": if bit() { "x" } else { "" }}));
        }
    }
    let everybody: Vec<String> = users.keys().cloned().collect();
    let (mut groups, mut roles) = (serde_json::Map::new(), serde_json::Map::new());
    for name in ["ga", "gb"] {
        let members: Vec<&String> = everybody.iter().filter(|_| bit()).collect();
        let held: Vec<&String> = there.iter().filter(|_| bit()).collect();
        if bit() {
            groups.insert(name.to_owned(), json!({"members": members, "policies": held}));
        }
    }
    for name in ["ra", "rb"] {
        let mut trusted: Vec<String> =
            everybody.iter().filter(|_| bit()).map(|user| format!("acs:ram::1000000000000002:user/{user}")).collect();
        trusted.push("acs:ram::1000000000000002:root".to_owned());
        let trust = json!({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": trusted}}]});
        let seconds = if bit() { 3600 } else { 7200 };
        if bit() {
            roles.insert(name.to_owned(), json!({"trust": trust, "max_session_seconds": seconds, "policies": []}));
        }
    }
    json!({"version": 1, "users": users, "groups": groups, "roles": roles, "policies": policies})
}

#[test]
fn whatever_is_applied_is_there_and_exported_and_nothing_more() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cores = runtime.block_on(TestCore::each()).unwrap();
    proptest!(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() }, |(bits: u64)| {
        for core in &cores {
            runtime.block_on(async {
                let wanted = declaration(&directory(bits));
                let mallory = async || core.user("mallory").await.unwrap();
                let plan = PlanDirectory { declaration: wanted.clone(), prune: true };
                let planned = core.perform(&mallory().await, &plan).await.unwrap();
                let commits = core.durable_commits();
                let apply = ApplyDirectory { declaration: wanted, prune: true, plan: Some(planned.hash), even_if_nobody_can_administer: false };
                core.perform(&mallory().await, &apply).await.unwrap();
                assert_eq!(core.durable_commits() - commits, u64::from(!planned.changes.is_empty()));
                assert!(core.perform(&mallory().await, &plan).await.unwrap().is_empty());
                let exported = core.perform(&mallory().await, &ExportDirectory).await.unwrap();
                let again = PlanDirectory { declaration: declaration(&exported), prune: true };
                assert!(core.perform(&mallory().await, &again).await.unwrap().is_empty());
            });
        }
    });
}
