//! Every action of every operation, by its canonical name. Each dialect's spelling is an alias of one of these.

use std::fmt;

/// One thing a principal can ask for, as policies name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Action(&'static str);

impl Action {
    /// The canonical name, `service:Name`.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        $($(#[$doc])* pub const $constant: Action = Action($name);)*
        /// All of them, in the order above. The permission matrix is enumerated from this list.
        pub const ALL: &[Action] = &[$($constant),*];
    };
}

actions! {
    /// Become a role for a while.
    STS_ASSUME_ROLE = "sts:AssumeRole";
    /// Ask who one is; needs no permission.
    STS_GET_CALLER_IDENTITY = "sts:GetCallerIdentity";
    /// List the buckets of one's account.
    OSS_LIST_BUCKETS = "oss:ListBuckets";
    /// Create a bucket.
    OSS_PUT_BUCKET = "oss:PutBucket";
    /// Delete an empty bucket.
    OSS_DELETE_BUCKET = "oss:DeleteBucket";
    /// Read what a bucket is.
    OSS_GET_BUCKET_INFO = "oss:GetBucketInfo";
    /// List the objects of a bucket.
    OSS_LIST_OBJECTS = "oss:ListObjects";
    /// Store an object.
    OSS_PUT_OBJECT = "oss:PutObject";
    /// Read an object or its metadata.
    OSS_GET_OBJECT = "oss:GetObject";
    /// Delete an object.
    OSS_DELETE_OBJECT = "oss:DeleteObject";
}
