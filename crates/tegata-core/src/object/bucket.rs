//! Buckets: create, describe, list, delete.

use tegata_model::{AccountNumber, BucketId, BucketName, Generation, Timestamp};
use tegata_store::{
    ChangeSet,
    bucket::{self, Acl, BucketRow},
    object,
};

use super::{own_account, own_bucket, page_size};
use crate::{
    actions::{Action, OSS_DELETE_BUCKET, OSS_GET_BUCKET_INFO, OSS_LIST_BUCKETS, OSS_PUT_BUCKET},
    audit::Entry,
    authz,
    caller::Caller,
    error::{Input, OpError, ProblemKind},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// Create a bucket. Repeating it as its owner with the same properties is no error.
#[derive(Debug, Clone)]
pub struct CreateBucket {
    /// Its name, unique on this server.
    pub name: BucketName,
    /// Its storage class.
    pub storage_class: String,
}

impl Operation for CreateBucket {
    const ACTION: Action = OSS_PUT_BUCKET;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Bucket { account: own_account(caller), name: self.name.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        match view.bucket(&self.name).await? {
            Some(row) if row.account_id != caller.account() => Err(OpError::Exists(resource)),
            Some(row) if row.storage_class != self.storage_class => {
                Err(OpError::invalid(Input::BucketProperties, ProblemKind::Mismatch, "the bucket exists with another storage class"))
            }
            Some(_) => Ok(Effect::nothing(())),
            None => {
                let row = BucketRow {
                    id: BucketId::from_bytes(view.core().new_id()?),
                    account_id: caller.account(),
                    name: self.name.clone(),
                    acl: Acl::Private,
                    storage_class: self.storage_class.clone(),
                    generation: Generation(1),
                    created_at: view.now(),
                };
                let mut changes = ChangeSet::new(view.now());
                changes.push(bucket::insert(&row));
                Ok(Effect::with((), changes, Entry { by: permit.spend(), ..Entry::default() }).or_exists(resource))
            }
        }
    }
}

/// What a bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketInfo {
    /// Its name.
    pub name: BucketName,
    /// The account that owns it.
    pub owner: AccountNumber,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its storage class.
    pub storage_class: String,
}

impl BucketInfo {
    fn of(row: BucketRow, owner: AccountNumber) -> Self {
        Self { name: row.name, owner, created_at: row.created_at, storage_class: row.storage_class }
    }
}

/// Read what a bucket is.
#[derive(Debug, Clone)]
pub struct DescribeBucket {
    /// Its name.
    pub name: BucketName,
}

impl Operation for DescribeBucket {
    const ACTION: Action = OSS_GET_BUCKET_INFO;
    type Output = BucketInfo;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Bucket { account: own_account(caller), name: self.name.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<BucketInfo>, OpError> {
        let resource = self.resource(caller);
        authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let row = own_bucket(view, caller, Self::ACTION, &resource, &self.name).await?;
        Ok(Effect::nothing(BucketInfo::of(row, own_account(caller))))
    }
}

/// List the buckets of the caller's account.
#[derive(Debug, Clone)]
pub struct ListBuckets {
    /// Only names that begin with this.
    pub prefix: String,
    /// Only names after this one.
    pub after: String,
    /// At most this many.
    pub limit: usize,
}

/// A page of buckets.
#[derive(Debug, Clone)]
pub struct ListedBuckets {
    /// The account that owns them.
    pub owner: AccountNumber,
    /// In order of their names.
    pub buckets: Vec<BucketInfo>,
    /// True when more follow.
    pub truncated: bool,
}

impl Operation for ListBuckets {
    const ACTION: Action = OSS_LIST_BUCKETS;
    type Output = ListedBuckets;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Buckets { account: own_account(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<ListedBuckets>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let mut rows = bucket::list(&view.core().store, caller.account(), &self.prefix, &self.after, page_size(self.limit)).await?;
        let truncated = rows.len() > self.limit;
        rows.truncate(self.limit);
        let owner = own_account(caller);
        Ok(Effect::nothing(ListedBuckets { owner, buckets: rows.into_iter().map(|row| BucketInfo::of(row, owner)).collect(), truncated }))
    }
}

/// Delete an empty bucket.
#[derive(Debug, Clone)]
pub struct DeleteBucket {
    /// Its name.
    pub name: BucketName,
}

impl Operation for DeleteBucket {
    const ACTION: Action = OSS_DELETE_BUCKET;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Bucket { account: own_account(caller), name: self.name.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let row = own_bucket(view, caller, Self::ACTION, &resource, &self.name).await?;
        if object::any(&view.core().store, row.id).await? {
            return Err(OpError::NotEmpty(resource));
        }
        let mut changes = ChangeSet::new(view.now());
        // An object put meanwhile still refers to the bucket, so the statement fails and this decides again.
        changes.push(bucket::delete(row.id));
        Ok(Effect::with((), changes, Entry { by: permit.spend(), ..Entry::default() }))
    }
}
