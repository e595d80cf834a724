//! What people sign in with: whole replies, and the code of every refusal.

use tegata_core::testing::one_time_code;

use super::{
    ram::{alice, by},
    world::{Answer, World},
};

const PHONE: &str = "acs:ram::1000000000000001:mfa/phone";

/// A tour through every operation: each line must succeed, in this order. `CODE1` and `CODE2` are what the device shows.
pub(super) const TOUR: &[(&str, &[(&str, &str)])] = &[
    ("GetPasswordPolicy", &[]),
    ("SetPasswordPolicy", &[("MinimumPasswordLength", "10"), ("RequireNumbers", "true"), ("MaxLoginAttemps", "3"), ("HardExpiry", "true")]),
    ("SetPasswordPolicy", &[("PasswordReusePrevention", "2"), ("MaxPasswordAge", "90")]),
    ("CreateLoginProfile", &[("UserName", "Bob"), ("Password", "correct horse 1"), ("MFABindRequired", "true")]),
    ("GetLoginProfile", &[("UserName", "bob")]),
    ("UpdateLoginProfile", &[("UserName", "bob"), ("PasswordResetRequired", "true"), ("MFABindRequired", "false")]),
    ("GetLoginProfile", &[("UserName", "bob")]),
    ("CreateLoginProfile", &[("UserName", "alice"), ("Password", "correct horse 2")]),
    ("ChangePassword", &[("OldPassword", "correct horse 2"), ("NewPassword", "battery staple 3")]),
    ("DeleteLoginProfile", &[("UserName", "bob")]),
    ("GetSecurityPreference", &[]),
    (
        "SetSecurityPreference",
        &[("LoginNetworkMasks", "192.0.2.0/24;2001:db8::/32"), ("LoginSessionDuration", "8"), ("AllowUserToManageAccessKeys", "true")],
    ),
    ("SetSecurityPreference", &[("LoginNetworkMasks", ""), ("EnableSaveMFATicket", "true"), ("AllowUserToChangePassword", "false")]),
    ("CreateVirtualMFADevice", &[("VirtualMFADeviceName", "phone")]),
    ("ListVirtualMFADevices", &[]),
    ("BindMFADevice", &[("SerialNumber", PHONE), ("UserName", "bob"), ("AuthenticationCode1", "CODE1"), ("AuthenticationCode2", "CODE2")]),
    ("ListVirtualMFADevices", &[]),
    ("GetUserMFAInfo", &[("UserName", "bob")]),
    ("UnbindMFADevice", &[("UserName", "bob")]),
    ("DeleteVirtualMFADevice", &[("SerialNumber", PHONE)]),
    ("ListVirtualMFADevices", &[]),
];

fn made(answer: &Answer) -> Option<(String, String)> {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    let device = &json["VirtualMFADevice"];
    Some((device["Base32StringSeed"].as_str()?.to_owned(), device["QRCodePNG"].as_str()?.to_owned()))
}

#[tokio::test]
async fn every_operation_answers_in_json() {
    let world = World::new().await;
    let (mut seen, mut seed) = (String::new(), String::new());
    for (action, rest) in TOUR {
        let code = |steps| one_time_code(&seed, world.test.now(), steps).unwrap_or_default();
        let codes = [code(0), code(1)];
        let rest: Vec<(&str, &str)> = rest
            .iter()
            .map(|(name, value)| match *value {
                "CODE1" => (*name, codes[0].as_str()),
                "CODE2" => (*name, codes[1].as_str()),
                value => (*name, value),
            })
            .collect();
        let answer = alice(&world, action, &rest).await;
        assert_eq!(answer.status, 200, "{action}: {}", answer.text());
        let mut whole = answer.whole();
        if let Some((secret, picture)) = made(&answer) {
            assert_eq!((secret.len(), picture.get(..11)), (40, Some("iVBORw0KGgo")), "a PNG");
            whole = whole.replace(&secret, "SEED").replace(&picture, "PICTURE");
            seed = secret;
        }
        let body = whole.rsplit("\n\n").next().unwrap_or_default();
        seen = format!("{seen}--- {action}\n{body}\n");
    }
    insta::assert_snapshot!("sign_in_tour", seen);
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let world = World::new().await;
    alice(&world, "CreateLoginProfile", &[("UserName", "alice"), ("Password", "correct horse")]).await;
    alice(&world, "SetPasswordPolicy", &[("PasswordReusePrevention", "1"), ("MaxLoginAttemps", "3")]).await;
    alice(&world, "CreateVirtualMFADevice", &[("VirtualMFADeviceName", "phone")]).await;
    let tablet = alice(&world, "CreateVirtualMFADevice", &[("VirtualMFADeviceName", "tablet")]).await;
    let seed = made(&tablet).unwrap().0;
    let code = |steps| one_time_code(&seed, world.test.now(), steps).unwrap();
    let (first, second) = (code(0), code(1));
    let tablet = "acs:ram::1000000000000001:mfa/tablet";
    let bind = |serial, user, first, second| {
        [("SerialNumber", serial), ("UserName", user), ("AuthenticationCode1", first), ("AuthenticationCode2", second)]
    };
    alice(&world, "BindMFADevice", &bind(tablet, "dan", &first, &second)).await;
    let cases: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("CreateLoginProfile", vec![("UserName", "bob")]),
        ("CreateLoginProfile", vec![("UserName", "ghost"), ("Password", "correct horse")]),
        ("CreateLoginProfile", vec![("UserName", "alice"), ("Password", "correct horse")]),
        ("CreateLoginProfile", vec![("UserName", "bob"), ("Password", "short")]),
        ("GetLoginProfile", vec![("UserName", "bob")]),
        ("UpdateLoginProfile", vec![("UserName", "alice"), ("Password", "short")]),
        ("UpdateLoginProfile", vec![("UserName", "alice"), ("MFABindRequired", "maybe")]),
        ("DeleteLoginProfile", vec![("UserName", "bob")]),
        ("ChangePassword", vec![("OldPassword", "wrong horse"), ("NewPassword", "battery staple")]),
        ("ChangePassword", vec![("OldPassword", "correct horse"), ("NewPassword", "short")]),
        ("ChangePassword", vec![("OldPassword", "correct horse"), ("NewPassword", "correct horse")]),
        ("ChangePassword", vec![("OldPassword", "wrong horse"), ("NewPassword", "battery staple")]),
        ("ChangePassword", vec![("OldPassword", "correct horse"), ("NewPassword", "battery staple")]),
        ("SetPasswordPolicy", vec![("MinimumPasswordLength", "7")]),
        ("SetPasswordPolicy", vec![("MaxPasswordAge", "99999999999999999999")]),
        ("SetPasswordPolicy", vec![("PasswordReusePrevention", "-1")]),
        ("SetPasswordPolicy", vec![("MaxLoginAttemps", "33")]),
        ("SetSecurityPreference", vec![("LoginSessionDuration", "25")]),
        ("SetSecurityPreference", vec![("LoginNetworkMasks", "192.0.2.0/24;here")]),
        ("CreateVirtualMFADevice", vec![("VirtualMFADeviceName", "PHONE")]),
        ("CreateVirtualMFADevice", vec![("VirtualMFADeviceName", "a_b")]),
        ("DeleteVirtualMFADevice", vec![("SerialNumber", "acs:ram::1000000000000001:mfa/ghost")]),
        ("DeleteVirtualMFADevice", vec![("SerialNumber", "acs:ram::1000000000000002:mfa/phone")]),
        ("DeleteVirtualMFADevice", vec![("SerialNumber", "phone")]),
        ("DeleteVirtualMFADevice", vec![("SerialNumber", tablet)]),
        ("BindMFADevice", bind(PHONE, "bob", "12345", "123456").to_vec()),
        ("BindMFADevice", bind(PHONE, "bob", "123456", "123456").to_vec()),
        ("BindMFADevice", bind(PHONE, "ghost", "123456", "123456").to_vec()),
        ("BindMFADevice", bind(PHONE, "dan", "123456", "123456").to_vec()),
        ("BindMFADevice", bind(tablet, "bob", "123456", "123456").to_vec()),
        ("UnbindMFADevice", vec![("UserName", "bob")]),
        ("GetUserMFAInfo", vec![("UserName", "bob")]),
        ("DeleteUser", vec![("UserName", "dan")]),
    ];
    let mut seen = String::new();
    for (action, rest) in &cases {
        let answer = alice(&world, action, rest).await;
        let shown: Vec<String> = rest.iter().map(|(name, value)| format!("{name}={value}")).collect();
        seen = format!("{seen}{action} {}\n    {}\n", shown.join(" "), answer.brief());
    }
    let root = by(&world, &world.key("root"), "ChangePassword", &[("OldPassword", "a"), ("NewPassword", "battery staple")]).await;
    let dan = by(&world, &world.key("dan"), "UnbindMFADevice", &[("UserName", "dan")]).await;
    seen = format!("{seen}--- root\n{}\n--- dan, without the second factor\n{}", root.whole(), dan.whole());
    insta::assert_snapshot!("sign_in_refusals", seen);
}
