//! Read an object or what it is.

use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use tegata_model::{BlobId, BucketName, ObjectKey};
use tegata_store::blob::BlobError;

use super::{ByteRange, Conditions, Resolved, StoredObject, own_account, own_bucket};
use crate::{
    Core,
    actions::{Action, OSS_GET_OBJECT},
    authz,
    caller::Caller,
    error::{Input, OpError, ProblemKind},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// Read what an object is; [`get`] also reads its bytes.
#[derive(Debug, Clone)]
pub struct GetObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// What must hold.
    pub conditions: Conditions,
}

/// An object that was found, with where its bytes are.
#[derive(Debug)]
pub struct Found {
    object: StoredObject,
    blob: BlobId,
}

impl Found {
    /// The object without its bytes.
    pub fn object(self) -> StoredObject {
        self.object
    }
}

impl Operation for GetObject {
    const ACTION: Action = OSS_GET_OBJECT;
    type Output = Found;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Object { account: own_account(caller), bucket: self.bucket.clone(), key: self.key.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Found>, OpError> {
        let resource = self.resource(caller);
        authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let bucket = own_bucket(view, caller, Self::ACTION, &resource, &self.bucket).await?;
        let row = view.object(bucket.id, &self.key).await?.ok_or(OpError::NotFound(resource))?;
        let object = StoredObject::of(&row);
        self.conditions.hold(&object)?;
        Ok(Effect::nothing(Found { object, blob: row.blob_id }))
    }
}

/// An object with a stream of its bytes, or of a part of them.
pub struct ObjectBody {
    /// The object.
    pub object: StoredObject,
    /// The bytes that follow; `None` for all of them.
    pub part: Option<Range<u64>>,
    /// The bytes.
    pub bytes: BoxStream<'static, Result<Bytes, BlobError>>,
}

/// Reads an object. `standard` says that ranges outside it are an error instead of being ignored.
pub async fn get(core: &Core, caller: &Caller, input: &GetObject, range: Option<ByteRange>, standard: bool) -> Result<ObjectBody, OpError> {
    // Between finding the row and opening the blob the object may be replaced and its old blob deleted: look again then.
    let mut attempts = 3;
    loop {
        let Found { object, blob } = core.perform(caller, input).await?;
        let part = match range.map_or(Resolved::Whole, |range| range.resolve(object.size, standard)) {
            Resolved::Whole => None,
            Resolved::Part(part) => Some(part),
            Resolved::Unsatisfiable => {
                return Err(OpError::invalid(Input::Range, ProblemKind::OutOfRange, format!("the object has {} bytes", object.size)));
            }
        };
        let wanted = part.clone().unwrap_or(0..object.size);
        match core.blobs.read(blob, wanted).await {
            Ok(bytes) => return Ok(ObjectBody { object, part, bytes }),
            Err(BlobError::Missing(_)) if attempts > 1 => attempts -= 1,
            Err(error) => return Err(OpError::internal(error)),
        }
    }
}
