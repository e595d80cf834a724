//! The complete error table, as one snapshot.

use std::fmt::Write as _;

use tegata_core::{Precondition, testing::TestCore};
use tegata_model::{
    AccessKeyId, AccountAlias, AccountNumber, BucketName, GroupName, ObjectKey, PolicyName, RoleName, SessionId, Timestamp, UserName,
};
use tegata_sign::TimeProblem;

use super::*;

fn line(out: &mut String, cause: &str, error: impl Into<AcsError>) {
    let error = error.into();
    let _ = writeln!(out, "{cause:<44} {} {:<44} {}", error.status.as_u16(), error.code, error.message.replace('\n', "\\n"));
}

fn resources() -> Vec<(&'static str, ResourceName)> {
    let account = AccountNumber::new(1_000_000_000_000_001).unwrap();
    let bucket = BucketName::new("photos").unwrap();
    let user = || Box::new(ResourceName::User { account, name: UserName::new("bob").unwrap() });
    let group = || Box::new(ResourceName::Group { account, name: GroupName::new("g").unwrap() });
    let role = || Box::new(ResourceName::Role { account, name: RoleName::new("deploy").unwrap() });
    let system = || Box::new(ResourceName::SystemPolicy { name: PolicyName::new("S").unwrap() });
    let policy = || Box::new(ResourceName::Policy { account, name: PolicyName::new("p").unwrap() });
    let device = || Box::new(ResourceName::MfaDevice { account, name: "phone".parse().unwrap() });
    vec![
        ("owner", ResourceName::Owner { account }),
        ("users", ResourceName::Users { account }),
        ("key", ResourceName::AccessKey { of: user(), key_id: AccessKeyId::new("LTAIx").unwrap() }),
        ("groups", ResourceName::Groups { account }),
        ("group", *group()),
        ("membership", ResourceName::Membership { account, user: "bob".parse().unwrap(), group: "g".parse().unwrap() }),
        ("roles", ResourceName::Roles { account }),
        ("policies", ResourceName::Policies { account }),
        ("providers", ResourceName::OidcProviders { account }),
        ("provider", ResourceName::OidcProvider { account, name: "ci".parse().unwrap() }),
        ("system policy", *system()),
        ("policy version", ResourceName::PolicyVersion { of: policy(), version: 2 }),
        ("user attachment", ResourceName::Attachment { to: user(), policy: policy() }),
        ("group attachment", ResourceName::Attachment { to: group(), policy: system() }),
        ("role attachment", ResourceName::Attachment { to: role(), policy: policy() }),
        ("key policy", ResourceName::KeyPolicy { account }),
        ("login profile", ResourceName::LoginProfile { of: user() }),
        ("factor", ResourceName::Factor { of: user() }),
        ("API token", ResourceName::ApiToken { of: user(), id: "apitoken_x".to_owned() }),
        ("SAM roles", ResourceName::SamRoles { account }),
        ("SAM role", ResourceName::SamRole { account, name: RoleName::new("deploy").unwrap() }),
        ("permission", ResourceName::Document { of: user(), what: "permission" }),
        ("devices", ResourceName::MfaDevices { account }),
        ("device", *device()),
        ("bound device", ResourceName::BoundMfaDevice { device: device() }),
        ("account settings", ResourceName::AccountSettings { account }),
        ("account", ResourceName::Account(AccountAlias::new("acme").unwrap())),
        ("user", ResourceName::User { account, name: UserName::new("bob").unwrap() }),
        ("role", ResourceName::Role { account, name: RoleName::new("deploy").unwrap() }),
        ("policy", ResourceName::Policy { account, name: PolicyName::new("p").unwrap() }),
        ("buckets", ResourceName::Buckets { account }),
        ("bucket", ResourceName::Bucket { account, name: bucket.clone() }),
        ("object", ResourceName::Object { account, bucket, key: ObjectKey::new("a").unwrap() }),
        ("application", ResourceName::Application { account, app_id: "1".to_owned() }),
        ("secret", ResourceName::ApplicationSecret { account, app_id: "1".to_owned(), secret_id: "2".to_owned() }),
        ("sessions", ResourceName::Sessions { account }),
        ("session", ResourceName::Session { account, id: SessionId::from_bytes([1; 16]) }),
        ("sessions of a role", ResourceName::SessionsOf(role())),
        ("sessions of a key", ResourceName::SessionsOfKey { account, key_id: AccessKeyId::new("LTAIx").unwrap() }),
        ("requests", ResourceName::Requests { account }),
        ("request", ResourceName::Request { account, id: "ABABABABABABABABABABABAB".parse().unwrap() }),
        ("credentials", ResourceName::Credentials { account }),
        ("caller", ResourceName::Caller),
    ]
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

fn mismatch(canonical_request: Option<&str>) -> Mismatch {
    Mismatch {
        string_to_sign: "STRING-TO-SIGN".to_owned(),
        canonical_request: canonical_request.map(str::to_owned),
        signature_provided: "SIGNATURE".to_owned(),
    }
}

const INPUTS: [Input; 50] = [
    Input::IssuerUrl,
    Input::IssuanceLimit,
    Input::ApiTokenName,
    Input::ApiTokenLife,
    Input::Fingerprint,
    Input::Marker,
    Input::LeakedText,
    Input::Declaration,
    Input::Plan,
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
    Input::AccountAlias,
    Input::Tags,
    Input::ResourceNames,
    Input::DiagnosticMessage,
    Input::MaxKeyAge,
    Input::KeyNetworks,
    Input::KeyPolicy,
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
    Input::Password,
    Input::OldPassword,
    Input::NewPassword,
    Input::OneTimeCode,
    Input::MinPasswordLength,
    Input::DifferentCharacters,
    Input::MaxPasswordAge,
    Input::InitialPasswordAge,
    Input::ReusePrevention,
    Input::MaxLoginAttempts,
    Input::LoginSession,
    Input::LoginNetworks,
];

fn operation_errors(out: &mut String) {
    for (name, resource) in resources() {
        line(out, &format!("NotFound {name}"), OpError::NotFound(resource.clone()));
        line(out, &format!("Exists {name}"), OpError::Exists(resource.clone()));
        line(out, &format!("NotEmpty {name}"), OpError::NotEmpty(resource.clone()));
        if matches!(name, "user" | "group" | "role" | "policy" | "policy version" | "device") {
            for holding in Holding::ALL {
                line(out, &format!("InUse {name} {holding:?}"), OpError::InUse(resource.clone(), holding));
            }
        }
    }
    for quota in Quota::ALL {
        line(out, &format!("LimitExceeded {quota:?}"), OpError::LimitExceeded(quota, 7));
    }
    for input in INPUTS {
        for kind in [ProblemKind::Malformed, ProblemKind::TooLarge] {
            line(out, &format!("Invalid {input:?} {kind:?}"), OpError::invalid(input, kind, "the rule"));
        }
    }
    line(out, "Invalid NewPassword Reused", OpError::invalid(Input::NewPassword, ProblemKind::Reused, "the rule"));
    let modified = Timestamp::from_unix(0);
    line(out, "Precondition NotModified", OpError::Precondition(Precondition::NotModified { etag: "\"E\"".to_owned(), modified }));
    line(out, "Precondition Failed", OpError::Precondition(Precondition::Failed("If-Match")));
    line(out, "Precondition Exists", OpError::Precondition(Precondition::Exists));
    line(out, "Grant", OpError::Grant(tegata_core::GrantFailure::Expired));
    for (name, refusal) in crate::tests::organisation_refusals() {
        line(out, &format!("Organisation {name}"), OpError::Organisation(refusal));
    }
    line(out, "Conflict", OpError::Conflict);
    line(out, "Throttled", OpError::Throttled(Duration::from_secs(2)));
    line(out, "Internal", OpError::internal("a secret cause"));
}

fn authentication_failures(out: &mut String) {
    let mut failures = vec![
        AuthnFailure::Anonymous,
        AuthnFailure::UnknownKey,
        AuthnFailure::KeyInactive,
        AuthnFailure::KeyTooOld(Duration::from_hours(24 * 90)),
        AuthnFailure::KeyElsewhere,
        AuthnFailure::KeyOfPerson,
        AuthnFailure::OwnerInactive,
        AuthnFailure::Client,
        AuthnFailure::TokenMissing,
        AuthnFailure::TokenMalformed,
        AuthnFailure::TokenExpired,
        AuthnFailure::TokenMismatch,
        AuthnFailure::SessionEnded,
        AuthnFailure::Signature(Box::new(mismatch(None))),
        AuthnFailure::Signature(Box::new(mismatch(Some("CANONICAL")))),
        AuthnFailure::Replayed,
    ];
    failures.extend(
        [
            FederationFailure::Invalid("WHY".to_owned()),
            FederationFailure::Untrusted,
            FederationFailure::Audience,
            FederationFailure::Expired,
            FederationFailure::Signature("WHY".to_owned()),
            FederationFailure::Issuer,
        ]
        .map(AuthnFailure::Federation),
    );
    failures.extend(times().map(AuthnFailure::Time));
    for failure in failures {
        let cause = failure.reason().to_owned();
        line(out, &format!("Authentication {cause}"), OpError::Authentication(failure));
    }
}

fn proof_problems(out: &mut String) {
    let given = || "GIVEN".to_owned();
    for problem in [
        ArrivedProblem::TooMany { what: "headers", limit: 128 },
        ArrivedProblem::TooLong { what: "path", limit: 9 },
        ArrivedProblem::Character { what: "method" },
        ArrivedProblem::HeaderRepeated { name: given() },
        ArrivedProblem::ParameterRepeated { name: given() },
    ] {
        line(out, &format!("{problem:?}"), AcsProblem::Arrived(problem));
    }
    for problem in [
        RpcProblem::Missing { name: "Timestamp" },
        RpcProblem::UnsupportedAlgorithm { given: given() },
        RpcProblem::UnsupportedVersion { given: given() },
        RpcProblem::UnsupportedType { given: given() },
        RpcProblem::AccessKeyId { given: given() },
        RpcProblem::Timestamp { given: given() },
        RpcProblem::Path { given: given() },
    ] {
        line(out, &format!("Rpc {problem:?}"), AcsProblem::Rpc(problem));
    }
    for problem in [
        Acs3Problem::Authorization,
        Acs3Problem::UnsupportedAlgorithm { given: given() },
        Acs3Problem::AccessKeyId { given: given() },
        Acs3Problem::SignedHeaders { given: given() },
        Acs3Problem::SignedHeaderAbsent { name: given() },
        Acs3Problem::Unsigned { name: given() },
        Acs3Problem::Date { given: given() },
        Acs3Problem::BodyHash { claimed: given() },
        Acs3Problem::BodyUnread,
    ] {
        line(out, &format!("Acs3 {problem:?}"), AcsProblem::Acs3(problem));
    }
    for name in ["host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"] {
        line(out, &format!("Acs3 Missing {name}"), AcsProblem::Acs3(Acs3Problem::Missing { name }));
    }
    line(out, "Bearer", AcsProblem::Bearer);
    line(out, "Authorization", AcsProblem::Authorization { scheme: "Basic".to_owned() });
    line(out, "Head TargetTooLong", HeadProblem::TargetTooLong(4096));
    line(out, "Head TooManyHeaders", HeadProblem::TooManyHeaders);
    line(out, "Head NotText", HeadProblem::NotText("x-a".to_owned()));
    line(out, "Head Query", HeadProblem::Query(tegata_sign::form::FormError::Escape));
    line(out, "Body TooLarge", BodyProblem::TooLarge(9));
    line(out, "Body Incomplete", BodyProblem::Incomplete);
}

/// A refusal as the core makes it; its fields are then set to each of the causes.
async fn denial() -> Denial {
    let test = TestCore::new().await.unwrap();
    let arn: crate::acs::arn::RoleArn = "acs:ram::1000000000000001:role/app-uploader".parse().unwrap();
    let input = tegata_core::sts::AssumeRole {
        account: arn.account,
        role: arn.name,
        session_name: "ab".parse().unwrap(),
        lifetime: None,
        policy: None,
        external_id: None,
        source_identity: None,
    };
    match test.perform(&test.user("dan").await.unwrap(), &input).await {
        // The message is sealed under a fresh salt; here it need only be seen in its place.
        Err(OpError::Denied(mut denial)) => {
            denial.diagnostic = denial.diagnostic.map(|_| "MESSAGE".to_owned());
            *denial
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_complete_table() {
    let mut out = String::new();
    authentication_failures(&mut out);
    operation_errors(&mut out);
    proof_problems(&mut out);
    let layers = [LayerKind::Control, LayerKind::Session, LayerKind::Identity, LayerKind::Trust, LayerKind::Resource];
    let mut causes: Vec<_> =
        layers.iter().flat_map(|layer| [true, false].map(|explicit| DeniedBy::Layer { layer: *layer, explicit })).collect();
    causes.extend([
        DeniedBy::OwnerMayNotAssume,
        DeniedBy::ForeignAccount,
        DeniedBy::SourceIdentityFixed,
        DeniedBy::ChainEnded,
        DeniedBy::KeyPolicy,
    ]);
    causes.extend([DeniedBy::NoPassword, DeniedBy::SecondFactor]);
    causes.push(DeniedBy::Organisation(tegata_core::org::Barrier::Exceeds));
    let mut denial = denial().await;
    for by in causes {
        denial.by = by;
        let mut detail = access_denied_detail(&denial);
        if let Tree::Object(fields) = &mut detail {
            fields.retain(|(name, _)| *name != "AuthPrincipalDisplayName");
        }
        let _ = writeln!(out, "{by:?}\n    {denial}\n    {detail:?}");
    }
    insta::assert_snapshot!("acs_error_table", out);
    let internal = AcsError::from(OpError::internal("a secret cause"));
    assert!(!internal.message.contains("secret") && internal.cause().is_some());
}
