//! ListObjects in its two versions: one operation, two ways to say where a page begins.

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tegata_core::object::{ListObjects, ListedObjects, StoredObject};
use tegata_model::BucketName;
use tegata_sign::form::percent_encode;

use super::{
    Call,
    error::OssError,
    reply,
    xml::{close, document, leaf, open, owner},
};
use crate::edge::limits::Head;

/// Most entries of one page.
const MOST: usize = 1000;

/// How names are written: as they are, or percent-encoded because the client asked for it.
#[derive(Debug, Clone, Copy)]
struct Names {
    encoded: bool,
}

impl Names {
    fn asked(head: &Head) -> Result<Self, OssError> {
        match head.parameter("encoding-type") {
            None | Some("") => Ok(Self { encoded: false }),
            Some("url") => Ok(Self { encoded: true }),
            Some(other) => Err(OssError::argument("encoding-type", other, "it is `url`")),
        }
    }

    fn leaf(self, out: &mut String, element: &str, name: &str) {
        if self.encoded { leaf(out, element, &percent_encode(name)) } else { leaf(out, element, name) }
    }
}

/// A number of entries, 1 to 1000.
pub(crate) fn max_keys(head: &Head, name: &'static str, usual: usize) -> Result<usize, OssError> {
    let Some(text) = head.parameter(name).filter(|text| !text.is_empty()) else { return Ok(usual) };
    let digits = text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.filter(|number| (1..=MOST).contains(number)).ok_or_else(|| OssError::argument(name, text, "it is a number from 1 to 1000"))
}

fn input(head: &Head, bucket: BucketName, after: String) -> Result<ListObjects, OssError> {
    let text = |name: &str| head.parameter(name).unwrap_or_default().to_owned();
    Ok(ListObjects { bucket, prefix: text("prefix"), delimiter: text("delimiter"), after, limit: max_keys(head, "max-keys", 100)? })
}

/// ListObjects.
pub(crate) async fn version_1(call: &Call<'_>, bucket: BucketName) -> Result<Response, OssError> {
    let names = Names::asked(call.head)?;
    let input = input(call.head, bucket, call.head.parameter("marker").unwrap_or_default().to_owned())?;
    let page = call.core().perform(call.caller, &input).await.map_err(|error| call.failed(error))?;
    Ok(reply::xml(document("ListBucketResult", |out| {
        write_head(out, names, &input, &page);
        names.leaf(out, "Marker", &input.after);
        if let Some(next) = &page.next {
            names.leaf(out, "NextMarker", next);
        }
        write_entries(out, names, &page, true);
    })))
}

/// ListObjectsV2. Its token is the key the last page ended with, in letters that survive any encoding; it grants nothing.
pub(crate) async fn version_2(call: &Call<'_>, bucket: BucketName) -> Result<Response, OssError> {
    let names = Names::asked(call.head)?;
    let given = |name: &str| call.head.parameter(name).filter(|text| !text.is_empty());
    let (token, start_after) = (given("continuation-token"), given("start-after"));
    let after = token.map(key_of).transpose()?.or_else(|| start_after.map(str::to_owned)).unwrap_or_default();
    let input = input(call.head, bucket, after)?;
    let page = call.core().perform(call.caller, &input).await.map_err(|error| call.failed(error))?;
    Ok(reply::xml(document("ListBucketResult", |out| {
        write_head(out, names, &input, &page);
        leaf(out, "KeyCount", &(page.objects.len() + page.common_prefixes.len()).to_string());
        if let Some(start_after) = start_after {
            names.leaf(out, "StartAfter", start_after);
        }
        if let Some(token) = token {
            leaf(out, "ContinuationToken", token);
        }
        if let Some(next) = &page.next {
            leaf(out, "NextContinuationToken", &URL_SAFE_NO_PAD.encode(next));
        }
        write_entries(out, names, &page, given("fetch-owner") == Some("true"));
    })))
}

fn key_of(token: &str) -> Result<String, OssError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| OssError::argument("continuation-token", token, "it is a token that an earlier page gave"))
}

fn write_head(out: &mut String, names: Names, input: &ListObjects, page: &ListedObjects) {
    leaf(out, "Name", input.bucket.as_str());
    names.leaf(out, "Prefix", &input.prefix);
    leaf(out, "MaxKeys", &input.limit.to_string());
    names.leaf(out, "Delimiter", &input.delimiter);
    if names.encoded {
        leaf(out, "EncodingType", "url");
    }
    leaf(out, "IsTruncated", if page.next.is_some() { "true" } else { "false" });
}

fn write_entries(out: &mut String, names: Names, page: &ListedObjects, with_owner: bool) {
    let account = page.owner.to_string();
    for object in &page.objects {
        open(out, "Contents");
        write_object(out, names, object);
        if with_owner {
            owner(out, &account);
        }
        close(out, "Contents");
    }
    for prefix in &page.common_prefixes {
        open(out, "CommonPrefixes");
        names.leaf(out, "Prefix", prefix);
        close(out, "CommonPrefixes");
    }
}

fn write_object(out: &mut String, names: Names, object: &StoredObject) {
    names.leaf(out, "Key", object.key.as_str());
    leaf(out, "LastModified", &object.modified_at.to_iso_millis());
    leaf(out, "ETag", &object.etag);
    leaf(out, "Type", reply::OBJECT_TYPE);
    leaf(out, "Size", &object.size.to_string());
    leaf(out, "StorageClass", reply::STORAGE_CLASS);
}
