//! What holds for every operation of the catalogue, whatever is added to it.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::Value;
use tegata_sign::form;

use super::world::{Answer, Pairs, TestKey, World, pairs};
use crate::acs::{Kind, OperationSpec, Parameter, Product, catalogue};

const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1000000000000001:user/bob"]}}]}"#;
const READ: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:GetObject","Resource":"*"}]}"#;

fn call(product: Product, action: &str, rest: &[(&str, &str)]) -> Pairs {
    let mut parameters = pairs([("Action", action), ("Version", product.version()), ("Format", "JSON")]);
    parameters.extend(rest.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    parameters
}

async fn by(world: &World, key: &TestKey, product: Product, action: &str, rest: &[(&str, &str)]) -> Answer {
    world.issuer(world.rpc(key, call(product, action, rest))).await
}

/// True for what proves itself by other means than a signature.
fn is_proven_otherwise(product: Product, spec: &OperationSpec) -> bool {
    product.entries().any(|entry| entry.spec.name == spec.name && entry.proof.is_some())
}

/// The answer as JSON, without what is drawn anew for each request.
fn told(answer: &Answer) -> Value {
    let mut json: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}", answer.text()));
    let members = json.as_object_mut().unwrap();
    let id = members.remove("RequestId").and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
    if let Some(detail) = members.get_mut("AccessDeniedDetail").and_then(Value::as_object_mut) {
        detail.remove("EncodedDiagnosticMessage");
    }
    serde_json::from_str(&json.to_string().replace(&id, "ID").replace(&id.replace('-', ""), "ID")).unwrap()
}

fn code(answer: &Answer) -> String {
    told(answer)["Code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn without_a_signature_or_with_an_old_one_nothing_is_answered() {
    let world = World::new().await;
    let session = world.uploader(None).await;
    world.test.clock.advance(Duration::from_hours(2));
    let mut federated = Vec::new();
    for (product, spec) in catalogue() {
        let parameters = call(product, spec.name, &[]);
        let unsigned = Request::post(format!("/?{}", form::encode(&parameters))).header("host", "127.0.0.1:8420").body(Body::empty());
        let answer = world.issuer(unsigned.unwrap()).await;
        if is_proven_otherwise(product, spec) {
            federated.push(spec.name);
            assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (400, "MissingOIDCProviderArn"), "{}", spec.name);
            continue;
        }
        assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (400, "MissingAccessKeyId"), "{}", spec.name);
        let headers = Request::post("/")
            .header("host", "127.0.0.1:8420")
            .header("x-acs-action", spec.name)
            .header("x-acs-version", product.version())
            .body(Body::empty());
        let answer = world.issuer(headers.unwrap()).await;
        assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (400, "MissingAccessKeyId"), "{}", spec.name);
        let answer = by(&world, &session, product, spec.name, &[]).await;
        assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (400, "InvalidSecurityToken.Expired"), "{}", spec.name);
    }
    assert_eq!(federated, ["AssumeRoleWithOIDC"]);
}

/// Things of the account `acme`, as somebody of `globex` would name them.
struct Things {
    session: String,
    session_key: String,
    request: String,
    message: String,
    app: String,
    app_secret: String,
}

/// A world in which `acme` has one of everything.
async fn furnished() -> (World, Things) {
    let world = World::new().await;
    let alice = world.key("alice");
    let issuer = tegata_oauth::testing::TestKey::generate("k1", tegata_oauth::Algorithm::Es256).unwrap();
    for host in ["https://idp.test", "https://other.test"] {
        world.test.outbound.issuer(host, &issuer.jwks(), &[]);
    }
    for (product, action, rest) in [
        (Product::Ram, "CreateGroup", vec![("GroupName", "crew")]),
        (Product::Ram, "CreateLoginProfile", vec![("UserName", "bob"), ("Password", "correct horse 1")]),
        (Product::Ram, "CreateVirtualMFADevice", vec![("VirtualMFADeviceName", "phone")]),
        (
            Product::Ims,
            "CreateOIDCProvider",
            vec![("OIDCProviderName", "pipeline"), ("IssuerUrl", "https://idp.test"), ("ClientIds", "sts")],
        ),
    ] {
        let answer = by(&world, &alice, product, action, &rest).await;
        assert_eq!(answer.status, 200, "{action}: {}", answer.text());
    }
    let made = async |action: &str, rest: &[(&str, &str)], at: &str| {
        let answer = told(&by(&world, &alice, Product::Ims, action, rest).await);
        answer.pointer(at).and_then(Value::as_str).unwrap_or_else(|| panic!("{action}: {answer}")).to_owned()
    };
    let app = [("AppType", "ServerApp"), ("DisplayName", "reports"), ("AppName", "reports")];
    let app = made("CreateApplication", &app, "/Application/AppId").await;
    let app_secret = made("CreateAppSecret", &[("AppId", &app)], "/AppSecret/AppSecretId").await;
    let session_key = world.uploader(None).await.key_id.to_string();
    let session = session_key.replace("STS.", "session_");
    let refused = by(&world, &world.key("dan"), Product::Ram, "ListUsers", &[]).await;
    let refused: Value = serde_json::from_slice(&refused.body).unwrap();
    let text = |at: &str| refused.pointer(at).and_then(Value::as_str).unwrap().to_owned();
    let (request, message) = (text("/RequestId"), text("/AccessDeniedDetail/EncodedDiagnosticMessage"));
    (world, Things { session, session_key, request, message, app, app_secret })
}

/// An id of the same form that nobody has.
fn near(id: &str) -> String {
    let mut other = id.to_owned();
    let last = other.pop();
    other.push(if last == Some('1') { '2' } else { '1' });
    other
}

/// What a parameter is given: a thing of `acme`, and one that nobody has. Both the same where it names no thing.
fn values(parameter: &Parameter, things: &Things) -> Vec<(String, String)> {
    let one = |foreign: &str, absent: &str| vec![(foreign.to_owned(), absent.to_owned())];
    let same = |text: &str| one(text, text);
    let arn = |kind: &str, foreign: &str, absent: &str| {
        let of = |name| format!("acs:ram::1000000000000001:{kind}/{name}");
        vec![(of(foreign), of(absent))]
    };
    match (parameter.kind, parameter.name) {
        (Kind::User, _) | (_, "UserName" | "NewUserName" | "Caller") => one("bob", "ghost"),
        (Kind::Principal, _) => one("bob@acme.onaliyun.com", "ghost@acme.onaliyun.com"),
        (Kind::Group, _) | (_, "GroupName" | "NewGroupName") => one("crew", "void"),
        (Kind::Role, _) | (_, "RoleName") => one("app-uploader", "app-nothing0"),
        (Kind::RoleArn, _) => arn("role", "app-uploader", "app-nothing0"),
        (Kind::Policy, _) | (_, "PolicyName") => one("uploader", "nothing0"),
        (Kind::AccessKey, _) => {
            vec![
                ("LTAITESTbob".to_owned(), "LTAITESTnil".to_owned()),
                (things.session_key.clone(), "STS.00000000000000000000000000".to_owned()),
            ]
        }
        (Kind::MfaDevice, _) => arn("mfa", "phone", "empty"),
        (Kind::OidcProvider, _) | (_, "OIDCProviderName") => one("pipeline", "nothing1"),
        (Kind::Session, _) => one(&things.session, "session_00000000000000000000000000"),
        (_, "AppId") => one(&things.app, &near(&things.app)),
        (_, "AppSecretId") => one(&things.app_secret, &near(&things.app_secret)),
        (_, "AppName") => one("reports", "nothing"),
        (_, "RequestId") => one(&things.request, "EEEEEEEE-EEEE-EEEE-EEEE-EEEEEEEEEEEE"),
        (_, "EncodedDiagnosticMessage") => one(&things.message, "garbage"),
        (_, "ResourceNames") => [one(r#"["app-uploader"]"#, r#"["app-nothing0"]"#), one(r#"["uploader"]"#, r#"["nothing0"]"#)].concat(),
        (_, "Text") => [
            one("LTAITESTbob", "LTAITESTnil"),
            one("secret-of-bob-0123456789abcdef", "secret-of-nil-0123456789abcdef"),
            one(&things.session_key, "STS.00000000000000000000000000"),
        ]
        .concat(),
        (_, "Declaration") => [
            one(r#"{"version":1,"users":{"bob":{}}}"#, r#"{"version":1,"users":{"ghost":{}}}"#),
            one(r#"{"version":1,"removed":{"users_with_keys":["bob"]}}"#, r#"{"version":1,"removed":{"users_with_keys":["ghost"]}}"#),
        ]
        .concat(),
        (_, "AssumeRolePolicyDocument" | "NewAssumeRolePolicyDocument") => one(TRUST, &TRUST.replace("user/bob", "user/ghost")),
        (_, "AccountAlias") => one("acme-three", "none-three"),
        (_, "IssuerUrl") => one("https://idp.test", "https://other.test"),
        (_, "ClientId" | "ClientIds") => same("sts"),
        (_, "Fingerprint" | "Fingerprints") => same(&"ab".repeat(20)),
        (_, "VersionId") => same("v1"),
        (_, "RoleSessionName" | "SourceIdentity") => same("me"),
        (_, "AuthenticationCode1" | "AuthenticationCode2") => same("123456"),
        (_, "Tag") => same(r#"[{"Key":"k","Value":"v"}]"#),
        (_, "TagKeys") => same(r#"["k"]"#),
        (_, "VirtualMFADeviceName") => one("phone", "empty"),
        (Kind::Document, _) => same(READ),
        (Kind::Secret, _) => same("correct horse 2"),
        (Kind::Number, _) => same("20"),
        (Kind::Flag, _) => same("true"),
        (Kind::Word(words), _) => words.iter().flat_map(|word| same(word)).collect(),
        (Kind::Text | Kind::Tags, _) => same("text"),
    }
}

/// Every way to name things in one call: all values of one parameter with the first of the others, and each optional thing added.
fn calls(spec: &OperationSpec, things: &Things) -> Vec<Vec<(&'static str, String, String)>> {
    let needed: Vec<_> = spec.parameters.iter().filter(|parameter| parameter.required).collect();
    let first = |parameter: &Parameter| {
        let (foreign, absent) = values(parameter, things).swap_remove(0);
        (parameter.name, foreign, absent)
    };
    let plain: Vec<_> = needed.iter().map(|parameter| first(parameter)).collect();
    let mut all = vec![plain.clone()];
    for (place, parameter) in needed.iter().enumerate() {
        for (foreign, absent) in values(parameter, things).into_iter().skip(1) {
            let mut other = plain.clone();
            other[place] = (parameter.name, foreign, absent);
            all.push(other);
        }
    }
    for parameter in spec.parameters.iter().filter(|parameter| !parameter.required) {
        for (foreign, absent) in values(parameter, things).into_iter().filter(|(foreign, absent)| foreign != absent) {
            all.push(plain.iter().cloned().chain([(parameter.name, foreign, absent)]).collect());
        }
    }
    all
}

/// The answer with the name that was asked for replaced; of a success only how it is built.
fn comparable(answer: &Answer, names: &[(&str, String)]) -> String {
    if answer.status == 200 {
        fn shape(value: &Value) -> Value {
            match value {
                Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
                Value::Array(all) => all.iter().map(shape).collect(),
                _ => Value::Null,
            }
        }
        return format!("200 {}", shape(&told(answer)));
    }
    let text = format!("{} {}", answer.status.as_u16(), told(answer));
    names.iter().fold(text, |text, (name, value)| {
        let last = value.trim_matches(['[', ']', '"']).rsplit(['/', ':', '.', '_']).next().unwrap_or_default();
        let text = text.replace(value.as_str(), &format!("<{name}>"));
        if last.len() < 3 { text } else { text.replace(last, &format!("<{name}>")) }
    })
}

#[tokio::test]
async fn the_things_of_another_account_are_to_its_administrator_as_if_they_were_not() {
    let (mut world, mut things) = furnished().await;
    let exported = |answer: &Answer| told(answer).to_string();
    let before = exported(&by(&world, &world.key("alice"), Product::Own, "ExportDirectory", &[]).await);
    let mut asked = 0;
    for (product, spec) in catalogue() {
        for number in 0..calls(spec, &things).len() {
            let mut seen = Vec::new();
            for foreign in [true, false] {
                let list = calls(spec, &things).swap_remove(number);
                let names: Vec<_> =
                    list.into_iter().map(|(name, of_acme, of_nobody)| (name, if foreign { of_acme } else { of_nobody })).collect();
                let rest: Vec<_> = names.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let answer = by(&world, &world.key("mallory"), product, spec.name, &rest).await;
                asked += 1;
                seen.push(comparable(&answer, &names));
                let reads = ["Get", "List", "Plan", "Export", "Explain", "Decode"].iter().any(|word| spec.name.starts_with(word));
                if answer.status == 200 && !reads {
                    // What it did here must not decide what the next one gets, and it did nothing there.
                    let after = exported(&by(&world, &world.key("alice"), Product::Own, "ExportDirectory", &[]).await);
                    assert_eq!(after, before, "{} {rest:?}", spec.name);
                    (world, things) = furnished().await;
                }
            }
            assert_eq!(seen[0], seen[1], "{} {:?}", spec.name, calls(spec, &things).swap_remove(number));
        }
    }
    assert!(asked > 200, "{asked}");
    let live = by(&world, &world.key("alice"), Product::Own, "ListSessions", &[]).await;
    assert!(live.text().contains(&things.session) && live.text().contains("\"Live\""), "{}", live.text());
}
