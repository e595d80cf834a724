//! OSS signature, version 1: HMAC-SHA1 over method, a few headers and the resource; in a header or in a URL.
//!
//! Source: the vendor's "Include a V1 signature in the Authorization header" and "… in a URL". The resource is signed
//! without encoding, so a key `a?acl` and the sub-resource `acl` of the key `a` have one and the same signature. That is the
//! scheme's own weakness, and a reason to prefer version 4; a gateway cannot mend it without refusing legal keys. Query
//! parameters that are no sub-resource (`prefix`, `max-keys`) are not signed at all.

use tegata_model::{AccessKeyId, Timestamp};

use crate::{
    arrived::{Arrived, ArrivedProblem, shown, single_header},
    oss::{self, Addressing, ObjectAddress, OssProblem, Place, Unsigned},
    presented::{Credential, Deviation, Mac, Placement, Presented, Reading, Scheme},
};

/// Query parameters that are signed as sub-resources, beside every name that begins with `x-oss-`; sorted.
///
/// The union of what all clients sign: their lists differ only in rare names.
const SUB_RESOURCES: [&str; 91] = [
    "accessPoint",
    "accessPointPolicy",
    "acl",
    "append",
    "asyncFetch",
    "bucketArchiveDirectRead",
    "bucketInfo",
    "callback",
    "callback-var",
    "cloudboxes",
    "cname",
    "comp",
    "continuation-token",
    "cors",
    "delete",
    "encryption",
    "endTime",
    "group",
    "httpsConfig",
    "img",
    "inventory",
    "inventoryId",
    "lifecycle",
    "link",
    "live",
    "location",
    "logging",
    "metaQuery",
    "objectInfo",
    "objectMeta",
    "partNumber",
    "policy",
    "policyStatus",
    "position",
    "processConfiguration",
    "publicAccessBlock",
    "qos",
    "qosInfo",
    "qosRequester",
    "redundancyTransition",
    "referer",
    "regionList",
    "replication",
    "replicationLocation",
    "replicationProgress",
    "requestPayment",
    "requesterQosInfo",
    "resourceGroup",
    "resourcePool",
    "resourcePoolBuckets",
    "resourcePoolInfo",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "responseHeader",
    "restore",
    "rtc",
    "seal",
    "security-token",
    "sequential",
    "startTime",
    "stat",
    "status",
    "style",
    "styleName",
    "symlink",
    "tagging",
    "transferAcceleration",
    "udf",
    "udfApplication",
    "udfApplicationLog",
    "udfId",
    "udfImage",
    "udfImageDesc",
    "udfName",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "vip",
    "vod",
    "vpcip",
    "website",
    "withHashContext",
    "worm",
    "wormExtend",
    "wormId",
];

/// True for a query parameter that is signed.
fn is_signed(name: &str) -> bool {
    name.starts_with("x-oss-") || SUB_RESOURCES.binary_search(&name).is_ok()
}

/// Reads a version 1 signature, from the header if there is one, else from the URL.
pub fn present(arrived: &Arrived<'_>, addressing: &Addressing) -> Result<Presented, OssProblem> {
    arrived.check()?;
    oss::refuse_repeated_parameters(arrived)?;
    let signed_url = arrived.query_value("Signature").is_some() || arrived.query_value("OSSAccessKeyId").is_some();
    match arrived.header("authorization")? {
        Some(_) if signed_url => Err(OssProblem::SignedTwice),
        Some(value) => from_header(arrived, addressing, value),
        None => from_url(arrived, addressing),
    }
}

fn from_header(arrived: &Arrived<'_>, addressing: &Addressing, authorization: &str) -> Result<Presented, OssProblem> {
    let rest = authorization.strip_prefix("OSS ").ok_or(OssProblem::Authorization)?;
    let (key, signature) = rest.trim().split_once(':').ok_or(OssProblem::Authorization)?;
    if key.is_empty() || signature.is_empty() {
        return Err(OssProblem::Authorization);
    }
    let access_key_id = AccessKeyId::new(key).map_err(|_| OssProblem::AccessKeyId { given: shown(key) })?;
    let date = match arrived.header("x-oss-date")? {
        Some(date) => Some(date),
        None => arrived.header("date")?,
    };
    let signed_at = date.and_then(Timestamp::parse_http_date).ok_or_else(|| OssProblem::Date { given: date.map(shown) })?;
    let (security_token, alias) = oss::header_token(arrived)?;
    let head = head(arrived.method, arrived.headers, date.unwrap_or_default())?;
    let (strict, mut tolerated) = readings(arrived, addressing, &head)?;
    if let Place { address: ObjectAddress::Bucket(bucket), slashless: true, .. } = &strict.0 {
        tolerated.push(slashless(arrived, &head, bucket));
    }
    let mut strict = strict.1;
    if alias {
        std::iter::once(&mut strict).chain(&mut tolerated).for_each(|reading| {
            reading.deviation.get_or_insert(Deviation::TokenHeaderAlias);
        });
    }
    Ok(Presented {
        scheme: Scheme::OssV1,
        placement: Placement::Header,
        access_key_id,
        security_token,
        nonce: None,
        signed_at: Some(signed_at),
        expires_at: None,
        signature: signature.to_owned(),
        mac: Mac::OssV1,
        host: None,
        strict,
        tolerated,
    })
}

fn from_url(arrived: &Arrived<'_>, addressing: &Addressing) -> Result<Presented, OssProblem> {
    let required = |name| arrived.query_value(name).filter(|value| !value.trim().is_empty()).ok_or(OssProblem::Missing { name });
    let (key, expires, signature) = (required("OSSAccessKeyId")?, required("Expires")?, required("Signature")?);
    let access_key_id = AccessKeyId::new(key).map_err(|_| OssProblem::AccessKeyId { given: shown(key) })?;
    // Digits only: an HTTP date here would let a signed header be replayed as a URL.
    let seconds = Some(expires).filter(|text| text.bytes().all(|b| b.is_ascii_digit())).and_then(|text| text.parse().ok());
    let expires_at = seconds.map(Timestamp::from_unix).ok_or_else(|| OssProblem::Expires { given: shown(expires) })?;
    let security_token = oss::url_token(arrived, "security-token")?;
    let ((_, strict), tolerated) = readings(arrived, addressing, &head(arrived.method, arrived.headers, expires)?)?;
    Ok(Presented {
        scheme: Scheme::OssV1,
        placement: Placement::Url,
        access_key_id,
        security_token,
        nonce: None,
        signed_at: None,
        expires_at: Some(expires_at),
        signature: signature.to_owned(),
        mac: Mac::OssV1,
        host: None,
        strict,
        tolerated,
    })
}

/// The readings of all plausible addresses.
fn readings(arrived: &Arrived<'_>, addressing: &Addressing, head: &str) -> Result<((Place, Reading), Vec<Reading>), OssProblem> {
    let (first, second) = oss::places(arrived, addressing)?;
    let reading = |place: &Place| Reading {
        canonical_request: None,
        string_to_sign: format!("{head}{}", resource(&place.address.resource(), arrived.query)),
        address: Some(place.address.clone()),
        deviation: place.deviation,
    };
    let (strict, others) = (reading(&first), second.iter().map(reading).collect());
    Ok(((first, strict), others))
}

/// One library lists by `GET /bucket?…` and signs just that; it names the same bucket.
fn slashless(arrived: &Arrived<'_>, head: &str, bucket: &str) -> Reading {
    Reading {
        canonical_request: None,
        string_to_sign: format!("{head}{}", resource(&format!("/{bucket}"), arrived.query)),
        address: Some(ObjectAddress::Bucket(bucket.to_owned())),
        deviation: Some(Deviation::SlashlessBucket),
    }
}

/// Signs by header; returns the headers to add. A `date` or `x-oss-date` already among the headers is the date line,
/// otherwise a `date` of `at` is added.
pub fn sign(request: &Unsigned<'_>, credential: &Credential<'_>, at: Timestamp) -> Result<Vec<(String, String)>, OssProblem> {
    let mut added = Vec::new();
    if let Some(token) = credential.security_token {
        added.push(("x-oss-security-token".to_owned(), token.to_owned()));
    }
    if date_line(request.headers)?.is_none() {
        added.push(("date".to_owned(), at.to_http_date()));
    }
    let headers: Vec<_> = request.headers.iter().chain(&added).cloned().collect();
    let date = date_line(&headers)?.unwrap_or_default();
    let string_to_sign = string_to_sign(request.method, &headers, date, request.address, request.query)?;
    let signature = Mac::OssV1.sign(credential.secret, &string_to_sign);
    added.push(("authorization".to_owned(), format!("OSS {}:{signature}", credential.access_key_id)));
    Ok(added)
}

/// Signs a URL good until `expires_at`; returns the query parameters to add.
pub fn presign(request: &Unsigned<'_>, credential: &Credential<'_>, expires_at: Timestamp) -> Result<Vec<(String, String)>, OssProblem> {
    let expires = expires_at.unix().to_string();
    let mut added = oss::owned([("OSSAccessKeyId", credential.access_key_id.as_str()), ("Expires", &expires)]);
    if let Some(token) = credential.security_token {
        added.push(("security-token".to_owned(), token.to_owned()));
    }
    let query: Vec<_> = request.query.iter().chain(&added).cloned().collect();
    let string_to_sign = string_to_sign(request.method, request.headers, &expires, request.address, &query)?;
    added.push(("Signature".to_owned(), Mac::OssV1.sign(credential.secret, &string_to_sign)));
    Ok(added)
}

/// What is signed. `date_line` is the date header's text, or the `Expires` of a URL.
pub fn string_to_sign(
    method: &str,
    headers: &[(String, String)],
    date_line: &str,
    address: &ObjectAddress,
    query: &[(String, String)],
) -> Result<String, OssProblem> {
    Ok(format!("{}{}", head(method, headers, date_line)?, resource(&address.resource(), query)))
}

/// The signature of a form upload's policy (its base64 text), for the field `Signature`.
pub fn post_policy_signature(policy: &str, credential: &Credential<'_>) -> String {
    Mac::OssV1.sign(credential.secret, policy)
}

fn date_line(headers: &[(String, String)]) -> Result<Option<&str>, ArrivedProblem> {
    match single_header(headers, "x-oss-date")? {
        Some(date) => Ok(Some(date)),
        None => single_header(headers, "date"),
    }
}

/// Everything before the resource.
fn head(method: &str, headers: &[(String, String)], date_line: &str) -> Result<String, ArrivedProblem> {
    let md5 = single_header(headers, "content-md5")?.unwrap_or_default();
    let content_type = single_header(headers, "content-type")?.unwrap_or_default();
    let mut out = format!("{method}\n{md5}\n{content_type}\n{date_line}\n");
    for (name, value) in oss::signed_headers(headers, |_| false)? {
        out.push_str(name);
        out.push(':');
        out.push_str(value);
        out.push('\n');
    }
    Ok(out)
}

/// The resource with its signed sub-resources, nothing encoded.
fn resource(path: &str, query: &[(String, String)]) -> String {
    let mut signed: Vec<_> = query.iter().filter(|(name, _)| is_signed(name)).collect();
    signed.sort_unstable();
    let mut out = path.to_owned();
    for (index, (name, value)) in signed.into_iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(name);
        if !value.is_empty() {
            out.push('=');
            out.push_str(value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_resources_are_sorted_for_the_search() {
        assert!(SUB_RESOURCES.is_sorted());
        assert!(is_signed("uploads") && is_signed("response-content-type") && is_signed("x-oss-anything"));
        assert!(!is_signed("prefix") && !is_signed("OSSAccessKeyId") && !is_signed("Signature") && !is_signed("Expires"));
    }
}
