//! The complete error table, as one snapshot.

use std::{fmt::Write as _, time::Duration};

use tegata_core::{object::DescribeBucket, testing::TestCore};
use tegata_model::{AccountAlias, AccountNumber, BucketName, ObjectKey, PolicyName, RoleName, Timestamp, UserName};
use tegata_sign::{arrived::ArrivedProblem, form::FormError, oss::OssProblem};

use super::*;
use crate::edge::limits::{BodyProblem, HeadProblem, Repeated};

fn line(out: &mut String, cause: &str, error: &OssError) {
    let extras: Vec<String> = error
        .extras
        .iter()
        .map(|extra| match extra {
            Extra::Element(name, value) => format!("<{name}>{}", value.replace('\n', "\\n")),
            Extra::Header(name, value) => format!("{name}: {value}"),
        })
        .collect();
    let _ = writeln!(out, "{cause:<40} {} {:<36} {:<13} {}", error.status.as_u16(), error.code, error.ec.unwrap_or("-"), error.message);
    if !extras.is_empty() {
        let _ = writeln!(out, "    {}", extras.join(" "));
    }
}

fn asked(scheme: Scheme, id: &str) -> Asked {
    Asked { scheme, access_key_id: id.to_owned(), security_token: Some("TOKEN+/=".to_owned()) }
}

fn mismatch(canonical_request: Option<&str>) -> OpError {
    OpError::Authentication(AuthnFailure::Signature(Box::new(Mismatch {
        string_to_sign: "GET\nTOKEN+/=".to_owned(),
        canonical_request: canonical_request.map(str::to_owned),
        signature_provided: "SIGNATURE".to_owned(),
    })))
}

fn times() -> [TimeProblem; 4] {
    let (now, at, allowed) = (Timestamp::from_unix(1_767_323_045), Timestamp::from_unix(1_767_000_000), Duration::from_mins(15));
    [
        TimeProblem::Skewed { request_time: at, now, allowed },
        TimeProblem::Expired { expires_at: at, now },
        TimeProblem::TooEarly { not_before: now.plus(allowed), now },
        TimeProblem::TooFarAhead { expires_at: now.plus(allowed), now, allowed },
    ]
}

fn authentication_failures(out: &mut String) {
    let v1 = asked(Scheme::OssV1, "LTAIx");
    line(out, "V1 mismatch", &OssError::of(mismatch(None), &v1));
    line(out, "V4 mismatch", &OssError::of(mismatch(Some("PUT\nx-oss-security-token=TOKEN%2B%2F%3D")), &asked(Scheme::OssV4, "LTAIx")));
    line(out, "UnknownKey STS", &OssError::of(OpError::Authentication(AuthnFailure::UnknownKey), &asked(Scheme::OssV1, "STS.x")));
    for failure in [
        AuthnFailure::Anonymous,
        AuthnFailure::UnknownKey,
        AuthnFailure::KeyInactive,
        AuthnFailure::KeyTooOld(Duration::from_hours(24 * 90)),
        AuthnFailure::KeyElsewhere,
        AuthnFailure::KeyOfPerson,
        AuthnFailure::OwnerInactive,
        AuthnFailure::TokenMissing,
        AuthnFailure::TokenMalformed,
        AuthnFailure::TokenExpired,
        AuthnFailure::TokenMismatch,
        AuthnFailure::SessionEnded,
        AuthnFailure::Client,
        AuthnFailure::Replayed,
        AuthnFailure::Federation(tegata_core::FederationFailure::Untrusted),
    ] {
        let cause = failure.reason();
        line(out, cause, &OssError::of(OpError::Authentication(failure), &v1));
    }
    for scheme in [Scheme::OssV1, Scheme::OssV4] {
        for problem in times() {
            let cause = format!("{scheme:?} {}", format!("{problem:?}").split(' ').next().unwrap());
            line(out, &cause, &OssError::of(OpError::Authentication(AuthnFailure::Time(problem)), &asked(scheme, "LTAIx")));
        }
    }
}

fn proof_problems(out: &mut String) {
    let given = || "GIVEN".to_owned();
    for problem in [
        OssProblem::Arrived(ArrivedProblem::HeaderRepeated { name: given() }),
        OssProblem::Arrived(ArrivedProblem::ParameterRepeated { name: given() }),
        OssProblem::Arrived(ArrivedProblem::TooLong { what: "path", limit: 9 }),
        OssProblem::Arrived(ArrivedProblem::TooMany { what: "headers", limit: 9 }),
        OssProblem::Arrived(ArrivedProblem::Character { what: "path" }),
        OssProblem::SignedTwice,
        OssProblem::Authorization,
        OssProblem::UnsupportedAlgorithm { given: given() },
        OssProblem::Missing { name: "Expires" },
        OssProblem::Missing { name: "x-oss-date" },
        OssProblem::AccessKeyId { given: given() },
        OssProblem::CredentialScope { given: given() },
        OssProblem::Region { given: given(), expected: "cn-hangzhou".to_owned() },
        OssProblem::Date { given: None },
        OssProblem::Date { given: Some(given()) },
        OssProblem::SigningDate { given: None },
        OssProblem::Expires { given: given() },
        OssProblem::Lifetime { given: given() },
        OssProblem::AdditionalHeadersEmpty,
        OssProblem::AdditionalHeaders { given: given() },
        OssProblem::ContentSha256 { given: given() },
        OssProblem::TokenTwice,
        OssProblem::TokenOnlyInHeader,
        OssProblem::TokenOnlyInUrl,
        OssProblem::Path { given: given() },
        OssProblem::Host { given: given() },
    ] {
        line(out, &format!("{problem:?}").replace("\"GIVEN\"", ".."), &problem.into());
    }
    line(out, "Head TargetTooLong", &HeadProblem::TargetTooLong(16384).into());
    line(out, "Head TooManyHeaders", &HeadProblem::TooManyHeaders.into());
    line(out, "Head NotText", &HeadProblem::NotText("x-a".to_owned()).into());
    line(out, "Head Query", &HeadProblem::Query(FormError::Escape).into());
    line(out, "Repeated", &Repeated("range").into());
    line(out, "Body TooLarge", &BodyProblem::TooLarge(9).into());
    line(out, "Body Incomplete", &BodyProblem::Incomplete.into());
}

fn operation_errors(out: &mut String) {
    let account = AccountNumber::new(1_000_000_000_000_001).unwrap();
    let bucket = BucketName::new("photos").unwrap();
    for (name, resource) in [
        ("account", ResourceName::Account(AccountAlias::new("acme").unwrap())),
        ("user", ResourceName::User { account, name: UserName::new("bob").unwrap() }),
        ("role", ResourceName::Role { account, name: RoleName::new("deploy").unwrap() }),
        ("policy", ResourceName::Policy { account, name: PolicyName::new("p").unwrap() }),
        ("buckets", ResourceName::Buckets { account }),
        ("bucket", ResourceName::Bucket { account, name: bucket.clone() }),
        ("object", ResourceName::Object { account, bucket, key: ObjectKey::new("a").unwrap() }),
        ("caller", ResourceName::Caller),
    ] {
        line(out, &format!("NotFound {name}"), &OpError::NotFound(resource.clone()).into());
        line(out, &format!("Exists {name}"), &OpError::Exists(resource.clone()).into());
        line(out, &format!("NotEmpty {name}"), &OpError::NotEmpty(resource).into());
    }
    let user = ResourceName::User { account, name: UserName::new("bob").unwrap() };
    line(out, "InUse", &OpError::InUse(user, tegata_core::Holding::Groups).into());
    line(out, "LimitExceeded", &OpError::LimitExceeded(tegata_core::Quota::Users, 7).into());
    for input in [
        Input::Lifetime,
        Input::SessionPolicy,
        Input::SourceIdentity,
        Input::ContentMd5,
        Input::ContentCrc64,
        Input::ContentLength,
        Input::ObjectSize,
        Input::Range,
        Input::Header,
        Input::BucketProperties,
        Input::PolicyDocument,
        Input::TrustDocument,
        Input::NewTrustDocument,
        Input::MaxSession,
        Input::NewMaxSession,
        Input::UserName,
        Input::ApplicationId,
        Input::ApplicationName,
        Input::RedirectUris,
        Input::Scopes,
        Input::AccessLifetime,
        Input::RefreshLifetime,
        Input::IssuerUrl,
        Input::IssuanceLimit,
        Input::ApiTokenName,
        Input::ApiTokenLife,
        Input::Fingerprint,
        Input::Marker,
        Input::LeakedText,
        Input::Declaration,
        Input::Plan,
        Input::AccountAlias,
        Input::Tags,
        Input::ResourceNames,
        Input::DiagnosticMessage,
        Input::MaxKeyAge,
        Input::KeyNetworks,
        Input::KeyPolicy,
    ] {
        line(out, &format!("Invalid {input:?}"), &OpError::invalid(input, ProblemKind::TooLarge, "the rule").into());
    }
    line(out, "Invalid ObjectSize TooSmall", &OpError::invalid(Input::ObjectSize, ProblemKind::TooSmall, "the rule").into());
    let modified = Timestamp::from_unix(0);
    line(out, "Precondition NotModified", &OpError::Precondition(Precondition::NotModified { etag: "\"E\"".to_owned(), modified }).into());
    line(out, "Precondition Failed", &OpError::Precondition(Precondition::Failed("If-Match")).into());
    line(out, "Precondition Exists", &OpError::Precondition(Precondition::Exists).into());
    for (name, refusal) in crate::tests::organisation_refusals() {
        line(out, &format!("Organisation {name}"), &OpError::Organisation(refusal).into());
    }
    line(out, "Conflict", &OpError::Conflict.into());
    line(out, "Throttled", &OpError::Throttled(Duration::from_millis(2500)).into());
    line(out, "Internal", &OpError::internal("a secret cause").into());
}

fn own_refusals(out: &mut String) {
    let name = BucketName::new("A").unwrap_err();
    for (cause, error) in [
        ("argument", OssError::argument("max-keys", "0", "the rule")),
        ("bucket name", OssError::bucket_name("A", &name)),
        ("object name", OssError::object_name("the rule")),
        ("method", OssError::method("PATCH", &Target::Service)),
        ("not offered", OssError::not_offered("acl")),
        ("header", OssError::header("x-oss-callback")),
        ("length", OssError::length_missing()),
        ("digest", OssError::digest()),
        ("meta", OssError::meta_too_large(8192)),
        ("xml", OssError::malformed_xml()),
    ] {
        line(out, cause, &error);
    }
}

async fn denial() -> Denial {
    let test = TestCore::new().await.unwrap();
    match test.perform(&test.user("dan").await.unwrap(), &DescribeBucket { name: BucketName::new("photos").unwrap() }).await {
        Err(OpError::Denied(denial)) => *denial,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_complete_table() {
    let mut out = String::new();
    authentication_failures(&mut out);
    proof_problems(&mut out);
    operation_errors(&mut out);
    own_refusals(&mut out);
    let layers = [LayerKind::Control, LayerKind::Session, LayerKind::Identity, LayerKind::Trust, LayerKind::Resource];
    let mut causes: Vec<_> =
        layers.iter().flat_map(|layer| [true, false].map(|explicit| DeniedBy::Layer { layer: *layer, explicit })).collect();
    causes.extend([DeniedBy::OwnerMayNotAssume, DeniedBy::ForeignAccount, DeniedBy::SourceIdentityFixed, DeniedBy::ChainEnded]);
    causes.extend([DeniedBy::NoPassword, DeniedBy::SecondFactor]);
    causes.push(DeniedBy::Organisation(tegata_core::org::Barrier::Exceeds));
    let mut denial = denial().await;
    for by in causes {
        denial.by = by;
        let error = OssError::refused(&denial, denial.to_string());
        line(&mut out, &format!("{by:?}"), &error);
        if let Some(detail) = &error.detail {
            let _ = writeln!(out, "    {detail:?}");
        }
    }
    insta::assert_snapshot!("oss_error_table", out);
    let internal = OssError::from(OpError::internal("a secret cause"));
    assert!(!internal.message.contains("secret") && internal.cause().is_some());
}
