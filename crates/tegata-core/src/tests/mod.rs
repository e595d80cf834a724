//! Operations on real databases: every case runs on SQLite, and again on PostgreSQL when a cluster is named.

mod audit;
mod browser;
mod declare;
mod devices;
mod directory;
mod exchange;
mod federation;
mod foreign;
mod grants;
mod handles;
mod kinds;
mod look_back;
mod mail;
mod matrix;
mod objects;
mod organisation;
mod permissions;
mod sam;
mod sam_repeat;
mod sam_switch;
mod sessions;
mod settings;
mod sign_in;
mod standing;
mod tokens;
mod why;

use tegata_model::{AccountNumber, BucketName, ObjectKey, RoleName, RoleSessionName};

use crate::{
    Caller, Denial, OpError,
    object::NewObject,
    sts::AssumeRole,
    testing::{TestCore, TestKey},
};

/// AssumeRole of a role of acme, with nothing optional.
fn assume(role: &str) -> AssumeRole {
    AssumeRole {
        account: AccountNumber::new(1_000_000_000_000_001).unwrap(),
        role: RoleName::new(role).unwrap(),
        session_name: RoleSessionName::new("session").unwrap(),
        lifetime: None,
        policy: None,
        external_id: None,
        source_identity: None,
    }
}

/// A temporary key of `app-uploader`, assumed by `user` with a session policy.
async fn temporary(core: &TestCore, user: &str, policy: Option<&str>) -> TestKey {
    let caller = core.user(user).await.unwrap();
    let input = AssumeRole { policy: policy.map(str::to_owned), ..assume("app-uploader") };
    core.perform(&caller, &input).await.unwrap().into()
}

pub(crate) fn denied(error: OpError) -> Box<Denial> {
    match error {
        OpError::Denied(denial) => denial,
        other => panic!("expected a denial, got {other:?}"),
    }
}

fn unauthenticated<T: std::fmt::Debug>(result: Result<T, OpError>) -> &'static str {
    match result {
        Err(OpError::Authentication(failure)) => failure.reason(),
        other => panic!("expected an authentication failure, got {other:?}"),
    }
}

fn new_object(key: &str) -> NewObject {
    NewObject {
        bucket: BucketName::new("photos").unwrap(),
        key: ObjectKey::new(key).unwrap(),
        headers: crate::object::ObjectHeaders { content_type: "text/plain".into(), ..Default::default() },
        content_md5: None,
        content_crc64: None,
        length: None,
        forbid_overwrite: false,
    }
}

fn body(chunks: &[&'static str]) -> impl futures_util::Stream<Item = Result<bytes::Bytes, std::io::Error>> + Send + use<> {
    futures_util::stream::iter(chunks.iter().map(|chunk| Ok(bytes::Bytes::from_static(chunk.as_bytes()))).collect::<Vec<_>>())
}

pub(crate) async fn put(core: &TestCore, caller: &Caller, key: &str, text: &'static str) -> Result<crate::object::StoredObject, OpError> {
    crate::object::put(core, caller, &new_object(key), body(&[text])).await
}
