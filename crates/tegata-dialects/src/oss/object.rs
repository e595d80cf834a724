//! Objects: PutObject, GetObject, HeadObject, GetObjectMeta, DeleteObject.

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use tegata_core::object::{self, ByteRange, Conditions, DeleteObject, GetObject, NewObject, ObjectHeaders, StoredObject};
use tegata_model::{BucketName, ObjectKey, Timestamp};

use super::{
    Call, Stream,
    bucket::{private_only, standard_only},
    error::OssError,
    operation::OVERRIDES,
    reply,
};
use crate::edge::limits::{Head, Repeated, patient};

/// Most bytes of all `x-oss-meta-*` names and values of one object.
const META: usize = 8 * 1024;
/// What a body is that nobody described.
const UNKNOWN_TYPE: &str = "application/octet-stream";
/// Headers that are kept with an object beside its type.
const KEPT: [&str; 5] = ["cache-control", "content-disposition", "content-encoding", "content-language", "expires"];
/// Conditions of a read; a write cannot have any.
const CONDITIONS: [&str; 4] = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];

/// PutObject. The body goes to the core as it comes in.
pub(crate) async fn put(call: &Call<'_>, bucket: BucketName, key: ObjectKey, body: &mut Stream) -> Result<Response, OssError> {
    private_only(call, "x-oss-object-acl", &["private", "default"])?;
    standard_only(call)?;
    if let Some(name) = CONDITIONS.iter().find(|name| call.head.header(name).is_some()) {
        return Err(OssError::header(name));
    }
    let new = new_object(call.head, bucket, key)?;
    let stored = object::put(call.core(), call.caller, &new, patient(body)).await.map_err(|error| call.failed(error))?;
    Ok(reply::stored(&stored))
}

fn new_object(head: &Head, bucket: BucketName, key: ObjectKey) -> Result<NewObject, OssError> {
    let length = head
        .one("content-length")?
        .map(|text| text.parse().map_err(|_| OssError::argument("content-length", text, "it is a number")))
        .transpose()?;
    if length.is_none() && head.header("transfer-encoding").is_none() {
        return Err(OssError::length_missing());
    }
    let crc = head.one("x-oss-hash-crc64ecma")?;
    let content_crc64 = crc
        .map(|text| text.parse().map_err(|_| OssError::argument("x-oss-hash-crc64ecma", text, "it is a number of 64 bits")))
        .transpose()?;
    let md5 = head
        .one("content-md5")?
        .map(|text| STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(OssError::digest));
    let forbid_overwrite = match head.one("x-oss-forbid-overwrite")? {
        None => false,
        Some(text) if text.eq_ignore_ascii_case("true") => true,
        Some(text) if text.eq_ignore_ascii_case("false") => false,
        Some(other) => return Err(OssError::argument("x-oss-forbid-overwrite", other, "it is `true` or `false`")),
    };
    Ok(NewObject { bucket, key, headers: kept_headers(head)?, content_md5: md5.transpose()?, content_crc64, length, forbid_overwrite })
}

fn kept_headers(head: &Head) -> Result<ObjectHeaders, OssError> {
    let mut standard = Vec::new();
    for name in KEPT {
        standard.extend(head.one(name)?.map(|value| (name.to_owned(), value.to_owned())));
    }
    let own = head.headers.iter().filter_map(|(name, value)| Some((name.strip_prefix("x-oss-meta-")?.to_owned(), value.trim().to_owned())));
    let meta: Vec<_> = own.collect();
    if meta.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > META {
        return Err(OssError::meta_too_large(META));
    }
    let content_type = head.one("content-type")?.filter(|text| !text.is_empty()).unwrap_or(UNKNOWN_TYPE).to_owned();
    Ok(ObjectHeaders { content_type, standard, meta, ..ObjectHeaders::default() })
}

/// GetObject. The bytes go out as they are read.
pub(crate) async fn get(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response, OssError> {
    let input = GetObject { bucket, key, conditions: conditions(call.head)? };
    let range = call.head.one("range")?.and_then(ByteRange::parse);
    let standard = call.head.one("x-oss-range-behavior")?.is_some_and(|text| text.eq_ignore_ascii_case("standard"));
    let body = object::get(call.core(), call.caller, &input, range, standard).await.map_err(|error| call.failed(error))?;
    let overrides = OVERRIDES.iter().filter_map(|name| Some((name.strip_prefix("response-")?, call.head.parameter(name)?)));
    reply::object_body(body, overrides)
}

/// HeadObject.
pub(crate) async fn head(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response, OssError> {
    Ok(reply::object_head(&found(call, bucket, key).await?))
}

/// GetObjectMeta: the little of HeadObject that never changes with a header of the object.
pub(crate) async fn meta(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response, OssError> {
    Ok(reply::object_meta(&found(call, bucket, key).await?))
}

async fn found(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<StoredObject, OssError> {
    let input = GetObject { bucket, key, conditions: conditions(call.head)? };
    Ok(call.core().perform(call.caller, &input).await.map_err(|error| call.failed(error))?.object())
}

/// DeleteObject. Whether it existed is not told.
pub(crate) async fn delete(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response, OssError> {
    object::delete(call.core(), call.caller, &DeleteObject { bucket, key }).await.map_err(|error| call.failed(error))?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// The conditions of a read. A date that cannot be read is no condition (RFC 9110 §13.1.3).
fn conditions(head: &Head) -> Result<Conditions, Repeated> {
    let tags = |text: &str| text.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect();
    Ok(Conditions {
        if_match: head.one("if-match")?.map(tags),
        if_none_match: head.one("if-none-match")?.map(tags),
        if_modified_since: head.one("if-modified-since")?.and_then(Timestamp::parse_http_date),
        if_unmodified_since: head.one("if-unmodified-since")?.and_then(Timestamp::parse_http_date),
    })
}
