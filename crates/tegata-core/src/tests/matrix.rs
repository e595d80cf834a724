//! The permission matrix: every action × who asks, as one reviewed snapshot. An action absent from it fails the build.

use std::collections::BTreeMap;

use tegata_model::Status;
use tegata_store::{ChangeSet, user};

use super::{assume, put, temporary};
use crate::{
    Caller, OpError,
    actions::{self, Action},
    object::{self, Conditions, CreateBucket, DeleteBucket, DeleteObject, DescribeBucket, GetObject, ListBuckets, ListObjects},
    sts::GetCallerIdentity,
    testing::TestCore,
};

fn word<T>(result: Result<T, OpError>) -> &'static str {
    match result {
        Ok(_) => "allowed",
        Err(OpError::Denied(_)) => "denied",
        Err(OpError::Authentication(_)) => "unauthenticated",
        Err(OpError::NotFound(_) | OpError::NotEmpty(_) | OpError::Exists(_) | OpError::Precondition(_)) => "allowed, absent",
        Err(other) => panic!("{other:?}"),
    }
}

async fn attempt(core: &TestCore, caller: &Caller, action: Action) -> &'static str {
    let bucket = || "photos".parse().unwrap();
    let key = || "k".parse().unwrap();
    match action {
        actions::STS_ASSUME_ROLE => word(core.perform(caller, &assume("app-uploader")).await),
        actions::STS_GET_CALLER_IDENTITY => word(core.perform(caller, &GetCallerIdentity).await),
        actions::OSS_LIST_BUCKETS => {
            word(core.perform(caller, &ListBuckets { prefix: String::new(), after: String::new(), limit: 1 }).await)
        }
        actions::OSS_PUT_BUCKET => word(core.perform(caller, &CreateBucket { name: bucket(), storage_class: "Standard".into() }).await),
        actions::OSS_DELETE_BUCKET => word(core.perform(caller, &DeleteBucket { name: bucket() }).await),
        actions::OSS_GET_BUCKET_INFO => word(core.perform(caller, &DescribeBucket { name: bucket() }).await),
        actions::OSS_LIST_OBJECTS => {
            let list = ListObjects { bucket: bucket(), prefix: String::new(), delimiter: String::new(), after: String::new(), limit: 1 };
            word(core.perform(caller, &list).await)
        }
        actions::OSS_PUT_OBJECT => word(put(core, caller, "k", "x").await),
        actions::OSS_GET_OBJECT => {
            word(core.perform(caller, &GetObject { bucket: bucket(), key: key(), conditions: Conditions::default() }).await)
        }
        actions::OSS_DELETE_OBJECT => word(object::delete(core, caller, &DeleteObject { bucket: bucket(), key: key() }).await),
        other => panic!("{other} is missing from the permission matrix"),
    }
}

#[tokio::test]
async fn permission_matrix() {
    let core = TestCore::new().await.unwrap();
    put(&core, &core.user("alice").await.unwrap(), "k", "x").await.unwrap();
    let session = temporary(&core, "bob", None).await;
    let deny =
        r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    let narrowed = temporary(&core, "bob", Some(deny)).await;
    let expired = temporary(&core, "bob", None).await;
    let mut table: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for action in actions::ALL {
        let row = table.entry(action.name()).or_default();
        for who in ["owner", "administrator", "member", "nobody", "stranger", "session", "denying session", "expired", "switched off"] {
            // Callers that are taken back are authenticated first: the operation itself must notice.
            let caller = match who {
                "owner" => core.user("root").await,
                "administrator" => core.user("alice").await,
                "member" => core.user("bob").await,
                "nobody" => core.user("dan").await,
                "stranger" => core.user("mallory").await,
                "session" => core.caller(&session).await,
                "denying session" => core.caller(&narrowed).await,
                "expired" => core.caller(&expired).await,
                _ => core.user("appserver").await,
            }
            .unwrap();
            let appserver = user::find_by_name(&core.store, core.acme.account, "appserver").await.unwrap().unwrap().id;
            let switch = async |status| {
                let mut changes = ChangeSet::new(core.now());
                changes.push(user::set_status(appserver, status));
                changes.touch(core.acme.account);
                core.store.commit(changes).await.unwrap();
            };
            let hour = std::time::Duration::from_hours(1);
            match who {
                "expired" => core.clock.set(crate::testing::START.plus(hour)),
                "switched off" => switch(Status::Inactive).await,
                _ => {}
            }
            row.push(format!("{who}: {}", attempt(&core, &caller, *action).await));
            core.clock.set(crate::testing::START);
            if who == "switched off" {
                switch(Status::Active).await;
            }
            if *action == actions::OSS_DELETE_OBJECT {
                put(&core, &core.user("alice").await.unwrap(), "k", "x").await.unwrap();
            }
        }
    }
    let text: Vec<String> = table.iter().map(|(action, row)| format!("{action}\n  {}", row.join("\n  "))).collect();
    insta::assert_snapshot!(text.join("\n"));
}
