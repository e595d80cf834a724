//! Which operation a request asks for, and what each of them understands. What is not understood is refused, never ignored.

use tegata_core::ObjectAddress;
use tegata_model::{BucketName, ObjectKey};

use super::error::OssError;
use crate::edge::limits::Head;

/// What a request names, with names that can exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Service,
    Bucket(BucketName),
    Object(BucketName, ObjectKey),
}

impl Target {
    /// Checks the names of an address.
    pub(crate) fn of(address: ObjectAddress) -> Result<Self, OssError> {
        let bucket_name = |text: &str| BucketName::new(text).map_err(|error| OssError::bucket_name(text, &error));
        match address {
            ObjectAddress::Service => Ok(Self::Service),
            ObjectAddress::Bucket(bucket) => Ok(Self::Bucket(bucket_name(&bucket)?)),
            ObjectAddress::Object { bucket, key } => {
                let bucket = bucket_name(&bucket)?;
                Ok(Self::Object(bucket, ObjectKey::new(&key).map_err(|error| OssError::object_name(&error.to_string()))?))
            }
        }
    }

    /// What kind of thing it is, as errors say it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Service => "SERVICE",
            Self::Bucket(_) => "BUCKET",
            Self::Object(..) => "OBJECT",
        }
    }
}

/// The operations of this dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    ListBuckets,
    PutBucket,
    GetBucketInfo,
    DeleteBucket,
    ListObjects,
    ListObjectsV2,
    PutObject,
    GetObject,
    HeadObject,
    GetObjectMeta,
    DeleteObject,
}

/// Parameters that a GET may use to change the headers of its answer.
pub(crate) const OVERRIDES: [&str; 6] = [
    "response-content-type",
    "response-content-language",
    "response-expires",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
];

/// Parameters that name another operation, or change what an operation means. None of them may be ignored.
const MEANINGFUL: &str = "
    accessPoint accessPointPolicy acl append asyncFetch bucketArchiveDirectRead bucketInfo callback callback-var
    cloudboxes cname comp continuation-token cors delete encryption endTime group httpsConfig img inventory
    inventoryId lifecycle link live location logging metaQuery objectInfo objectMeta partNumber policy policyStatus
    position processConfiguration publicAccessBlock qos qosInfo qosRequester redundancyTransition referer regionList
    replication replicationLocation replicationProgress requestPayment requesterQosInfo resourceGroup resourcePool
    resourcePoolBuckets resourcePoolInfo responseHeader restore rtc seal sequential startTime stat status style
    styleName symlink tagging transferAcceleration udf udfApplication udfApplicationLog udfId udfImage udfImageDesc
    udfName uploadId uploads versionId versioning versions vip vod vpcip website withHashContext worm wormExtend
    wormId
";

fn meaningful() -> impl Iterator<Item = &'static str> {
    MEANINGFUL.split_ascii_whitespace()
}

/// Parameters of a signature, understood by every operation.
const SIGNATURE: [&str; 7] = [
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-additional-headers",
    "x-oss-security-token",
    "x-oss-signature",
];

/// Headers of a signature, and one that names the client; understood by every operation.
const ALWAYS: [&str; 4] = ["x-oss-date", "x-oss-security-token", "x-oss-content-sha256", "x-oss-user-agent"];

impl Operation {
    /// The name in the vendor's reference.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ListBuckets => "ListBuckets",
            Self::PutBucket => "PutBucket",
            Self::GetBucketInfo => "GetBucketInfo",
            Self::DeleteBucket => "DeleteBucket",
            Self::ListObjects => "ListObjects",
            Self::ListObjectsV2 => "ListObjectsV2",
            Self::PutObject => "PutObject",
            Self::GetObject => "GetObject",
            Self::HeadObject => "HeadObject",
            Self::GetObjectMeta => "GetObjectMeta",
            Self::DeleteObject => "DeleteObject",
        }
    }

    /// By method, kind of target, and the parameters that name an operation.
    pub(crate) fn find(head: &Head, target: &Target) -> Result<Self, OssError> {
        let has = |name: &str| head.parameter(name).is_some();
        Ok(match (head.method.as_str(), target) {
            ("GET", Target::Service) => Self::ListBuckets,
            ("GET", Target::Bucket(_)) if has("bucketInfo") => Self::GetBucketInfo,
            ("GET", Target::Bucket(_)) => match head.parameter("list-type") {
                Some("2") => Self::ListObjectsV2,
                None | Some("" | "1") => Self::ListObjects,
                Some(other) => return Err(OssError::argument("list-type", other, "it is `1` or `2`")),
            },
            ("PUT", Target::Bucket(_)) => Self::PutBucket,
            ("DELETE", Target::Bucket(_)) => Self::DeleteBucket,
            ("PUT", Target::Object(..)) => Self::PutObject,
            ("GET", Target::Object(..)) => Self::GetObject,
            ("HEAD", Target::Object(..)) if has("objectMeta") => Self::GetObjectMeta,
            ("HEAD", Target::Object(..)) => Self::HeadObject,
            ("DELETE", Target::Object(..)) => Self::DeleteObject,
            // A POST is always one of the operations that are not offered here.
            ("POST", _) => return Err(OssError::not_offered(meaningful().find(|name| has(name)).unwrap_or("POST"))),
            _ => return Err(OssError::method(&head.method, target)),
        })
    }

    /// Refuses every parameter and header that would change what is asked for in a way this operation does not know.
    pub(crate) fn refuse_what_it_does_not_know(self, head: &Head) -> Result<(), OssError> {
        let (parameters, headers) = self.understood();
        for (name, _) in &head.query {
            let name = name.as_str();
            let meaningful = meaningful().any(|known| known == name) || OVERRIDES.contains(&name) || name.starts_with("x-oss-");
            let overridden = self == Self::GetObject && OVERRIDES.contains(&name);
            if meaningful && !overridden && !parameters.contains(&name) && !SIGNATURE.contains(&name) {
                return Err(OssError::not_offered(name));
            }
        }
        for (name, _) in &head.headers {
            let name = name.as_str();
            let meta = self == Self::PutObject && name.starts_with("x-oss-meta-");
            if name.starts_with("x-oss-") && !meta && !headers.contains(&name) && !ALWAYS.contains(&name) {
                return Err(OssError::header(name));
            }
        }
        Ok(())
    }

    fn understood(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::ListBuckets | Self::ListObjects | Self::DeleteBucket | Self::DeleteObject => (&[], &[]),
            Self::PutBucket => (&[], &["x-oss-acl", "x-oss-storage-class"]),
            Self::GetBucketInfo => (&["bucketInfo"], &[]),
            Self::ListObjectsV2 => (&["continuation-token"], &[]),
            Self::PutObject => (&[], &["x-oss-object-acl", "x-oss-storage-class", "x-oss-forbid-overwrite", "x-oss-hash-crc64ecma"]),
            Self::GetObject | Self::HeadObject => (&[], &["x-oss-range-behavior"]),
            Self::GetObjectMeta => (&["objectMeta"], &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> Head {
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Head::read(&request.body(()).unwrap().into_parts().0, 4096).unwrap()
    }

    #[test]
    fn what_is_not_offered_is_refused_and_never_another_operation() {
        let bucket = Target::Bucket(BucketName::new("photos").unwrap());
        let object = Target::Object(BucketName::new("photos").unwrap(), ObjectKey::new("a").unwrap());
        let code = |target: &Target, head: &Head| match Operation::find(head, target).and_then(|op| op.refuse_what_it_does_not_know(head)) {
            Ok(()) => "OK".to_owned(),
            Err(error) => crate::edge::span::Failure::code(&error).to_owned(),
        };
        for name in meaningful() {
            for method in ["GET", "PUT", "DELETE", "HEAD", "POST"] {
                let answer =
                    (code(&bucket, &head(method, &format!("/?{name}=1"), &[])), code(&object, &head(method, &format!("/?{name}"), &[])));
                match (method, name) {
                    ("GET", "bucketInfo") => assert_eq!(answer.0, "OK"),
                    ("HEAD", "objectMeta") => assert_eq!(answer.1, "OK"),
                    ("HEAD", _) => {
                        assert_eq!(answer, ("MethodNotAllowed".to_owned(), "OperationNotSupported".to_owned()), "{method} {name}");
                    }
                    _ => assert_eq!(answer, ("OperationNotSupported".to_owned(), "OperationNotSupported".to_owned()), "{method} {name}"),
                }
            }
        }
        for name in
            ["x-oss-copy-source", "x-oss-callback", "x-oss-server-side-encryption", "x-oss-tagging", "x-oss-symlink-target", "x-oss-acl"]
        {
            assert_eq!(code(&object, &head("PUT", "/", &[(name, "1")])), "NotImplemented", "{name}");
        }
        assert_eq!(code(&object, &head("GET", "/?x-oss-process=image", &[])), "OperationNotSupported");
        assert_eq!(code(&object, &head("PUT", "/?response-content-type=a", &[])), "OperationNotSupported");
        assert_eq!(code(&object, &head("GET", "/?response-content-type=a&unknown=1", &[("x-sdk", "1")])), "OK");
        assert_eq!(code(&bucket, &head("GET", "/?list-type=2&continuation-token=a&prefix=b", &[])), "OK");
    }
}
