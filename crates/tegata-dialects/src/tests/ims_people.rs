//! IMS: people and what they sign in with, by their names at the domain of their account. Whole replies, and the code of every refusal.

use tegata_core::testing::one_time_code;

use super::world::{Answer, World, pairs};

const PHONE: &str = "acs:ram::1000000000000001:mfa/phone";
const BOB: (&str, &str) = ("UserPrincipalName", "bob@acme.onaliyun.com");
const EVE: (&str, &str) = ("UserPrincipalName", "eve@acme.onaliyun.com");

async fn by(world: &World, user: &str, action: &str, rest: &[(&str, &str)]) -> Answer {
    let mut parameters = pairs([("Action", action), ("Version", "2019-08-15")]);
    parameters.extend(rest.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    world.issuer(world.rpc(&world.key(user), parameters)).await
}

/// A tour through every operation: each line must succeed, in this order. `EVE` is the number of that user, `CODE1` and `CODE2` are what
/// the device shows.
const TOUR: &[(&str, &[(&str, &str)])] = &[
    ("GetDefaultDomain", &[]),
    (
        "CreateUser",
        &[EVE, ("DisplayName", "Eve"), ("MobilePhone", "81-312345678"), ("Email", "eve@example.test"), ("Comments", "a <b> & c")],
    ),
    ("GetUser", &[("UserPrincipalName", "EVE@ACME.onaliyun.com")]),
    ("GetUser", &[("UserPrincipalName", "eve@1000000000000001.onaliyun.com")]),
    ("GetUser", &[("UserId", "EVE")]),
    ("GetUser", &[("UserAccessKeyId", "LTAITESTbob")]),
    ("UpdateUser", &[("UserId", "EVE"), ("NewUserPrincipalName", "eva@acme.onaliyun.com"), ("NewDisplayName", "Eva")]),
    ("UpdateUser", &[("UserPrincipalName", "eva@acme.onaliyun.com"), ("NewUserPrincipalName", "eve@acme.onaliyun.com")]),
    ("ListUsers", &[("MaxItems", "1")]),
    ("ListUsers", &[("Status", "freeze")]),
    ("ListUserBasicInfos", &[("Marker", "bob"), ("MaxItems", "2"), ("Status", "active,freeze")]),
    ("CreateLoginProfile", &[EVE, ("Password", "correct horse"), ("MFABindRequired", "true"), ("Status", "Inactive")]),
    ("GetLoginProfile", &[EVE]),
    ("UpdateLoginProfile", &[EVE, ("Status", "Active"), ("PasswordResetRequired", "true")]),
    ("DeleteLoginProfile", &[EVE]),
    ("CreateLoginProfile", &[EVE]),
    ("DeleteLoginProfile", &[EVE]),
    ("CreateLoginProfile", &[("UserPrincipalName", "alice@acme.onaliyun.com"), ("Password", "correct horse 2")]),
    ("ChangePassword", &[("OldPassword", "correct horse 2"), ("NewPassword", "battery staple 3")]),
    ("GetLoginProfile", &[("UserPrincipalName", "alice@acme.onaliyun.com")]),
    ("CreateAccessKey", &[EVE]),
    ("ListAccessKeys", &[]),
    ("UpdateAccessKey", &[("UserPrincipalName", "dan@acme.onaliyun.com"), ("UserAccessKeyId", "LTAITESTdan"), ("Status", "Inactive")]),
    ("GetAccessKeyLastUsed", &[("UserAccessKeyId", "LTAITESTalice")]),
    ("GetAccessKeyLastUsed", &[BOB, ("UserAccessKeyId", "LTAITESTbob")]),
    ("DeleteAccessKey", &[("UserPrincipalName", "dan@acme.onaliyun.com"), ("UserAccessKeyId", "LTAITESTdan")]),
    ("CreateGroup", &[("GroupName", "staff"), ("Comments", "people")]),
    ("UpdateGroup", &[("GroupName", "staff"), ("NewGroupName", "crew")]),
    ("GetGroup", &[("GroupName", "crew")]),
    ("ListGroups", &[("MaxItems", "1")]),
    ("AddUserToGroup", &[BOB, ("GroupName", "crew")]),
    ("ListGroupsForUser", &[BOB]),
    ("ListUsersForGroup", &[("GroupName", "crew")]),
    ("RemoveUserFromGroup", &[BOB, ("GroupName", "crew")]),
    ("DeleteGroup", &[("GroupName", "crew")]),
    ("CreateVirtualMFADevice", &[("VirtualMFADeviceName", "phone")]),
    ("GetUserMFAInfo", &[BOB]),
    ("BindMFADevice", &[BOB, ("SerialNumber", PHONE), ("AuthenticationCode1", "CODE1"), ("AuthenticationCode2", "CODE2")]),
    ("ListVirtualMFADevices", &[("MaxItems", "1")]),
    ("GetUserMFAInfo", &[BOB]),
    ("GetUserMFAInfo", &[]),
    ("GetAccountSummary", &[]),
    ("UnbindMFADevice", &[BOB]),
    ("DeleteVirtualMFADevice", &[("SerialNumber", PHONE)]),
    ("SetPasswordPolicy", &[("HardExpire", "true"), ("InitialPasswordAge", "7"), ("PasswordNotContainUserName", "true")]),
    ("GetPasswordPolicy", &[]),
    ("SetSecurityPreference", &[("MFAOperationForLogin", "independent"), ("LoginNetworkMasks", "192.0.2.0/24")]),
    ("GetSecurityPreference", &[]),
    ("SetDefaultDomain", &[("DefaultDomainName", "acme-corp.onaliyun.com")]),
    ("GetUser", &[("UserPrincipalName", "bob@acme-corp.onaliyun.com")]),
];

#[tokio::test]
async fn every_operation_answers_in_json() {
    let world = World::new().await;
    let (mut seen, mut seed, mut eve) = (String::new(), String::new(), String::new());
    let mut random: Vec<String> = Vec::new();
    for (action, rest) in TOUR {
        let code = |steps| one_time_code(&seed, world.test.now(), steps).unwrap_or_default();
        let codes = [code(0), code(1)];
        let value = |value: &'static str| match value {
            "EVE" => eve.clone(),
            "CODE1" => codes[0].clone(),
            "CODE2" => codes[1].clone(),
            value => value.to_owned(),
        };
        let rest: Vec<(&str, String)> = rest.iter().map(|(name, given)| (*name, value(given))).collect();
        let rest: Vec<(&str, &str)> = rest.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = by(&world, "alice", action, &rest).await;
        assert_eq!(answer.status, 200, "{action}: {}", answer.text());
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let at = |place: &str| json.pointer(place).and_then(serde_json::Value::as_str).map(str::to_owned);
        if let Some(made) = at("/VirtualMFADevice/Base32StringSeed") {
            random.push(made.clone());
            seed = made;
        }
        if *action == "CreateUser" {
            eve = at("/User/UserId").unwrap();
        }
        if *action == "CreateAccessKey" {
            random.extend([at("/AccessKey/AccessKeyId").unwrap(), at("/AccessKey/AccessKeySecret").unwrap()]);
        }
        random.extend(at("/VirtualMFADevice/QRCodePNG"));
        random.extend(at("/Group/GroupId"));
        let whole = random.iter().fold(answer.whole(), |text, value| text.replace(value, "RANDOM"));
        seen = format!("{seen}--- {action}\n{}\n", whole.rsplit("\n\n").next().unwrap_or_default());
    }
    insta::assert_snapshot!("ims_people_tour", seen);
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let world = World::new().await;
    let ghost = ("UserPrincipalName", "ghost@acme.onaliyun.com");
    let foreign = ("UserPrincipalName", "bob@globex.onaliyun.com");
    let name = ("DisplayName", "x");
    let cases: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("CreateUser", vec![name]),
        ("CreateUser", vec![EVE]),
        ("CreateUser", vec![BOB, name]),
        ("CreateUser", vec![foreign, name]),
        ("CreateUser", vec![("UserPrincipalName", "eve"), name]),
        ("CreateUser", vec![("UserPrincipalName", "eve@acme.example"), name]),
        ("CreateUser", vec![("UserPrincipalName", "e/e@acme.onaliyun.com"), name]),
        ("CreateUser", vec![("UserPrincipalName", "@acme.onaliyun.com"), name]),
        ("CreateUser", vec![EVE, name, ("Tag.1.Key", "team")]),
        ("GetUser", vec![]),
        ("GetUser", vec![ghost]),
        ("GetUser", vec![foreign]),
        ("GetUser", vec![BOB, ("UserId", "200000000000000001")]),
        ("GetUser", vec![("UserId", "bob")]),
        ("GetUser", vec![("UserId", "299999999999999999")]),
        ("GetUser", vec![("UserAccessKeyId", "LTAITESTghost")]),
        ("GetUser", vec![("UserAccessKeyId", "LTAITESTmallory")]),
        ("GetUser", vec![("UserAccessKeyId", "LTAITESTroot")]),
        ("UpdateUser", vec![BOB, ("NewUserPrincipalName", "dan@acme.onaliyun.com")]),
        ("UpdateUser", vec![BOB, ("NewUserPrincipalName", "bob@globex.onaliyun.com")]),
        ("UpdateUser", vec![("UserAccessKeyId", "LTAITESTbob")]),
        ("DeleteUser", vec![BOB]),
        ("ListUsers", vec![("Status", "asleep")]),
        ("ListUserBasicInfos", vec![("MaxItems", "0")]),
        ("CreateLoginProfile", vec![ghost]),
        ("CreateLoginProfile", vec![BOB, ("Status", "On")]),
        ("GetLoginProfile", vec![BOB]),
        ("UpdateLoginProfile", vec![BOB]),
        ("DeleteLoginProfile", vec![BOB]),
        ("ChangePassword", vec![("OldPassword", "x")]),
        ("CreateAccessKey", vec![ghost]),
        ("ListAccessKeys", vec![foreign]),
        ("UpdateAccessKey", vec![BOB, ("UserAccessKeyId", "LTAITESTdan"), ("Status", "Active")]),
        ("DeleteAccessKey", vec![BOB, ("UserAccessKeyId", "LTAITESTdan")]),
        ("GetAccessKeyLastUsed", vec![BOB, ("UserAccessKeyId", "LTAITESTdan")]),
        ("GetGroup", vec![("GroupName", "ghosts")]),
        ("AddUserToGroup", vec![foreign, ("GroupName", "ghosts")]),
        ("ListVirtualMFADevices", vec![("MaxItems", "101")]),
        ("DeleteVirtualMFADevice", vec![("SerialNumber", PHONE)]),
        ("BindMFADevice", vec![BOB, ("SerialNumber", PHONE), ("AuthenticationCode1", "123456"), ("AuthenticationCode2", "123456")]),
        ("UnbindMFADevice", vec![BOB]),
        ("GetUserMFAInfo", vec![ghost]),
        ("SetPasswordPolicy", vec![("InitialPasswordAge", "91")]),
        ("SetSecurityPreference", vec![("MFAOperationForLogin", "mandatory")]),
        ("SetDefaultDomain", vec![("DefaultDomainName", "acme.example")]),
        ("SetDefaultDomain", vec![("DefaultDomainName", "Acme_.onaliyun.com")]),
        ("SetDefaultDomain", vec![("DefaultDomainName", "globex.onaliyun.com")]),
    ];
    let mut seen = String::new();
    for (action, rest) in &cases {
        let answer = by(&world, "alice", action, rest).await;
        let shown: Vec<String> = rest.iter().map(|(name, value)| format!("{name}={value}")).collect();
        seen = format!("{seen}{action} {}\n    {}\n", shown.join(" "), answer.brief());
    }
    let root = by(&world, "root", "GetUserMFAInfo", &[]).await;
    seen = format!("{seen}--- root\n{}\n", root.brief());
    insta::assert_snapshot!("ims_people_refusals", seen);
}

/// Whoever may not look learns by no handle whether there is such a user, or how it is called.
#[tokio::test]
async fn handles_tell_strangers_nothing() {
    let world = World::new().await;
    let bob = by(&world, "alice", "GetUser", &[BOB]).await;
    let bob: serde_json::Value = serde_json::from_slice(&bob.body).unwrap();
    let number = bob["User"]["UserId"].as_str().unwrap();
    for action in ["GetUser", "UpdateUser", "DeleteUser"] {
        let there = by(&world, "dan", action, &[("UserId", number)]).await;
        let absent = by(&world, "dan", action, &[("UserId", "299999999999999999")]).await;
        assert_eq!((there.status.as_u16(), there.code(), there.brief()), (403, "NoPermission", absent.brief()), "{action}");
        assert!(!there.text().contains("bob"), "{}", there.text());
    }
    let answers = ["LTAITESTbob", "LTAITESTmallory", "LTAITESTghost"].map(|key| [("UserAccessKeyId", key)]);
    for rest in &answers {
        let answer = by(&world, "dan", "GetUser", rest).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (403, "NoPermission"));
        assert!(!answer.text().contains("bob"), "{}", answer.text());
    }
}
