//! Buckets: PutBucket, GetBucketInfo, DeleteBucket.

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header};
use md5::{Digest as _, Md5};
use tegata_core::object::{CreateBucket, DeleteBucket, DescribeBucket};
use tegata_model::BucketName;

use super::{
    Call, Stream,
    error::OssError,
    reply,
    service::write_bucket,
    xml::{self, close, document, leaf, open, owner},
};
use crate::edge::limits::small_body;

/// The one class there is.
const STANDARD_CLASS: &str = "Standard";

/// PutBucket.
pub(crate) async fn put(call: &Call<'_>, name: BucketName, body: &mut Stream) -> Result<Response, OssError> {
    private_only(call, "x-oss-acl", &["private"])?;
    standard_only(call)?;
    let location = HeaderValue::try_from(format!("/{name}"));
    let bytes = small_body(body, xml::LARGEST).await?;
    if let Some(digest) = call.head.one("content-md5")?
        && STANDARD.encode(Md5::digest(&bytes)) != digest
    {
        return Err(OssError::digest());
    }
    let input = CreateBucket { name, storage_class: wanted_class(&bytes)? };
    call.core().perform(call.caller, &input).await.map_err(|error| call.failed(error))?;
    let mut response = reply::empty(StatusCode::OK);
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The storage class that a `CreateBucketConfiguration` asks for.
fn wanted_class(body: &[u8]) -> Result<String, OssError> {
    if body.is_empty() {
        return Ok(STANDARD_CLASS.to_owned());
    }
    let fields = xml::fields(body, "CreateBucketConfiguration").map_err(|_| OssError::malformed_xml())?;
    for (name, value) in &fields {
        match (name.as_str(), value.as_str()) {
            ("StorageClass", STANDARD_CLASS) | ("DataRedundancyType", "LRS") | (_, "") => {}
            ("StorageClass" | "DataRedundancyType", _) => return Err(OssError::not_offered(name)),
            _ => return Err(OssError::malformed_xml()),
        }
    }
    Ok(STANDARD_CLASS.to_owned())
}

/// Refuses an access control list that would open something: policies decide here, and nothing else.
pub(crate) fn private_only(call: &Call<'_>, header: &'static str, private: &[&str]) -> Result<(), OssError> {
    match call.head.one(header)? {
        None => Ok(()),
        Some(acl) if private.contains(&acl) => Ok(()),
        Some("public-read" | "public-read-write") => Err(OssError::header(header)),
        Some(other) => Err(OssError::argument(header, other, "it is `private`")),
    }
}

/// Refuses a storage class that does not exist here.
pub(crate) fn standard_only(call: &Call<'_>) -> Result<(), OssError> {
    match call.head.one("x-oss-storage-class")? {
        None | Some(STANDARD_CLASS) => Ok(()),
        Some(_) => Err(OssError::header("x-oss-storage-class")),
    }
}

/// GetBucketInfo.
pub(crate) async fn info(call: &Call<'_>, name: BucketName) -> Result<Response, OssError> {
    let bucket = call.core().perform(call.caller, &DescribeBucket { name }).await.map_err(|error| call.failed(error))?;
    Ok(reply::xml(document("BucketInfo", |out| {
        open(out, "Bucket");
        write_bucket(out, call, &bucket);
        leaf(out, "DataRedundancyType", "LRS");
        leaf(out, "Comment", "");
        owner(out, &bucket.owner.to_string());
        open(out, "AccessControlList");
        leaf(out, "Grant", "private");
        close(out, "AccessControlList");
        close(out, "Bucket");
    })))
}

/// DeleteBucket.
pub(crate) async fn delete(call: &Call<'_>, name: BucketName) -> Result<Response, OssError> {
    call.core().perform(call.caller, &DeleteBucket { name }).await.map_err(|error| call.failed(error))?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
