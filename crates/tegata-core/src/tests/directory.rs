//! Administering an account: what each operation refuses, and that what it changes acts at the next request.

use tegata_model::{AccessKeyId, PolicyName, RoleName, Status, UserName};
use tegata_store::audit::{self, Filter};

use super::{assume, denied, unauthenticated};
use crate::{
    Caller, Holding, Input, OpError, Operation, ProblemKind, Quota, ResourceName,
    directory::*,
    object::ListBuckets,
    sts::GetCallerIdentity,
    testing::{TestCore, TestKey, UPLOADER, UPLOADER_TRUST},
};

async fn alice(core: &TestCore) -> Caller {
    core.user("alice").await.unwrap()
}

/// What alice, who may do everything, is answered.
async fn ask<O: Operation>(core: &TestCore, operation: O) -> Result<O::Output, OpError> {
    core.perform(&alice(core).await, &operation).await
}

fn code<T: std::fmt::Debug>(result: Result<T, OpError>) -> String {
    match result.unwrap_err() {
        OpError::NotFound(resource) => format!("absent {resource}"),
        OpError::Exists(resource) => format!("exists {resource}"),
        OpError::InUse(_, holding) => format!("in use {holding:?}"),
        OpError::LimitExceeded(quota, limit) => format!("limit {quota:?} {limit}"),
        OpError::Invalid(problem) => format!("invalid {:?} {:?}", problem.input, problem.kind),
        OpError::Denied(denial) => format!("denied {}", denial.resource),
        other => panic!("{other:?}"),
    }
}

fn user(name: &str) -> CreateUser {
    CreateUser { name: name.parse().unwrap(), display_name: None, email: None, phone: None, comments: None }
}

fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

fn custom(text: &str) -> PolicyRef {
    PolicyRef { kind: PolicyType::Custom, name: text.parse().unwrap() }
}

fn system(text: &str) -> PolicyRef {
    PolicyRef { kind: PolicyType::System, name: text.parse().unwrap() }
}

fn allow(action: &str, resource: &str) -> String {
    format!(r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}]}}"#)
}

fn trusting(who: &str) -> String {
    format!(r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"RAM":["{who}"]}}}}]}}"#)
}

async fn new_policy(core: &TestCore, name: &str, document: String) {
    ask(core, CreatePolicy { name: name.parse().unwrap(), document, description: None, tags: vec![] }).await.unwrap();
}

async fn new_key(core: &TestCore, user: &str) -> TestKey {
    let made = ask(core, CreateAccessKey { user: Some(name(user)) }).await.unwrap();
    TestKey { key_id: made.key.key_id, secret: made.secret, token: None }
}

fn switch(user: &str, key_id: &AccessKeyId, status: Status) -> UpdateAccessKey {
    UpdateAccessKey { user: Some(name(user)), key_id: key_id.clone(), status }
}

fn everything() -> Page {
    Page { after: String::new(), limit: 100 }
}

#[tokio::test]
async fn users_are_made_renamed_listed_and_deleted() {
    for core in TestCore::each().await.unwrap() {
        let full = CreateUser {
            display_name: Some("Eve Example".parse().unwrap()),
            email: Some("eve@example.test".parse().unwrap()),
            phone: Some("81-312345678".parse().unwrap()),
            comments: Some("a remark".parse().unwrap()),
            ..user("Eve")
        };
        let eve = ask(&core, full).await.unwrap();
        assert_eq!(ask(&core, DescribeUser { name: name("eve") }).await.unwrap(), eve);
        assert_eq!(code(ask(&core, user("EVE")).await), "exists acs:ram::1000000000000001:user/EVE");
        let rename = |from: &str, to: &str| UpdateUser {
            name: name(from),
            new_name: Some(name(to)),
            display_name: None,
            email: None,
            phone: None,
            comments: None,
        };
        assert_eq!(code(ask(&core, rename("eve", "Bob")).await), "exists acs:ram::1000000000000001:user/Bob");
        core.clock.advance(std::time::Duration::from_secs(5));
        let renamed = ask(&core, rename("eve", "EVA")).await.unwrap();
        assert_eq!((renamed.number, renamed.email.as_str()), (eve.number, "eve@example.test"));
        assert!(renamed.updated_at > eve.updated_at && renamed.created_at == eve.created_at);
        assert_eq!(code(ask(&core, DescribeUser { name: name("eve") }).await), "absent acs:ram::1000000000000001:user/eve");
        assert_eq!(code(ask(&core, DescribeUser { name: name("mallory") }).await), "absent acs:ram::1000000000000001:user/mallory");

        let mut seen = Vec::new();
        let mut page = Page { after: String::new(), limit: 2 };
        loop {
            let listed = ask(&core, ListUsers { page: page.clone() }).await.unwrap();
            seen.extend(listed.items.iter().map(|user| user.name.to_string()));
            let Some(next) = listed.next else { break };
            page.after = next;
        }
        assert_eq!(seen, ["alice", "appserver", "bob", "dan", "EVA"]);

        let key = new_key(&core, "eva").await;
        assert_eq!(code(ask(&core, DeleteUser { name: name("eva") }).await), "in use AccessKeys");
        ask(&core, DeleteAccessKey { user: Some(name("eva")), key_id: key.key_id.clone() }).await.unwrap();
        ask(&core, AttachPolicyToUser { policy: system("ReadOnlyAccess"), to: name("eva") }).await.unwrap();
        assert_eq!(code(ask(&core, DeleteUser { name: name("eva") }).await), "in use Policies");
        ask(&core, DetachPolicyFromUser { policy: system("ReadOnlyAccess"), from: name("eva") }).await.unwrap();
        ask(&core, CreateGroup { name: "staff".parse().unwrap(), comments: None }).await.unwrap();
        ask(&core, AddUserToGroup { user: name("eva"), group: "staff".parse().unwrap() }).await.unwrap();
        assert_eq!(code(ask(&core, DeleteUser { name: name("eva") }).await), "in use Groups");
        ask(&core, RemoveUserFromGroup { user: name("eva"), group: "staff".parse().unwrap() }).await.unwrap();
        ask(&core, DeleteUser { name: name("eva") }).await.unwrap();
        assert_eq!(code(ask(&core, DeleteUser { name: name("eva") }).await), "absent acs:ram::1000000000000001:user/eva");
    }
}

#[tokio::test]
async fn quotas_hold_even_when_everybody_asks_at_once() {
    for core in TestCore::each().await.unwrap() {
        // bob has one key already.
        let make = || async { ask(&core, CreateAccessKey { user: Some(name("bob")) }).await };
        let (one, two, three) = tokio::join!(make(), make(), make());
        let made = [one, two, three].into_iter().flatten().count();
        assert_eq!(made, 1);
        assert_eq!(ask(&core, ListAccessKeys { user: Some(name("bob")) }).await.unwrap().len(), 2);
        let refused = ask(&core, CreateAccessKey { user: Some(name("bob")) }).await;
        assert!(matches!(refused, Err(OpError::LimitExceeded(Quota::KeysPerUser, 2))));

        for n in 0..6 {
            ask(&core, CreateGroup { name: format!("g{n}").parse().unwrap(), comments: None }).await.unwrap();
            let joined = ask(&core, AddUserToGroup { user: name("dan"), group: format!("g{n}").parse().unwrap() }).await;
            assert_eq!(joined.is_ok(), n < 5);
            new_policy(&core, &format!("p{n}"), allow("oss:*", "*")).await;
            let attached = ask(&core, AttachPolicyToGroup { policy: custom(&format!("p{n}")), to: "g0".parse().unwrap() }).await;
            assert_eq!(attached.is_ok(), n < 5);
        }
        // System policies have a limit of their own.
        ask(&core, AttachPolicyToGroup { policy: system("ReadOnlyAccess"), to: "g0".parse().unwrap() }).await.unwrap();
        let again = ask(&core, AddUserToGroup { user: name("dan"), group: "g0".parse().unwrap() }).await;
        assert_eq!(code(again), "exists acs:ram::1000000000000001:group/g0/user/dan");
    }
}

#[tokio::test]
async fn keys_act_at_once_and_the_secret_is_told_once() {
    for core in TestCore::each().await.unwrap() {
        let key = new_key(&core, "bob").await;
        core.perform(&core.caller(&key).await.unwrap(), &GetCallerIdentity).await.unwrap();
        let session: TestKey = core.perform(&core.caller(&key).await.unwrap(), &assume("app-uploader")).await.unwrap().into();
        core.caller(&session).await.unwrap();
        // A caller authenticated before its key is switched off may not go on either.
        let early = core.caller(&key).await.unwrap();
        ask(&core, switch("bob", &key.key_id, Status::Inactive)).await.unwrap();
        assert_eq!(unauthenticated(core.caller(&key).await), "key-inactive");
        assert!(core.caller(&session).await.is_err());
        assert_eq!(unauthenticated(core.perform(&early, &assume("app-uploader")).await), "key-inactive");
        ask(&core, switch("bob", &key.key_id, Status::Active)).await.unwrap();
        core.caller(&key).await.unwrap();
        assert_eq!(unauthenticated(core.caller(&session).await), "session-ended");

        // The key of somebody else is as absent as one that never was.
        let stranger = core.key("mallory").unwrap().key_id;
        for (user, id) in [("dan", &key.key_id), ("bob", &stranger), ("bob", &"LTAInever".parse().unwrap())] {
            assert!(code(ask(&core, switch(user, id, Status::Inactive)).await).starts_with("absent "));
        }
        ask(&core, DeleteAccessKey { user: Some(name("bob")), key_id: key.key_id.clone() }).await.unwrap();
        assert_eq!(unauthenticated(core.caller(&key).await), "unknown-key");

        // Without a name: one's own. A role session has none.
        let own = ask(&core, ListAccessKeys { user: None }).await.unwrap();
        assert_eq!(own.iter().map(|key| key.key_id.as_str()).collect::<Vec<_>>(), ["LTAITESTalice"]);
        let root = core.user("root").await.unwrap();
        assert_eq!(core.perform(&root, &ListAccessKeys { user: None }).await.unwrap().len(), 1);
        let session = core.caller(&super::temporary(&core, "bob", None).await).await.unwrap();
        assert_eq!(code(core.perform(&session, &ListAccessKeys { user: None }).await), "invalid UserName Malformed");

        let rows = audit::tail(&core.store, Filter::default(), 1000).await.unwrap();
        let made = rows.iter().find(|row| row.action.as_ref() == "ram:CreateAccessKey").unwrap();
        assert!(made.detail.contains(key.key_id.as_str()) && !made.detail.contains(key.secret.expose()), "{}", made.detail);
    }
}

#[tokio::test]
async fn nobody_gives_himself_what_he_may_not_give() {
    for core in TestCore::each().await.unwrap() {
        new_policy(&core, "self-service", allow("ram:*", "acs:ram:*:*:user/dan")).await;
        ask(&core, AttachPolicyToUser { policy: custom("self-service"), to: name("dan") }).await.unwrap();
        let dan = || async { core.user("dan").await.unwrap() };
        core.perform(&dan().await, &DescribeUser { name: name("dan") }).await.unwrap();
        for policy in [system("AdministratorAccess"), custom("uploader"), custom("absent")] {
            let shown = policy.name.to_string();
            let asked = core.perform(&dan().await, &AttachPolicyToUser { policy, to: name("dan") }).await;
            assert!(denied(asked.unwrap_err()).resource.ends_with(&format!("policy/{shown}")));
        }
        ask(&core, CreateGroup { name: "admins".parse().unwrap(), comments: None }).await.unwrap();
        let join = AddUserToGroup { user: name("dan"), group: "admins".parse().unwrap() };
        denied(core.perform(&dan().await, &join).await.unwrap_err());
        // And the other way round: the right on a policy is no right on a user.
        new_policy(&core, "policies-only", allow("ram:*", "acs:ram:*:*:policy/*")).await;
        ask(&core, AttachPolicyToUser { policy: custom("policies-only"), to: name("bob") }).await.unwrap();
        let bob = core.user("bob").await.unwrap();
        denied(core.perform(&bob, &AttachPolicyToUser { policy: custom("uploader"), to: name("bob") }).await.unwrap_err());
    }
}

#[tokio::test]
async fn what_is_attached_and_detached_acts_at_the_next_request() {
    for core in TestCore::each().await.unwrap() {
        let list = ListBuckets { prefix: String::new(), after: String::new(), limit: 1 };
        let may = async || core.perform(&core.user("dan").await.unwrap(), &list).await.is_ok();
        assert!(!may().await);
        new_policy(&core, "lister", allow("oss:ListBuckets", "*")).await;
        ask(&core, AttachPolicyToUser { policy: custom("lister"), to: name("dan") }).await.unwrap();
        assert!(may().await);
        assert!(code(ask(&core, AttachPolicyToUser { policy: custom("LISTER"), to: name("dan") }).await).starts_with("exists "));
        // A new version counts once it is the default.
        let version = CreatePolicyVersion {
            name: "lister".parse().unwrap(),
            document: allow("oss:GetObject", "*"),
            set_default: false,
            rotate: false,
        };
        assert_eq!(ask(&core, version.clone()).await.unwrap().version, 2);
        assert!(may().await);
        ask(&core, SetDefaultPolicyVersion { name: "lister".parse().unwrap(), version: 2 }).await.unwrap();
        assert!(!may().await);
        ask(&core, SetDefaultPolicyVersion { name: "lister".parse().unwrap(), version: 1 }).await.unwrap();
        assert!(may().await);
        ask(&core, DetachPolicyFromUser { policy: custom("lister"), from: name("dan") }).await.unwrap();
        assert!(!may().await);
        // By way of a group.
        let group = || "listers".parse().unwrap();
        ask(&core, CreateGroup { name: group(), comments: None }).await.unwrap();
        ask(&core, AddUserToGroup { user: name("dan"), group: group() }).await.unwrap();
        ask(&core, AttachPolicyToGroup { policy: custom("lister"), to: group() }).await.unwrap();
        assert!(may().await);
        let entities = ask(&core, ListEntitiesForPolicy { policy: custom("lister") }).await.unwrap();
        assert_eq!((entities.users.len(), entities.groups.len(), entities.roles.len()), (0, 1, 0));
        assert_eq!(ask(&core, ListGroupsForUser { user: name("dan") }).await.unwrap().len(), 1);
        assert_eq!(ask(&core, ListUsersForGroup { group: group(), page: everything() }).await.unwrap().items.len(), 1);
        assert_eq!(ask(&core, ListPoliciesForGroup { of: group() }).await.unwrap().len(), 1);
        assert_eq!(code(ask(&core, DeleteGroup { name: group() }).await), "in use Users");
        ask(&core, RemoveUserFromGroup { user: name("dan"), group: group() }).await.unwrap();
        assert!(!may().await);
        assert_eq!(code(ask(&core, DeleteGroup { name: group() }).await), "in use Policies");
        assert_eq!(code(ask(&core, DeletePolicy { name: "lister".parse().unwrap(), with_versions: true }).await), "in use AttachedGroups");
        ask(&core, DetachPolicyFromGroup { policy: custom("lister"), from: group() }).await.unwrap();
        ask(&core, DeleteGroup { name: group() }).await.unwrap();
        assert_eq!(code(ask(&core, DeletePolicy { name: "lister".parse().unwrap(), with_versions: false }).await), "in use Versions");
        ask(&core, DeletePolicy { name: "lister".parse().unwrap(), with_versions: true }).await.unwrap();
    }
}

#[tokio::test]
async fn versions_are_numbered_once_and_the_oldest_makes_room() {
    for core in TestCore::each().await.unwrap() {
        let policy = || "versioned".parse::<PolicyName>().unwrap();
        new_policy(&core, "versioned", UPLOADER.to_owned()).await;
        let new = |rotate| CreatePolicyVersion { name: policy(), document: allow("oss:*", "*"), set_default: false, rotate };
        for expected in 2..=5 {
            assert_eq!(ask(&core, new(false)).await.unwrap().version, expected);
        }
        assert_eq!(code(ask(&core, new(false)).await), "limit VersionsPerPolicy 5");
        assert_eq!(ask(&core, new(true)).await.unwrap().version, 6);
        let left = ask(&core, ListPolicyVersions { policy: custom("versioned") }).await.unwrap();
        assert_eq!(left.iter().map(|version| version.version).collect::<Vec<_>>(), [1, 3, 4, 5, 6]);
        assert!(left.iter().all(|version| version.is_default == (version.version == 1)));
        ask(&core, DeletePolicyVersion { name: policy(), version: 6 }).await.unwrap();
        assert_eq!(ask(&core, new(false)).await.unwrap().version, 7);
        assert_eq!(code(ask(&core, DeletePolicyVersion { name: policy(), version: 1 }).await), "in use Default");
        assert!(code(ask(&core, DeletePolicyVersion { name: policy(), version: 6 }).await).starts_with("absent "));
        assert!(code(ask(&core, SetDefaultPolicyVersion { name: policy(), version: 2 }).await).starts_with("absent "));
        assert!(code(ask(&core, DescribePolicyVersion { policy: custom("versioned"), version: 2 }).await).starts_with("absent "));

        // The server's own are read and attached, never changed: by name they are not among the account's.
        let (admin, document) = ask(&core, DescribePolicy { policy: system("AdministratorAccess") }).await.unwrap();
        assert_eq!((admin.attachments, document.is_default), (1, true), "globex's attachment is not for acme to count");
        assert!(
            code(ask(&core, DeletePolicy { name: "AdministratorAccess".parse().unwrap(), with_versions: true }).await)
                .starts_with("absent ")
        );
        let (mut seen, mut page) = (Vec::new(), Page { after: String::new(), limit: 2 });
        loop {
            let listed = ask(&core, ListPolicies { kind: None, filter: vec![], page: page.clone() }).await.unwrap();
            seen.extend(listed.items.into_iter().map(|policy| policy.name.to_string()));
            let Some(next) = listed.next else { break };
            page.after = next;
        }
        assert_eq!(seen.len(), 3 + SYSTEM_POLICIES.len(), "{seen:?}");
        assert_eq!(
            ask(&core, ListPolicies { kind: Some(PolicyType::Custom), filter: vec![], page: everything() }).await.unwrap().items.len(),
            3
        );

        for (document, expected) in [("{", "Malformed"), ("", "TooLarge"), (UPLOADER_TRUST, "Malformed"), (&" ".repeat(6145), "TooLarge")] {
            let refused =
                ask(&core, CreatePolicy { name: "bad".parse().unwrap(), document: document.to_owned(), description: None, tags: vec![] })
                    .await;
            assert_eq!(code(refused), format!("invalid PolicyDocument {expected}"));
        }
    }
}

#[tokio::test]
async fn roles_trust_those_who_exist_and_from_the_next_request_on() {
    for core in TestCore::each().await.unwrap() {
        let role = |name: &str, trust_document: String| CreateRole {
            name: name.parse().unwrap(),
            trust_document,
            description: None,
            max_session: None,
            tags: vec![],
        };
        for who in ["user/ghost", "role/ghost"] {
            let refused = ask(&core, role("deploy", trusting(&format!("acs:ram::1000000000000001:{who}")))).await;
            assert!(matches!(&refused, Err(OpError::Invalid(p)) if p.input == Input::TrustDocument && p.kind == ProblemKind::Malformed));
            assert!(refused.unwrap_err().to_string().contains("ghost"));
        }
        // Whether another account has a name is not told; who is not there now never is.
        ask(&core, role("foreign", trusting("acs:ram::1000000000000002:user/trudy"))).await.unwrap();
        let mallory = core.user("mallory").await.unwrap();
        core.perform(&mallory, &user("trudy")).await.unwrap();
        let mallory = core.user("mallory").await.unwrap();
        let made = core.perform(&mallory, &CreateAccessKey { user: Some(name("trudy")) }).await.unwrap();
        let mallory = core.user("mallory").await.unwrap();
        core.perform(&mallory, &AttachPolicyToUser { policy: system("AdministratorAccess"), to: name("trudy") }).await.unwrap();
        let trudy = TestKey { key_id: made.key.key_id, secret: made.secret, token: None };
        denied(core.perform(&core.caller(&trudy).await.unwrap(), &assume("foreign")).await.unwrap_err());

        ask(&core, role("deploy", trusting("acs:ram::1000000000000001:user/bob"))).await.unwrap();
        assert!(code(ask(&core, role("Deploy", UPLOADER_TRUST.to_owned())).await).starts_with("exists "));
        new_policy(&core, "assume-all", allow("sts:AssumeRole", "*")).await;
        for user in ["bob", "dan"] {
            ask(&core, AttachPolicyToUser { policy: custom("assume-all"), to: name(user) }).await.unwrap();
        }
        let may = async |user: &str| core.perform(&core.user(user).await.unwrap(), &assume("deploy")).await.is_ok();
        assert!(may("bob").await && !may("dan").await);
        let update = |trust_document: String| UpdateRole {
            name: "deploy".parse().unwrap(),
            trust_document: Some(trust_document),
            description: Some("for deployments".parse().unwrap()),
            max_session: Some(std::time::Duration::from_hours(2)),
        };
        let changed = ask(&core, update(trusting("acs:ram::1000000000000001:user/dan"))).await.unwrap();
        assert_eq!(ask(&core, DescribeRole { name: "deploy".parse().unwrap() }).await.unwrap(), changed);
        assert!(!may("bob").await && may("dan").await);
        let refused = ask(&core, update(trusting("acs:ram::1000000000000001:user/ghost"))).await;
        assert_eq!(code(refused), "invalid NewTrustDocument Malformed");
        for hours in [0, 13] {
            let input = UpdateRole { max_session: Some(std::time::Duration::from_hours(hours)), ..update(UPLOADER_TRUST.to_owned()) };
            assert_eq!(code(ask(&core, input).await), "invalid NewMaxSession OutOfRange");
        }
        assert!(may("dan").await, "what was refused changed nothing");

        // A user of the same name is somebody else.
        let key = core.key("dan").unwrap().key_id;
        ask(&core, DetachPolicyFromUser { policy: custom("assume-all"), from: name("dan") }).await.unwrap();
        ask(&core, DeleteAccessKey { user: Some(name("dan")), key_id: key }).await.unwrap();
        ask(&core, DeleteUser { name: name("dan") }).await.unwrap();
        ask(&core, user("dan")).await.unwrap();
        ask(&core, AttachPolicyToUser { policy: custom("assume-all"), to: name("dan") }).await.unwrap();
        let key = new_key(&core, "dan").await;
        denied(core.perform(&core.caller(&key).await.unwrap(), &assume("deploy")).await.unwrap_err());

        let session = super::temporary(&core, "bob", None).await;
        let uploader = || "app-uploader".parse::<RoleName>().unwrap();
        assert_eq!(code(ask(&core, DeleteRole { name: uploader() }).await), "in use Policies");
        assert_eq!(ask(&core, ListPoliciesForRole { of: uploader() }).await.unwrap().len(), 1);
        ask(&core, DetachPolicyFromRole { policy: custom("uploader"), from: uploader() }).await.unwrap();
        ask(&core, DeleteRole { name: uploader() }).await.unwrap();
        assert!(core.caller(&session).await.is_err());
        assert_eq!(ask(&core, ListRoles { page: everything(), filter: vec![] }).await.unwrap().items.len(), 2);
    }
}

#[tokio::test]
async fn names_of_parts_are_below_their_whole() {
    let of = || Box::new(ResourceName::SystemPolicy { name: "S".parse().unwrap() });
    let to = Box::new(ResourceName::Role { account: "1000000000000001".parse().unwrap(), name: "r".parse().unwrap() });
    assert_eq!(ResourceName::PolicyVersion { of: of(), version: 2 }.to_string(), "acs:ram::system:policy/S/v2");
    assert_eq!(ResourceName::Attachment { to, policy: of() }.to_string(), "acs:ram::1000000000000001:role/r/system-policy/S");
    assert_eq!(Holding::ALL.len(), 11);
}

#[tokio::test]
async fn of_those_who_want_the_same_name_or_number_at_once_one_gets_it() {
    for core in TestCore::each().await.unwrap() {
        let outcomes = |all: [bool; 3]| all.into_iter().filter(|won| *won).count();
        let make = || async { ask(&core, user("twin")).await };
        let (one, two, three) = tokio::join!(make(), make(), make());
        for lost in [&one, &two, &three].into_iter().filter_map(|made| made.as_ref().err()) {
            assert!(matches!(lost, OpError::Exists(ResourceName::User { .. })), "{lost:?}");
        }
        assert_eq!(outcomes([one.is_ok(), two.is_ok(), three.is_ok()]), 1);

        let rename = |from: &'static str| {
            let input = UpdateUser {
                name: name(from),
                new_name: Some(name("wanted")),
                display_name: None,
                email: None,
                phone: None,
                comments: None,
            };
            async { ask(&core, input).await }
        };
        let (one, two, three) = tokio::join!(rename("dan"), rename("twin"), rename("appserver"));
        for lost in [&one, &two, &three].into_iter().filter_map(|made| made.as_ref().err()) {
            assert!(matches!(lost, OpError::Exists(ResourceName::User { .. })), "{lost:?}");
        }
        assert_eq!(outcomes([one.is_ok(), two.is_ok(), three.is_ok()]), 1);

        new_policy(&core, "shared", UPLOADER.to_owned()).await;
        let input =
            CreatePolicyVersion { name: "shared".parse().unwrap(), document: allow("oss:*", "*"), set_default: false, rotate: false };
        let add = || async { ask(&core, input.clone()).await.unwrap().version };
        let (one, two, three) = tokio::join!(add(), add(), add());
        let mut numbers = [one, two, three];
        numbers.sort_unstable();
        assert_eq!(numbers, [2, 3, 4]);

        // Whatever wins, nothing is left attached to a user who is gone.
        ask(&core, user("leaving")).await.unwrap();
        let attach = async { ask(&core, AttachPolicyToUser { policy: custom("shared"), to: name("leaving") }).await };
        let delete = async { ask(&core, DeleteUser { name: name("leaving") }).await };
        let (attached, deleted) = tokio::join!(attach, delete);
        assert!(attached.is_ok() != deleted.is_ok(), "{attached:?} {deleted:?}");
        let entities = ask(&core, ListEntitiesForPolicy { policy: custom("shared") }).await.unwrap();
        assert_eq!(entities.users.len(), usize::from(attached.is_ok()));
    }
}
