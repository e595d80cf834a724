//! Buckets and objects.

mod bucket;
mod condition;
mod content;
mod delete;
mod get;
mod list;
mod put;

pub use bucket::{BucketInfo, CreateBucket, DeleteBucket, DescribeBucket, ListBuckets, ListedBuckets};
pub use condition::{ByteRange, Conditions, Resolved};
pub use content::{ObjectHeaders, StoredObject};
pub use delete::{DeleteObject, delete};
pub use get::{GetObject, ObjectBody, get};
pub use list::{ListObjects, ListedObjects};
pub use put::{NewObject, PutObject, put};

use tegata_model::BucketName;
use tegata_store::bucket::BucketRow;

use crate::{
    actions::Action,
    authz,
    caller::Caller,
    error::{DeniedBy, OpError},
    resource::ResourceName,
    view::View,
};

/// One more row than a page shows tells whether it is the last.
fn page_size(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX).saturating_add(1)
}

/// The caller's account as the owner in resource names.
fn own_account(caller: &Caller) -> tegata_model::AccountNumber {
    caller.evidence.principal().account.number
}

/// The bucket, once permission for what is done in it was given: absent and foreign buckets are told apart only then.
async fn own_bucket(
    view: &View<'_>,
    caller: &Caller,
    action: Action,
    resource: &ResourceName,
    name: &BucketName,
) -> Result<BucketRow, OpError> {
    let Some(row) = view.bucket(name).await? else {
        return Err(OpError::NotFound(ResourceName::Bucket { account: own_account(caller), name: name.clone() }));
    };
    if row.account_id != caller.account() {
        return Err(authz::denied(caller, action, resource, DeniedBy::ForeignAccount, None));
    }
    Ok(row)
}
