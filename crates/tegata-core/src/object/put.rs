//! Store an object: decide, stream the bytes to a blob that nobody can name yet, decide again and commit.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use crc_fast::{CrcAlgorithm::Crc64Xz, Digest as Crc};
use futures_util::{Stream, StreamExt as _};
use md5::{Digest as _, Md5};
use tegata_model::{BlobId, BucketName, ObjectKey};
use tegata_store::{
    ChangeSet,
    object::{self, ObjectRow},
};

use super::{ObjectHeaders, StoredObject, own_account, own_bucket};
use crate::{
    Core,
    actions::{Action, OSS_PUT_OBJECT},
    audit::Entry,
    authz,
    caller::Caller,
    error::{Input, OpError, Precondition, ProblemKind},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// An object to be stored, without its bytes.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// The headers to keep.
    pub headers: ObjectHeaders,
    /// The MD5 that the bytes must have.
    pub content_md5: Option<[u8; 16]>,
    /// The CRC-64 that the bytes must have.
    pub content_crc64: Option<u64>,
    /// The number of bytes announced; `None` when the client streams without knowing.
    pub length: Option<u64>,
    /// Refuse if the object exists.
    pub forbid_overwrite: bool,
}

/// Store an object whose bytes wait in a blob; without a blob only the decision is made.
#[derive(Debug)]
pub struct PutObject<'a> {
    new: &'a NewObject,
    staged: Option<Staged>,
}

/// Bytes written and durable, but named by no object yet.
#[derive(Debug, Clone)]
struct Staged {
    blob: BlobId,
    size: u64,
    md5: [u8; 16],
    crc64: u64,
}

/// What was stored, and the blob of the object it replaced.
#[derive(Debug)]
pub struct Put {
    stored: Option<StoredObject>,
    replaced: Option<BlobId>,
}

impl Operation for PutObject<'_> {
    const ACTION: Action = OSS_PUT_OBJECT;
    type Output = Put;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Object { account: own_account(caller), bucket: self.new.bucket.clone(), key: self.new.key.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Put>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let bucket = own_bucket(view, caller, Self::ACTION, &resource, &self.new.bucket).await?;
        let old = view.object(bucket.id, &self.new.key).await?;
        if self.new.forbid_overwrite && old.is_some() {
            return Err(OpError::Precondition(Precondition::Exists));
        }
        let Some(staged) = &self.staged else { return Ok(Effect::nothing(Put { stored: None, replaced: None })) };
        let mut headers = self.new.headers.clone();
        headers.content_md5 = STANDARD.encode(staged.md5);
        let row = ObjectRow {
            bucket_id: bucket.id,
            key: self.new.key.clone(),
            blob_id: staged.blob,
            size: staged.size,
            etag: hex(staged.md5),
            md5: Some(staged.md5),
            crc64: staged.crc64,
            content_type: headers.content_type.clone(),
            headers: serde_json::to_string(&headers).map_err(OpError::internal)?,
            modified_at: view.now(),
        };
        let replaced = old.map(|old| old.blob_id);
        let mut changes = ChangeSet::new(view.now());
        changes.push(object::put(&row, replaced));
        let put = Put { stored: Some(StoredObject::of(&row)), replaced };
        Ok(Effect::with(put, changes, Entry { by: permit.spend(), ..Entry::default() }))
    }
}

/// Stores an object from a stream of bytes. Never holds the whole object; a failure leaves no row, and at most an orphaned blob.
pub async fn put<S, E>(core: &Core, caller: &Caller, new: &NewObject, body: S) -> Result<StoredObject, OpError>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: std::fmt::Display,
{
    core.check(caller, &PutObject { new, staged: None }).await?;
    let staged = stage(core, new, body).await?;
    let blob = staged.blob;
    match core.perform(caller, &PutObject { new, staged: Some(staged) }).await {
        Ok(Put { stored: Some(stored), replaced }) => {
            if let Some(replaced) = replaced {
                discard(core, replaced).await;
            }
            Ok(stored)
        }
        Ok(Put { stored: None, .. }) => Err(OpError::internal("an object was stored without its bytes")),
        Err(error) => {
            discard(core, blob).await;
            Err(error)
        }
    }
}

/// Deletes a blob that no object names any more. Failing is harmless: the sweep finds it.
pub(super) async fn discard(core: &Core, blob: BlobId) {
    if let Err(error) = core.blobs.delete(blob).await {
        tracing::warn!(%blob, %error, "a blob could not be deleted; the sweep will");
    }
}

async fn stage<S, E>(core: &Core, new: &NewObject, body: S) -> Result<Staged, OpError>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: std::fmt::Display,
{
    let most = core.limits.object_bytes;
    let too_large = || OpError::invalid(Input::ObjectSize, ProblemKind::TooLarge, format!("an object may have at most {most} bytes"));
    if new.length.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let blob = BlobId::from_bytes(core.new_id()?);
    let mut writer = core.blobs.create(blob).await.map_err(OpError::internal)?;
    let (mut md5, mut crc, mut size) = (Md5::new(), Crc::new(Crc64Xz), 0_u64);
    let mut body = std::pin::pin!(body);
    while let Some(chunk) = body.next().await {
        let chunk = chunk
            .map_err(|error| OpError::invalid(Input::ContentLength, ProblemKind::Mismatch, format!("the body ended early: {error}")))?;
        size += chunk.len() as u64;
        if size > most {
            return Err(too_large());
        }
        if new.length.is_some_and(|length| size > length) {
            return Err(OpError::invalid(Input::ContentLength, ProblemKind::Mismatch, "the body is longer than announced"));
        }
        md5.update(&chunk);
        crc.update(&chunk);
        writer.write(chunk).await.map_err(OpError::internal)?;
    }
    if new.length.is_some_and(|length| size < length) {
        return Err(OpError::invalid(Input::ContentLength, ProblemKind::Mismatch, "the body is shorter than announced"));
    }
    let (md5, crc64): ([u8; 16], u64) = (md5.finalize().into(), crc.finalize());
    if new.content_md5.is_some_and(|wanted| wanted != md5) {
        return Err(OpError::invalid(Input::ContentMd5, ProblemKind::Mismatch, "the body does not have the MD5 announced"));
    }
    if new.content_crc64.is_some_and(|wanted| wanted != crc64) {
        return Err(OpError::invalid(Input::ContentCrc64, ProblemKind::Mismatch, "the body does not have the CRC-64 announced"));
    }
    writer.finish().await.map_err(OpError::internal)?;
    Ok(Staged { blob, size, md5, crc64 })
}

fn hex(md5: [u8; 16]) -> String {
    use std::fmt::Write as _;
    md5.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}
