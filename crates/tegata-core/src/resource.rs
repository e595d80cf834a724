//! What an operation acts on, by name: asked about before anybody looks whether it exists.

use std::fmt;

use tegata_model::{AccountAlias, AccountNumber, BucketName, ObjectKey, PolicyName, RoleName, UserName};
use tegata_policy::Resource;

/// The name of one resource. Every dialect spells it its own way; policies see its five segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceName {
    /// An account, by the name people type.
    Account(AccountAlias),
    /// A user of an account.
    User {
        /// The account it belongs to.
        account: AccountNumber,
        /// Its name.
        name: UserName,
    },
    /// A role of an account.
    Role {
        /// The account it belongs to.
        account: AccountNumber,
        /// Its name.
        name: RoleName,
    },
    /// A policy of an account.
    Policy {
        /// The account it belongs to.
        account: AccountNumber,
        /// Its name.
        name: PolicyName,
    },
    /// The buckets of an account, as a collection.
    Buckets {
        /// The account they belong to.
        account: AccountNumber,
    },
    /// A bucket.
    Bucket {
        /// The account it belongs to, or would.
        account: AccountNumber,
        /// Its name.
        name: BucketName,
    },
    /// An object of a bucket.
    Object {
        /// The account the bucket belongs to, or would.
        account: AccountNumber,
        /// The bucket.
        bucket: BucketName,
        /// The key in the bucket.
        key: ObjectKey,
    },
    /// Oneself; no permission is needed.
    Caller,
}

/// The segments of a resource as owned text, from which [`Resource`] borrows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segments {
    service: &'static str,
    account: String,
    relative: String,
}

impl Segments {
    pub(crate) fn as_resource(&self) -> Resource<'_> {
        Resource { service: self.service, region: "", account: &self.account, relative: &self.relative }
    }
}

impl ResourceName {
    pub(crate) fn segments(&self) -> Segments {
        let (service, account, relative) = match self {
            Self::Account(alias) => ("ram", None, format!("account/{alias}")),
            Self::User { account, name } => ("ram", Some(account), format!("user/{name}")),
            Self::Role { account, name } => ("ram", Some(account), format!("role/{name}")),
            Self::Policy { account, name } => ("ram", Some(account), format!("policy/{name}")),
            Self::Buckets { account } => ("oss", Some(account), "*".to_owned()),
            Self::Bucket { account, name } => ("oss", Some(account), name.to_string()),
            Self::Object { account, bucket, key } => ("oss", Some(account), format!("{bucket}/{key}")),
            Self::Caller => ("sts", None, "*".to_owned()),
        };
        Segments { service, account: account.map(ToString::to_string).unwrap_or_default(), relative }
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segments = self.segments();
        // The region is written as `*` where the service has regions, as people write it in policies.
        let region = if segments.service == "oss" { "*" } else { "" };
        write!(f, "acs:{}:{region}:{}:{}", segments.service, segments.account, segments.relative)
    }
}
