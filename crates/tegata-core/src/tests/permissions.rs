//! Documents of the permission language: live for keys, as they were for sessions, and a Deny binds everywhere.

use tegata_store::user;

use super::{assume, put};
use crate::{
    Caller, OpError, Operation, RequestMeta, ResourceName,
    actions::SAM_SWITCH_USER,
    authn::Proof,
    authz,
    directory::{CreateUser, DescribeUser, ListUsers, Page},
    sam::*,
    testing::TestCore,
    view::View,
};

pub(super) async fn ask<O: Operation>(core: &TestCore, who: &str, operation: O) -> Result<O::Output, OpError> {
    core.perform(&core.user(who).await?, &operation).await
}

pub(super) fn denied<T: std::fmt::Debug>(result: Result<T, OpError>) {
    let error = result.unwrap_err();
    assert!(matches!(error, OpError::Denied(_)), "{error:?}");
}

pub(super) fn list() -> ListUsers {
    ListUsers { page: Page { after: String::new(), limit: 10 } }
}

pub(super) fn new_user(name: &str) -> CreateUser {
    CreateUser { name: name.parse().unwrap(), display_name: None, email: None, phone: None, comments: None }
}

pub(super) fn statement(effect: &str, api: &str, condition: &str) -> String {
    let condition = if condition.is_empty() { String::new() } else { format!(r#","condition":"{condition}""#) };
    format!(r#"{{"statements":[{{"effect":"{effect}","api":"{api}"{condition}}}]}}"#)
}

pub(super) async fn permit(core: &TestCore, user: &str, document: &str) {
    let set = SetPermission { user: user.parse().unwrap(), document: document.to_owned(), description: None };
    ask(core, "root", set).await.unwrap();
}

#[tokio::test]
async fn what_is_written_acts_at_the_next_request_of_a_key() {
    for core in TestCore::each().await.unwrap() {
        denied(ask(&core, "dan", list()).await);
        permit(&core, "dan", &statement("allow", "User:list*", "")).await;
        ask(&core, "dan", list()).await.unwrap();
        denied(ask(&core, "dan", new_user("x")).await);
        // One's own affairs, by whatever name the operation was called.
        permit(&core, "dan", &statement("allow", "User:getUser", "pathVariable('user_name') == samUserName")).await;
        ask(&core, "dan", DescribeUser { name: "dan".parse().unwrap() }).await.unwrap();
        denied(ask(&core, "dan", DescribeUser { name: "bob".parse().unwrap() }).await);
        denied(ask(&core, "dan", list()).await);
        permit(&core, "dan", &statement("allow", "*", "ipAddress('192.0.2.0/24')")).await;
        ask(&core, "dan", list()).await.unwrap();
        permit(&core, "dan", &statement("allow", "*", "not ipAddress('192.0.2.0/24')")).await;
        denied(ask(&core, "dan", list()).await);
        ask(&core, "root", RemovePermission { user: "dan".parse().unwrap() }).await.unwrap();
        assert!(matches!(
            ask(&core, "root", RemovePermission { user: "dan".parse().unwrap() }).await,
            Err(OpError::NotFound(ResourceName::Document { .. }))
        ));
        denied(ask(&core, "dan", list()).await);
    }
}

#[tokio::test]
async fn a_deny_binds_in_every_dialect() {
    for core in TestCore::each().await.unwrap() {
        ask(&core, "bob", assume("app-uploader")).await.unwrap();
        permit(&core, "bob", &statement("deny", "*", "")).await;
        denied(ask(&core, "bob", assume("app-uploader")).await);
        // Whatever a RAM policy allows.
        ask(&core, "alice", list()).await.unwrap();
        ask(&core, "root", SetDefaults { document: statement("deny", "User:listUsers", "") }).await.unwrap();
        match ask(&core, "alice", list()).await {
            Err(OpError::Denied(denial)) => {
                let by = denial.verdict.unwrap().deciding.decision;
                assert!(format!("{by:?}").contains("SAM default permissions"), "{by:?}");
            }
            other => panic!("{other:?}"),
        }
        put(&core, &core.user("alice").await.unwrap(), "k", "x").await.unwrap();
        permit(&core, "alice", &statement("deny", "*", "")).await;
        denied(put(&core, &core.user("alice").await.unwrap(), "k", "x").await);
        // An owner is bound by nothing.
        ask(&core, "root", list()).await.unwrap();
        ask(&core, "root", RemoveDefaults).await.unwrap();
    }
}

#[tokio::test]
async fn sets_of_permissions_are_attached_and_not_deleted_while_they_are() {
    for core in TestCore::each().await.unwrap() {
        let name = || "readers".parse::<tegata_model::RoleName>().unwrap();
        let dan = || "dan".parse::<tegata_model::UserName>().unwrap();
        let make = || CreateSamRole { name: name(), document: statement("allow", "User:list*", ""), description: Some("reads".into()) };
        ask(&core, "root", make()).await.unwrap();
        assert!(matches!(ask(&core, "root", make()).await, Err(OpError::Exists(_))));
        ask(&core, "root", AttachSamRole { user: dan(), role: name() }).await.unwrap();
        assert!(matches!(ask(&core, "root", AttachSamRole { user: dan(), role: name() }).await, Err(OpError::Exists(_))));
        ask(&core, "dan", list()).await.unwrap();
        assert!(matches!(ask(&core, "root", DeleteSamRole { name: name() }).await, Err(OpError::InUse(..))));
        assert_eq!(ask(&core, "root", ListSamRoleUsers { name: name() }).await.unwrap().len(), 1);
        let shown = ask(&core, "root", ListSamUsers).await.unwrap();
        assert_eq!(shown.iter().find(|user| user.name == dan()).unwrap().roles.len(), 1);
        let change = UpdateSamRole { name: name(), document: statement("allow", "Role:*", ""), description: None };
        ask(&core, "root", change).await.unwrap();
        denied(ask(&core, "dan", list()).await);
        assert_eq!(ask(&core, "dan", ListSamRoles).await.unwrap()[0].description, "reads");
        ask(&core, "root", DetachSamRole { user: dan(), role: name() }).await.unwrap();
        denied(ask(&core, "dan", ListSamRoles).await);
        ask(&core, "root", DeleteSamRole { name: name() }).await.unwrap();
        assert!(matches!(ask(&core, "root", DescribeSamRole { name: name() }).await, Err(OpError::NotFound(_))));
    }
}

pub(super) async fn session(core: &TestCore, user: &str) -> Caller {
    let key = ask(core, "root", CreateAuthKey { holder: Holder::User(user.parse().unwrap()) }).await.unwrap();
    let shown = Shown::AuthKey { key_id: key.key_id, secret: key.secret };
    let wanted = SamSignIn { shown, code: None, lifetime: None, request: Vec::new() };
    let meta: RequestMeta = core.meta();
    let started = core.sam_sign_in(&meta, wanted).await.unwrap().unwrap();
    let pair = PresentedPair { api_key: started.api_key, token: started.token };
    core.authenticate(Proof::Sam(pair), core.meta()).await.unwrap()
}

#[tokio::test]
async fn a_session_keeps_what_it_was_given() {
    for core in TestCore::each().await.unwrap() {
        permit(&core, "dan", &statement("allow", "User:list*", "")).await;
        let before = session(&core, "dan").await;
        core.perform(&before, &list()).await.unwrap();
        permit(&core, "dan", &statement("allow", "User:getUser", "")).await;
        core.perform(&before, &list()).await.unwrap();
        denied(ask(&core, "dan", list()).await);
        let after = session(&core, "dan").await;
        denied(core.perform(&after, &list()).await);
        core.perform(&after, &DescribeUser { name: "bob".parse().unwrap() }).await.unwrap();
        // Policies of the other language are read live, and their Deny binds here too.
        let with_all = session(&core, "alice").await;
        core.perform(&with_all, &list()).await.unwrap();
        let deny = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"ram:ListUsers","Resource":"*"}]}"#;
        let name: tegata_model::PolicyName = "no-lists".parse().unwrap();
        let made = crate::directory::CreatePolicy { name: name.clone(), document: deny.to_owned(), description: None, tags: vec![] };
        ask(&core, "root", made).await.unwrap();
        let policy = crate::directory::PolicyRef { kind: crate::directory::PolicyType::Custom, name };
        for user in ["alice", "dan"] {
            let attach = crate::directory::AttachPolicyToUser { policy: policy.clone(), to: user.parse().unwrap() };
            ask(&core, "root", attach).await.unwrap();
        }
        denied(core.perform(&with_all, &list()).await);
        denied(core.perform(&before, &list()).await);
    }
}

async fn trusts(core: &TestCore, who: &str, target: &str) -> bool {
    let row = user::find_by_name(&core.store, core.acme.account, target).await.unwrap().unwrap();
    let user = core.memory.user(&core.store, row.id).await.unwrap().unwrap();
    let caller = core.user(who).await.unwrap();
    let name = ResourceName::User { account: user.account.number, name: target.parse().unwrap() };
    authz::trust_user(&View::new(core, core.now()), &caller, SAM_SWITCH_USER, &name, &user).is_ok()
}

#[tokio::test]
async fn trust_binds_who_was_meant() {
    for core in TestCore::each().await.unwrap() {
        let operator = core.user("root").await.unwrap().operator_id().as_str().to_owned();
        let trust = |names: &[&str], condition: &str| {
            let list: Vec<String> = names.iter().map(|name| format!(r#""srn:soracom:{operator}::{name}""#)).collect();
            let document = format!(
                r#"{{"statements":[{{"effect":"allow","principal":{{"soracom":[{}]}},"condition":"{condition}"}}]}}"#,
                list.join(",")
            );
            SetTrust { user: "dan".parse().unwrap(), document }
        };
        assert!(!trusts(&core, "bob", "dan").await);
        ask(&core, "root", trust(&["User:bob"], "ipAddress('192.0.2.0/24')")).await.unwrap();
        assert!(trusts(&core, "bob", "dan").await && !trusts(&core, "appserver", "dan").await && !trusts(&core, "root", "dan").await);
        ask(&core, "root", trust(&["User:bob"], "not ipAddress('192.0.2.0/24')")).await.unwrap();
        assert!(!trusts(&core, "bob", "dan").await);
        ask(&core, "root", trust(&[&format!("Operator:{operator}")], "1 == 1")).await.unwrap();
        assert!(trusts(&core, "root", "dan").await && !trusts(&core, "bob", "dan").await);
        assert!(matches!(ask(&core, "root", trust(&["User:nobody-here"], "1 == 1")).await, Err(OpError::Invalid(_))));
        // Whoever is made again under the name is somebody else.
        ask(&core, "root", new_user("eve")).await.unwrap();
        ask(&core, "root", trust(&["User:eve"], "1 == 1")).await.unwrap();
        permit(&core, "eve", &statement("allow", "*", "")).await;
        let first = session(&core, "eve").await;
        ask(&core, "root", RemoveUser { name: "eve".parse().unwrap() }).await.unwrap();
        ask(&core, "root", new_user("eve")).await.unwrap();
        assert!(core.perform(&first, &list()).await.is_err(), "a session of whoever is gone");
        let again = session(&core, "eve").await;
        denied(core.perform(&again, &list()).await);
        let row = user::find_by_name(&core.store, core.acme.account, "dan").await.unwrap().unwrap();
        let dan = core.memory.user(&core.store, row.id).await.unwrap().unwrap();
        let name = ResourceName::User { account: dan.account.number, name: "dan".parse().unwrap() };
        assert!(authz::trust_user(&View::new(&core, core.now()), &again, SAM_SWITCH_USER, &name, &dan).is_err());
        ask(&core, "root", RemoveTrust { user: "dan".parse().unwrap() }).await.unwrap();
        assert_eq!(ask(&core, "root", DescribeTrust { user: "dan".parse().unwrap() }).await.unwrap(), "");
    }
}
