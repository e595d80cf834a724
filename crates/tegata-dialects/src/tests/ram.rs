//! RAM: whole replies, and the code of every refusal.

use super::world::{Answer, Pairs, TestKey, World, pairs};

pub(super) fn call(action: &str, rest: &[(&str, &str)]) -> Pairs {
    let mut parameters = pairs([("Action", action), ("Version", "2015-05-01")]);
    parameters.extend(rest.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    parameters
}

pub(super) async fn by(world: &World, key: &TestKey, action: &str, rest: &[(&str, &str)]) -> Answer {
    world.issuer(world.rpc(key, call(action, rest))).await
}

pub(super) async fn alice(world: &World, action: &str, rest: &[(&str, &str)]) -> Answer {
    by(world, &world.key("alice"), action, rest).await
}

/// The reply with the key, its secret and the ids drawn for groups replaced.
fn without_random(answer: &Answer) -> String {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let key = &json["AccessKey"];
    let values = [&key["AccessKeyId"], &key["AccessKeySecret"], &json["Group"]["GroupId"], &json["Groups"]["Group"][0]["GroupId"]];
    values.into_iter().filter_map(serde_json::Value::as_str).fold(answer.whole(), |text, value| text.replace(value, "RANDOM"))
}

/// The message of a refusal.
fn message_of(answer: &Answer) -> String {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    json["AccessDeniedDetail"]["EncodedDiagnosticMessage"].as_str().unwrap().to_owned()
}

const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1000000000000001:user/bob"]}}]}"#;
const GHOST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1000000000000001:user/ghost"]}}]}"#;
const READ: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:GetObject","Resource":"*"}]}"#;

/// A tour through every operation: each line must succeed, in this order.
const TOUR: &[(&str, &[(&str, &str)])] = &[
    (
        "CreateUser",
        &[
            ("UserName", "eve"),
            ("DisplayName", "Eve"),
            ("MobilePhone", "81-312345678"),
            ("Email", "eve@example.test"),
            ("Comments", "a <b> & c"),
        ],
    ),
    ("GetUser", &[("UserName", "EVE")]),
    ("UpdateUser", &[("UserName", "eve"), ("NewUserName", "eva"), ("NewDisplayName", "Eva")]),
    ("ListUsers", &[("MaxItems", "2"), ("Marker", "bob")]),
    ("ListUsers", &[("MaxItems", "1")]),
    ("CreateAccessKey", &[("UserName", "eva")]),
    ("ListAccessKeys", &[]),
    ("UpdateAccessKey", &[("UserName", "dan"), ("UserAccessKeyId", "LTAITESTdan"), ("Status", "Inactive")]),
    ("ListAccessKeys", &[("UserName", "dan")]),
    ("DeleteAccessKey", &[("UserName", "dan"), ("UserAccessKeyId", "LTAITESTdan")]),
    ("ListAccessKeys", &[("UserName", "dan")]),
    ("CreateGroup", &[("GroupName", "staff"), ("Comments", "people")]),
    ("UpdateGroup", &[("GroupName", "staff"), ("NewGroupName", "crew")]),
    ("GetGroup", &[("GroupName", "crew")]),
    ("ListGroups", &[]),
    ("AddUserToGroup", &[("UserName", "eva"), ("GroupName", "crew")]),
    ("ListGroupsForUser", &[("UserName", "eva")]),
    ("ListUsersForGroup", &[("GroupName", "crew")]),
    ("CreatePolicy", &[("PolicyName", "readers"), ("PolicyDocument", READ), ("Description", "read")]),
    ("CreatePolicyVersion", &[("PolicyName", "readers"), ("PolicyDocument", READ), ("SetAsDefault", "true")]),
    ("ListPolicyVersions", &[("PolicyName", "readers"), ("PolicyType", "Custom")]),
    ("GetPolicyVersion", &[("PolicyName", "readers"), ("PolicyType", "Custom"), ("VersionId", "v1")]),
    ("SetDefaultPolicyVersion", &[("PolicyName", "readers"), ("VersionId", "v1")]),
    ("DeletePolicyVersion", &[("PolicyName", "readers"), ("VersionId", "v2")]),
    ("GetPolicy", &[("PolicyName", "readers"), ("PolicyType", "Custom")]),
    ("ListPolicies", &[("PolicyType", "Custom")]),
    ("ListPolicies", &[("MaxItems", "4")]),
    ("CreateRole", &[("RoleName", "deploy"), ("AssumeRolePolicyDocument", TRUST), ("MaxSessionDuration", "7200")]),
    ("GetRole", &[("RoleName", "deploy")]),
    ("UpdateRole", &[("RoleName", "deploy"), ("NewDescription", "deployments")]),
    ("ListRoles", &[]),
    ("AttachPolicyToUser", &[("PolicyName", "readers"), ("PolicyType", "Custom"), ("UserName", "eva")]),
    ("AttachPolicyToGroup", &[("PolicyName", "readers"), ("PolicyType", "Custom"), ("GroupName", "crew")]),
    ("AttachPolicyToRole", &[("PolicyName", "ReadOnlyAccess"), ("PolicyType", "System"), ("RoleName", "deploy")]),
    ("ListPoliciesForUser", &[("UserName", "eva")]),
    ("ListPoliciesForGroup", &[("GroupName", "crew")]),
    ("ListPoliciesForRole", &[("RoleName", "deploy")]),
    ("ListEntitiesForPolicy", &[("PolicyName", "readers"), ("PolicyType", "Custom")]),
    ("ListEntitiesForPolicy", &[("PolicyName", "ReadOnlyAccess"), ("PolicyType", "System")]),
    ("DetachPolicyFromUser", &[("PolicyName", "readers"), ("PolicyType", "Custom"), ("UserName", "eva")]),
    ("DetachPolicyFromGroup", &[("PolicyName", "readers"), ("PolicyType", "Custom"), ("GroupName", "crew")]),
    ("DetachPolicyFromRole", &[("PolicyName", "ReadOnlyAccess"), ("PolicyType", "System"), ("RoleName", "deploy")]),
    ("RemoveUserFromGroup", &[("UserName", "eva"), ("GroupName", "crew")]),
    ("DeleteGroup", &[("GroupName", "crew")]),
    ("DeletePolicy", &[("PolicyName", "readers")]),
    ("DeleteRole", &[("RoleName", "deploy")]),
    ("DeleteUser", &[("UserName", "dan")]),
    ("SetAccountAlias", &[("AccountAlias", "acme-two")]),
    ("GetAccountAlias", &[]),
    ("ClearAccountAlias", &[]),
    ("GetAccountAlias", &[]),
    ("GetAccessKeyLastUsed", &[("UserName", "bob"), ("UserAccessKeyId", "LTAITESTbob")]),
    ("GetAccessKeyLastUsed", &[("UserAccessKeyId", "LTAITESTalice")]),
    ("UpdatePolicyDescription", &[("PolicyName", "uploader"), ("NewDescription", "uploads")]),
    (
        "TagResources",
        &[("ResourceType", "role"), ("ResourceNames", r#"["app-uploader"]"#), ("Tag", r#"[{"Key":"team","Value":"web"},{"Key":"old"}]"#)],
    ),
    ("TagResources", &[("ResourceType", "policy"), ("ResourceNames.1", "uploader"), ("Tag.1.Key", "team"), ("Tag.1.Value", "web")]),
    ("CreateRole", &[("RoleName", "tagged"), ("AssumeRolePolicyDocument", TRUST), ("Tag", r#"[{"Key":"team","Value":"ops"}]"#)]),
    ("CreatePolicy", &[("PolicyName", "tagged"), ("PolicyDocument", READ), ("Tag.1.Key", "team"), ("Tag.1.Value", "ops")]),
    ("ListTagResources", &[("ResourceType", "role"), ("PageSize", "1")]),
    ("ListTagResources", &[("ResourceType", "role"), ("PageSize", "1"), ("NextToken", "app-uploader/old")]),
    ("ListTagResources", &[("ResourceType", "policy"), ("ResourceNames", r#"["uploader"]"#), ("Tag", r#"[{"Key":"team"}]"#)]),
    ("ListRoles", &[("Tag.1.Key", "team"), ("Tag.1.Value", "ops")]),
    ("ListPolicies", &[("Tag", r#"[{"Key":"team","Value":"web"}]"#)]),
    ("UntagResources", &[("ResourceType", "role"), ("ResourceNames", r#"["app-uploader"]"#), ("TagKeys", r#"["old"]"#)]),
    ("UntagResources", &[("ResourceType", "policy"), ("ResourceNames.1", "uploader"), ("All", "true")]),
    ("ListTagResources", &[("ResourceType", "role")]),
    ("ListTagResources", &[("ResourceType", "policy")]),
];

#[tokio::test]
async fn every_operation_answers_in_json() {
    let world = World::new().await;
    let mut seen = String::new();
    let refused = by(&world, &world.key("dan"), "GetRole", &[("RoleName", "app-uploader")]).await;
    let message = message_of(&refused);
    let mut tour: Vec<(&str, Vec<(&str, &str)>)> = TOUR.iter().map(|(action, rest)| (*action, rest.to_vec())).collect();
    tour.push(("DecodeDiagnosticMessage", vec![("EncodedDiagnosticMessage", &message)]));
    for (action, rest) in &tour {
        let answer = alice(&world, action, rest).await;
        assert_eq!(answer.status, 200, "{action}: {}", answer.text());
        let whole = without_random(&answer);
        let body = whole.rsplit("\n\n").next().unwrap_or_default();
        seen = format!("{seen}--- {action}\n{body}\n");
    }
    for entry in crate::acs::Product::Ram.entries() {
        let mut tours = tour.iter().map(|(action, _)| *action).chain(super::sign_in::TOUR.iter().map(|(action, _)| *action));
        assert!(tours.any(|action| action == entry.spec.name), "{} is not on a tour", entry.spec.name);
    }
    insta::assert_snapshot!("ram_tour", seen);
}

#[tokio::test]
async fn lists_in_xml_repeat_their_items() {
    let world = World::new().await;
    let answer = alice(&world, "ListUsers", &[("Format", "XML")]).await;
    insta::assert_snapshot!("ram_list_users_xml", answer.whole());
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let world = World::new().await;
    alice(&world, "CreateUser", &[("UserName", "eve")]).await;
    alice(&world, "CreateAccessKey", &[("UserName", "bob")]).await;
    let (long, doc) = ("a".repeat(65), "x".repeat(6145));
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("CreateUser", &[]),
        ("CreateUser", &[("UserName", "EVE")]),
        ("CreateUser", &[("UserName", "a b")]),
        ("CreateUser", &[("UserName", &long)]),
        ("CreateUser", &[("UserName", "x"), ("Email", "nobody")]),
        ("CreateUser", &[("UserName", "x"), ("MobilePhone", "12")]),
        ("CreateUser", &[("UserName", "x"), ("Comments", "")]),
        ("UpdateUser", &[("UserName", "eve"), ("NewUserName", "Bob")]),
        ("UpdateUser", &[("UserName", "eve"), ("NewUserName", "a/b")]),
        ("GetUser", &[("UserName", "ghost")]),
        ("GetUser", &[("UserName", "mallory")]),
        ("DeleteUser", &[("UserName", "bob")]),
        ("ListUsers", &[("MaxItems", "0")]),
        ("ListUsers", &[("MaxItems", "1001")]),
        ("ListGroups", &[("MaxItems", "101")]),
        ("CreateAccessKey", &[("UserName", "bob")]),
        ("CreateAccessKey", &[("UserName", "ghost")]),
        ("UpdateAccessKey", &[("UserName", "bob"), ("UserAccessKeyId", "LTAITESTdan"), ("Status", "Inactive")]),
        ("UpdateAccessKey", &[("UserName", "bob"), ("UserAccessKeyId", "LTAITESTbob"), ("Status", "Off")]),
        ("DeleteAccessKey", &[("UserAccessKeyId", "LTAITESTmallory")]),
        ("CreateGroup", &[("GroupName", "a b")]),
        ("DeleteGroup", &[("GroupName", "ghosts")]),
        ("AddUserToGroup", &[("UserName", "bob"), ("GroupName", "ghosts")]),
        ("CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", "{")]),
        ("CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", GHOST)]),
        ("CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", &doc)]),
        ("CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", TRUST), ("MaxSessionDuration", "60")]),
        ("CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", TRUST), ("Tag.1.Key", "aliyun")]),
        ("CreateRole", &[("RoleName", "app-uploader"), ("AssumeRolePolicyDocument", TRUST)]),
        ("UpdateRole", &[("RoleName", "app-uploader"), ("NewAssumeRolePolicyDocument", GHOST)]),
        ("UpdateRole", &[("RoleName", "app-uploader"), ("NewAssumeRolePolicyDocument", &doc)]),
        ("DeleteRole", &[("RoleName", "app-uploader")]),
        ("CreatePolicy", &[("PolicyName", "uploader"), ("PolicyDocument", READ)]),
        ("CreatePolicy", &[("PolicyName", "p"), ("PolicyDocument", TRUST)]),
        ("CreatePolicy", &[("PolicyName", "p"), ("PolicyDocument", &doc)]),
        ("CreatePolicy", &[("PolicyName", "a_b"), ("PolicyDocument", READ)]),
        ("GetPolicy", &[("PolicyName", "uploader")]),
        ("GetPolicy", &[("PolicyName", "uploader"), ("PolicyType", "Mine")]),
        ("GetPolicy", &[("PolicyName", "uploader"), ("PolicyType", "System")]),
        ("GetPolicyVersion", &[("PolicyName", "uploader"), ("PolicyType", "Custom"), ("VersionId", "1")]),
        ("GetPolicyVersion", &[("PolicyName", "uploader"), ("PolicyType", "Custom"), ("VersionId", "v9")]),
        ("DeletePolicyVersion", &[("PolicyName", "uploader"), ("VersionId", "v1")]),
        ("DeletePolicy", &[("PolicyName", "uploader")]),
        ("DeletePolicy", &[("PolicyName", "assume-uploader")]),
        ("DeletePolicy", &[("PolicyName", "AdministratorAccess")]),
        ("AttachPolicyToUser", &[("PolicyName", "assume-uploader"), ("PolicyType", "Custom"), ("UserName", "bob")]),
        ("AttachPolicyToRole", &[("PolicyName", "ghost"), ("PolicyType", "Custom"), ("RoleName", "app-uploader")]),
        ("DetachPolicyFromRole", &[("PolicyName", "ReadOnlyAccess"), ("PolicyType", "System"), ("RoleName", "app-uploader")]),
        ("SetAccountAlias", &[("AccountAlias", "globex")]),
        ("SetAccountAlias", &[("AccountAlias", "Upper")]),
        ("SetAccountAlias", &[("AccountAlias", "ab")]),
        ("SetAccountAlias", &[("AccountAlias", "1000000000000002")]),
        ("SetAccountAlias", &[]),
        ("GetAccessKeyLastUsed", &[("UserName", "bob"), ("UserAccessKeyId", "LTAITESTdan")]),
        ("UpdatePolicyDescription", &[("PolicyName", "ghost"), ("NewDescription", "x")]),
        ("UpdatePolicyDescription", &[("PolicyName", "uploader")]),
        ("TagResources", &[("ResourceType", "user"), ("ResourceNames", "bob"), ("Tag.1.Key", "k")]),
        ("TagResources", &[("ResourceType", "role"), ("ResourceNames", r#"["ghost"]"#), ("Tag.1.Key", "k")]),
        ("TagResources", &[("ResourceType", "policy"), ("ResourceNames", r#"["ghost"]"#), ("Tag.1.Key", "k")]),
        ("TagResources", &[("ResourceType", "role"), ("Tag.1.Key", "k")]),
        ("TagResources", &[("ResourceType", "role"), ("ResourceNames", r#"["app-uploader"]"#)]),
        ("TagResources", &[("ResourceType", "role"), ("ResourceNames", r#"["app-uploader"]"#), ("Tag", "k=v")]),
        ("TagResources", &[("ResourceType", "role"), ("ResourceNames", r#"["app-uploader"]"#), ("Tag.1.Key", "acs:k")]),
        ("TagResources", &[("ResourceType", "role"), ("ResourceNames", r#"["app-uploader"]"#), ("Tag.1.Value", "v")]),
        ("UntagResources", &[("ResourceType", "role"), ("ResourceNames", r#"["app-uploader"]"#)]),
        ("ListTagResources", &[("ResourceType", "role"), ("PageSize", "101")]),
        ("DecodeDiagnosticMessage", &[("EncodedDiagnosticMessage", "garbage")]),
        ("DecodeDiagnosticMessage", &[]),
        ("CreateUnicorn", &[("UserName", "eve")]),
    ];
    let mut seen = String::new();
    for (action, rest) in cases {
        let answer = alice(&world, action, rest).await;
        let shown: Vec<String> = rest.iter().map(|(name, value)| format!("{name}={}", value.get(..24).unwrap_or(value))).collect();
        seen = format!("{seen}{action} {}\n    {}\n", shown.join(" "), answer.brief());
    }
    let dan = by(&world, &world.key("dan"), "ListUsers", &[]).await;
    seen = format!("{seen}--- dan\n{}", dan.whole());
    insta::assert_snapshot!("ram_refusals", seen);
}
