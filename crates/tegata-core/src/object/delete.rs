//! Delete an object. Deleting what is absent succeeds.

use tegata_model::{BlobId, BucketName, ObjectKey};
use tegata_store::{ChangeSet, object};

use super::{own_account, own_bucket, put::discard};
use crate::{
    Core,
    actions::{Action, OSS_DELETE_OBJECT},
    audit::Entry,
    authz,
    caller::Caller,
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// Delete an object's row; [`delete`] also removes its bytes.
#[derive(Debug, Clone)]
pub struct DeleteObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
}

impl Operation for DeleteObject {
    const ACTION: Action = OSS_DELETE_OBJECT;
    type Output = Option<BlobId>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Object { account: own_account(caller), bucket: self.bucket.clone(), key: self.key.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Option<BlobId>>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let bucket = own_bucket(view, caller, Self::ACTION, &resource, &self.bucket).await?;
        let Some(row) = view.object(bucket.id, &self.key).await? else { return Ok(Effect::nothing(None)) };
        let mut changes = ChangeSet::new(view.now());
        changes.push(object::delete(bucket.id, &self.key, row.blob_id));
        Ok(Effect::with(Some(row.blob_id), changes, Entry { by: permit.spend(), ..Entry::default() }))
    }
}

/// Deletes an object and its bytes.
pub async fn delete(core: &Core, caller: &Caller, input: &DeleteObject) -> Result<(), OpError> {
    if let Some(blob) = core.perform(caller, input).await? {
        discard(core, blob).await;
    }
    Ok(())
}
