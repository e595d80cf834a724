//! Objects: what is stored under a key, and the blob that holds its bytes.

use tegata_model::{BlobId, BucketId, ObjectKey, Timestamp};

use crate::{Must, Row, Step, Store, StoreError, Value, row::Fields};

const FIND: &str = "SELECT bucket_id, key, blob_id, size, etag, md5, crc64, content_type, headers, modified_at FROM objects \
    WHERE bucket_id = $1 AND key = $2";
const LIST_TO: &str = "SELECT bucket_id, key, blob_id, size, etag, md5, crc64, content_type, headers, modified_at FROM objects \
    WHERE bucket_id = $1 AND key > $2 AND key >= $3 AND key < $4 ORDER BY key LIMIT $5";
const LIST_ALL: &str = "SELECT bucket_id, key, blob_id, size, etag, md5, crc64, content_type, headers, modified_at FROM objects \
    WHERE bucket_id = $1 AND key > $2 ORDER BY key LIMIT $3";
const INSERT: &str = "INSERT INTO objects (blob_id, size, etag, md5, crc64, content_type, headers, modified_at, bucket_id, key) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
const REPLACE: &str = "UPDATE objects SET blob_id = $1, size = $2, etag = $3, md5 = $4, crc64 = $5, content_type = $6, headers = $7, \
    modified_at = $8 WHERE bucket_id = $9 AND key = $10 AND blob_id = $11";
const DELETE: &str = "DELETE FROM objects WHERE bucket_id = $1 AND key = $2 AND blob_id = $3";
const ANY: &str = "SELECT 1 FROM objects WHERE bucket_id = $1 LIMIT 1";
const BLOB_IN_USE: &str = "SELECT 1 FROM objects WHERE blob_id = $1 LIMIT 1";

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRow {
    /// The bucket it is in.
    pub bucket_id: BucketId,
    /// Its key.
    pub key: ObjectKey,
    /// The blob with its bytes; also what tells this content of the key from any other.
    pub blob_id: BlobId,
    /// Length in bytes.
    pub size: u64,
    /// The entity tag without quotes.
    pub etag: String,
    /// MD5 of the bytes, where they came in one piece.
    pub md5: Option<[u8; 16]>,
    /// CRC-64 of the bytes.
    pub crc64: u64,
    /// Media type as given.
    pub content_type: String,
    /// Other headers to give back, as JSON.
    pub headers: String,
    /// When these bytes were put.
    pub modified_at: Timestamp,
}

impl ObjectRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("objects", row);
        Ok(Self {
            bucket_id: f.id("bucket_id", BucketId::from_bytes)?,
            key: {
                let bytes = f.bytes("key")?;
                std::str::from_utf8(&bytes).ok().and_then(|text| ObjectKey::new(text).ok()).ok_or_else(|| f.corrupt("key"))?
            },
            blob_id: f.id("blob_id", BlobId::from_bytes)?,
            size: f.unsigned("size", Ok::<_, std::convert::Infallible>)?,
            etag: f.text("etag")?,
            md5: f.optional_id("md5", |bytes| bytes)?,
            crc64: f.int("crc64")?.cast_unsigned(),
            content_type: f.text("content_type")?,
            headers: f.text("headers")?,
            modified_at: f.at("modified_at")?,
        })
    }
}

/// The object under this key.
pub async fn find(store: &Store, bucket: BucketId, key: &ObjectKey) -> Result<Option<ObjectRow>, StoreError> {
    store.find(FIND, &[bucket.into(), key.into()], ObjectRow::read).await
}

/// Objects whose keys begin with `prefix` and come after `after` (exclusive, any bytes, empty for all), in byte order, at most `limit`.
pub async fn list(store: &Store, bucket: BucketId, prefix: &[u8], after: &[u8], limit: u32) -> Result<Vec<ObjectRow>, StoreError> {
    match end_of_prefix(prefix) {
        Some(end) => {
            let params = vec![bucket.into(), after.into(), prefix.into(), end.into(), limit.into()];
            store.list(LIST_TO, params, ObjectRow::read).await
        }
        // Without an end every byte of the prefix is 0xFF, which no key holds, unless the prefix is empty.
        None if prefix.is_empty() => store.list(LIST_ALL, vec![bucket.into(), after.into(), limit.into()], ObjectRow::read).await,
        None => Ok(Vec::new()),
    }
}

/// The smallest bytes above everything that begins with `prefix`.
pub fn end_of_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let keep = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut end: Vec<u8> = prefix.iter().take(keep + 1).copied().collect();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    Some(end)
}

/// True if the bucket holds anything.
pub async fn any(store: &Store, bucket: BucketId) -> Result<bool, StoreError> {
    Ok(!store.query(ANY, &[bucket.into()]).await?.is_empty())
}

/// True if an object's bytes are in this blob.
pub async fn blob_in_use(store: &Store, blob: BlobId) -> Result<bool, StoreError> {
    Ok(!store.query(BLOB_IN_USE, &[blob.into()]).await?.is_empty())
}

/// Puts the object. With `replaces` the key must still hold that blob; without it the key must hold nothing.
pub fn put(row: &ObjectRow, replaces: Option<BlobId>) -> Step {
    let mut params: Vec<Value> = Vec::with_capacity(11);
    params.extend([
        row.blob_id.into(),
        i64::try_from(row.size).unwrap_or(i64::MAX).into(),
        row.etag.as_str().into(),
        row.md5.into(),
        row.crc64.cast_signed().into(),
        row.content_type.as_str().into(),
        row.headers.as_str().into(),
        row.modified_at.into(),
        row.bucket_id.into(),
        (&row.key).into(),
    ]);
    match replaces {
        None => Step::new(INSERT, params, Must::Hold),
        Some(old) => {
            params.push(old.into());
            Step::new(REPLACE, params, Must::Hold)
        }
    }
}

/// Removes the object, which must still hold `blob`.
pub fn delete(bucket: BucketId, key: &ObjectKey, blob: BlobId) -> Step {
    Step::new(DELETE, vec![bucket.into(), key.into(), blob.into()], Must::Hold)
}
