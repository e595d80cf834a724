//! Object storage: buckets in the host name or the path, XML bodies, errors with fine-grained codes.
//!
//! Sources: the vendor's API reference ("Signature V1", "Signature V4", "PutObject", "GetObject", "ListObjects", "Error
//! responses", "EC error codes"). Names of headers go out in lower case, which every client understands.
//!
//! | on this wire | in this house |
//! |---|---|
//! | bucket owner, UID | account, account number |
//! | AccessKeyId and security token | access key, or temporary credential |
//! | `x-oss-request-id` | the first 24 digits of the request's id |
//! | marker, continuation token | the key after which a page begins |
//! | ACL | none but `private`: policies decide |

mod bucket;
mod error;
mod list;
mod object;
mod operation;
mod proof;
mod reply;
mod service;
mod xml;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use http::request::Parts;
use tegata_core::{Caller, Core, ObjectAddress, RequestMeta, authn::Proof};

use self::{
    error::{Asked, OssError},
    operation::{Operation, Target},
    reply::Voice,
};
use crate::{
    GatewaySettings,
    edge::{
        limits::{Head, drain},
        meta,
        span::{self, Journal},
    },
};

/// This dialect's name in [`crate::Outcome`].
pub const NAME: &str = "oss";

/// Longest request target, in bytes.
const TARGET: usize = 16 * 1024;

/// What the handlers share.
pub(crate) struct Oss {
    core: Arc<Core>,
    settings: GatewaySettings,
}

/// The dialect on every method and path, untouched.
pub(crate) fn router(core: Arc<Core>, settings: GatewaySettings) -> Router {
    Router::new().fallback(receive).with_state(Arc::new(Oss { core, settings }))
}

async fn receive(State(oss): State<Arc<Oss>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let meta = meta::read(&oss.core, &parts, &oss.settings.trusted_proxies);
    span::within(NAME, &meta.clone(), || async move {
        let mut journal = Journal::new();
        let voice = Voice::new(meta.id, &parts, &oss.settings, oss.core.now());
        let mut body = body.into_data_stream();
        let response = match oss.answer(&parts, &mut body, meta, &mut journal).await {
            Ok(response) => voice.success(response),
            Err(error) => {
                // A client that waits for `100 Continue` has sent nothing that would have to be read.
                if !parts.headers.contains_key(http::header::EXPECT) {
                    drain(&mut body).await;
                }
                journal.failure(&error);
                voice.failure(&error)
            }
        };
        (response, journal)
    })
    .await
}

/// The body of a request, read chunk by chunk.
type Stream = axum::body::BodyDataStream;

impl Oss {
    /// From bytes to a reply. Nothing of the body is read before the caller is known and permitted.
    async fn answer(&self, parts: &Parts, body: &mut Stream, meta: RequestMeta, journal: &mut Journal) -> Result<Response, OssError> {
        let head = Head::read(parts, TARGET)?;
        let read = proof::read(&head, &self.settings.addressing).inspect_err(|_| self.core.refuse_malformed(meta.source))?;
        let Some(presented) = read else {
            self.core.refuse_anonymous(meta.source);
            return Err(OssError::anonymous(&head));
        };
        let asked = Asked::of(&presented);
        let caller = self.core.authenticate(Proof::Signed(presented), meta).await.map_err(|error| OssError::of(error, &asked))?;
        journal.caller(&caller);
        let address = caller.verified().and_then(|verified| verified.address()).cloned().unwrap_or(ObjectAddress::Service);
        let target = Target::of(address)?;
        let operation = Operation::find(&head, &target)?;
        journal.operation = operation.name();
        operation.refuse_what_it_does_not_know(&head)?;
        let request = Call { oss: self, caller: &caller, head: &head, asked: &asked };
        request.perform(operation, target, body).await
    }
}

/// One authenticated request on its way through a handler.
struct Call<'a> {
    oss: &'a Oss,
    caller: &'a Caller,
    head: &'a Head,
    asked: &'a Asked,
}

impl Call<'_> {
    async fn perform(&self, operation: Operation, target: Target, body: &mut Stream) -> Result<Response, OssError> {
        match (operation, target) {
            (Operation::ListBuckets, _) => service::list_buckets(self).await,
            (Operation::PutBucket, Target::Bucket(name)) => bucket::put(self, name, body).await,
            (Operation::GetBucketInfo, Target::Bucket(name)) => bucket::info(self, name).await,
            (Operation::DeleteBucket, Target::Bucket(name)) => bucket::delete(self, name).await,
            (Operation::ListObjects, Target::Bucket(name)) => list::version_1(self, name).await,
            (Operation::ListObjectsV2, Target::Bucket(name)) => list::version_2(self, name).await,
            (Operation::PutObject, Target::Object(bucket, key)) => object::put(self, bucket, key, body).await,
            (Operation::GetObject, Target::Object(bucket, key)) => object::get(self, bucket, key).await,
            (Operation::HeadObject, Target::Object(bucket, key)) => object::head(self, bucket, key).await,
            (Operation::GetObjectMeta, Target::Object(bucket, key)) => object::meta(self, bucket, key).await,
            (Operation::DeleteObject, Target::Object(bucket, key)) => object::delete(self, bucket, key).await,
            (_, target) => Err(OssError::method(&self.head.method, &target)),
        }
    }

    fn core(&self) -> &Core {
        &self.oss.core
    }

    /// The core's error as this wire says it.
    fn failed(&self, error: tegata_core::OpError) -> OssError {
        OssError::of(error, self.asked)
    }
}
