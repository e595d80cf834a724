//! The service itself: ListBuckets.

use axum::response::Response;
use tegata_core::object::{BucketInfo, ListBuckets, ListedBuckets};

use super::{
    Call,
    error::OssError,
    list::max_keys,
    reply,
    xml::{close, document, leaf, open, owner},
};

/// ListBuckets.
pub(crate) async fn list_buckets(call: &Call<'_>) -> Result<Response, OssError> {
    let text = |name: &str| call.head.parameter(name).unwrap_or_default().to_owned();
    let input = ListBuckets { prefix: text("prefix"), after: text("marker"), limit: max_keys(call.head, "max-keys", 100)? };
    let page = call.core().perform(call.caller, &input).await.map_err(|error| call.failed(error))?;
    let paged = page.truncated || ["prefix", "marker", "max-keys"].iter().any(|name| call.head.parameter(name).is_some());
    Ok(reply::xml(document("ListAllMyBucketsResult", |out| {
        if paged {
            write_paging(out, &input, &page);
        }
        owner(out, &page.owner.to_string());
        open(out, "Buckets");
        for bucket in &page.buckets {
            open(out, "Bucket");
            write_bucket(out, call, bucket);
            close(out, "Bucket");
        }
        close(out, "Buckets");
    })))
}

fn write_paging(out: &mut String, input: &ListBuckets, page: &ListedBuckets) {
    leaf(out, "Prefix", &input.prefix);
    leaf(out, "Marker", &input.after);
    leaf(out, "MaxKeys", &input.limit.to_string());
    leaf(out, "IsTruncated", if page.truncated { "true" } else { "false" });
    if page.truncated
        && let Some(last) = page.buckets.last()
    {
        leaf(out, "NextMarker", last.name.as_str());
    }
}

/// What every description of a bucket begins with.
pub(crate) fn write_bucket(out: &mut String, call: &Call<'_>, bucket: &BucketInfo) {
    let settings = &call.oss.settings;
    leaf(out, "CreationDate", &bucket.created_at.to_iso_millis());
    leaf(out, "ExtranetEndpoint", &settings.public_host);
    leaf(out, "IntranetEndpoint", &settings.public_host);
    leaf(out, "Location", &format!("oss-{}", settings.addressing.region));
    leaf(out, "Name", bucket.name.as_str());
    leaf(out, "Region", &settings.addressing.region);
    leaf(out, "StorageClass", &bucket.storage_class);
}
