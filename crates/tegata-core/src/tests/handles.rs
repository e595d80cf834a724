//! Users by number and by key, the default domain, and the summary of an account.

use tegata_model::{AccessKeyId, PrincipalNumber};
use tegata_store::audit::{self, Filter, Outcome};

use crate::{OpError, Operation, directory::*, testing::TestCore};

fn key(user: &str) -> UserHandle {
    UserHandle::Key(AccessKeyId::new(&format!("LTAITEST{user}")).unwrap())
}

async fn ask<O: Operation>(core: &TestCore, user: &str, operation: O) -> Result<O::Output, OpError> {
    core.perform(&core.user(user).await.unwrap(), &operation).await
}

async fn described(core: &TestCore, user: &str, handle: UserHandle) -> Result<User, OpError> {
    on_user(core, &core.user(user).await.unwrap(), handle, |name| DescribeUser { name }).await
}

#[tokio::test]
async fn a_handle_speaks_of_a_user_of_the_own_account_only() {
    for core in TestCore::each().await.unwrap() {
        let bob = ask(&core, "alice", DescribeUser { name: "bob".parse().unwrap() }).await.unwrap();
        let foreign = ask(&core, "mallory", DescribeUser { name: "mallory".parse().unwrap() }).await.unwrap();
        for handle in [UserHandle::Name(bob.name.clone()), UserHandle::Number(bob.number), key("bob")] {
            assert_eq!(described(&core, "alice", handle).await.unwrap(), bob);
        }
        let nobody = PrincipalNumber::new(*PrincipalNumber::RANGE.end()).unwrap();
        for handle in [UserHandle::Number(foreign.number), UserHandle::Number(nobody), key("mallory"), key("ghost"), key("root")] {
            let refused = described(&core, "alice", handle.clone()).await;
            assert!(matches!(refused, Err(OpError::NotFound(_))), "{handle:?}: {refused:?}");
        }
        let rename = |name| UpdateUser {
            name,
            new_name: Some("bert".parse().unwrap()),
            display_name: None,
            email: None,
            phone: None,
            comments: None,
        };
        let renamed = on_user(&core, &core.user("alice").await.unwrap(), UserHandle::Number(bob.number), rename).await.unwrap();
        assert_eq!((renamed.name.as_str(), renamed.number), ("bert", bob.number));
        assert_eq!(described(&core, "alice", UserHandle::Number(bob.number)).await.unwrap().name.as_str(), "bert");
    }
}

#[tokio::test]
async fn who_may_not_look_hears_the_same_of_who_is_there_and_who_is_not() {
    for core in TestCore::each().await.unwrap() {
        let bob = ask(&core, "alice", DescribeUser { name: "bob".parse().unwrap() }).await.unwrap();
        let nobody = PrincipalNumber::new(*PrincipalNumber::RANGE.end()).unwrap();
        for number in [bob.number, nobody] {
            match described(&core, "dan", UserHandle::Number(number)).await {
                Err(OpError::Denied(denial)) => assert_eq!(denial.resource, "acs:ram::1000000000000001:user/*"),
                other => panic!("{other:?}"),
            }
        }
        let rows = audit::tail(&core.store, Filter { outcome: Some(Outcome::Refused), ..Filter::default() }, 10).await.unwrap();
        let refused: Vec<&str> = rows.iter().filter(|row| row.action == "ram:GetUser").map(|row| row.resource.as_str()).collect();
        assert_eq!(refused, ["acs:ram::1000000000000001:user/*"; 2], "the record does not tell the refused caller either");
    }
}

#[tokio::test]
async fn the_summary_counts_and_the_domain_follows_the_alias() {
    for core in TestCore::each().await.unwrap() {
        ask(&core, "alice", CreateVirtualMfaDevice { name: "phone".parse().unwrap() }).await.unwrap();
        let summary = ask(&core, "alice", DescribeAccountSummary).await.unwrap();
        assert_eq!((summary.users, summary.groups, summary.roles, summary.policies), (4, 0, 1, 2));
        assert_eq!((summary.mfa_devices, summary.mfa_devices_in_use, summary.quotas.users), (1, 0, 1000));
        let listed = ask(&core, "alice", ListUserBasicInfos { page: Page { after: String::new(), limit: 3 } }).await.unwrap();
        assert_eq!(listed.items.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["alice", "appserver", "bob"]);
        assert_eq!(listed.next.as_deref(), Some("bob"));
        ask(&core, "alice", SetDefaultDomain { alias: "acme-corp".parse().unwrap() }).await.unwrap();
        assert_eq!(ask(&core, "alice", DescribeDefaultDomain).await.unwrap().as_str(), "acme-corp");
        let taken = ask(&core, "alice", SetDefaultDomain { alias: "globex".parse().unwrap() }).await;
        assert!(matches!(taken, Err(OpError::Exists(_))), "{taken:?}");
    }
}
