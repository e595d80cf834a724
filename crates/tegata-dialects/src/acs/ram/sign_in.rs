//! What an account asks of passwords, and what its users may do for themselves.

use tegata_core::directory::{
    DescribePasswordPolicy, DescribeSecurityPreference, PasswordPolicy, SecurityPreference, SetPasswordPolicy, SetSecurityPreference,
};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry},
    catalogue::{Kind, may},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "SetPasswordPolicy",
        "Say what the account asks of passwords; what is left out stays",
        set_policy,
        [
            may("MinimumPasswordLength", Kind::Number),
            may("RequireLowercaseCharacters", Kind::Flag),
            may("RequireUppercaseCharacters", Kind::Flag),
            may("RequireNumbers", Kind::Flag),
            may("RequireSymbols", Kind::Flag),
            may("HardExpiry", Kind::Flag),
            may("MaxPasswordAge", Kind::Number),
            may("PasswordReusePrevention", Kind::Number),
            may("MaxLoginAttemps", Kind::Number)
        ]
    ),
    entry!("GetPasswordPolicy", "What the account asks of passwords", policy, []),
    entry!(
        "SetSecurityPreference",
        "Say what users may do for themselves, and how they sign in; what is left out stays",
        set_preference,
        [
            may("EnableSaveMFATicket", Kind::Flag),
            may("AllowUserToChangePassword", Kind::Flag),
            may("AllowUserToManageAccessKeys", Kind::Flag),
            may("AllowUserToManageMFADevices", Kind::Flag),
            may("AllowUserToManagePublicKeys", Kind::Flag),
            may("LoginSessionDuration", Kind::Number),
            may("LoginNetworkMasks", Kind::Text)
        ]
    ),
    entry!("GetSecurityPreference", "What users may do for themselves, and how they sign in", preference, []),
];

/// What both spellings say of a password policy; they differ in the name of one member.
pub(in crate::acs) fn policy_members(policy: &PasswordPolicy, hard_expiry: &'static str) -> Fields {
    let number = |number: u32| Tree::Number(number.into());
    vec![
        ("MinimumPasswordLength", number(policy.min_length)),
        ("RequireLowercaseCharacters", Tree::Flag(policy.require_lowercase)),
        ("RequireUppercaseCharacters", Tree::Flag(policy.require_uppercase)),
        ("RequireNumbers", Tree::Flag(policy.require_numbers)),
        ("RequireSymbols", Tree::Flag(policy.require_symbols)),
        (hard_expiry, Tree::Flag(policy.hard_expiry)),
        ("MaxPasswordAge", number(policy.max_age_days)),
        ("PasswordReusePrevention", number(policy.reuse_prevention)),
        ("MaxLoginAttemps", number(policy.max_attempts)),
    ]
}

/// What both spellings can be told of a password policy.
pub(in crate::acs) fn policy_input(ask: &Ask<'_>, hard_expiry: &'static str) -> Result<SetPasswordPolicy, AcsError> {
    Ok(SetPasswordPolicy {
        min_length: ask.maybe_number("MinimumPasswordLength")?,
        require_lowercase: ask.maybe_flag("RequireLowercaseCharacters")?,
        require_uppercase: ask.maybe_flag("RequireUppercaseCharacters")?,
        require_numbers: ask.maybe_flag("RequireNumbers")?,
        require_symbols: ask.maybe_flag("RequireSymbols")?,
        hard_expiry: ask.maybe_flag(hard_expiry)?,
        max_age_days: ask.maybe_number("MaxPasswordAge")?,
        reuse_prevention: ask.maybe_number("PasswordReusePrevention")?,
        max_attempts: ask.maybe_number("MaxLoginAttemps")?,
        ..SetPasswordPolicy::default()
    })
}

/// What both spellings say of a security preference: how people sign in, and the groups of what they may do for themselves.
pub(in crate::acs) fn preference_members(preference: &SecurityPreference) -> (Fields, Fields) {
    let one = |name, flag| Tree::Object(vec![(name, Tree::Flag(flag))]);
    let sign_in = vec![
        ("EnableSaveMFATicket", Tree::Flag(preference.remember_factor)),
        ("AllowUserToChangePassword", Tree::Flag(preference.users_change_password)),
        ("LoginSessionDuration", Tree::Number(preference.session_hours.into())),
        ("LoginNetworkMasks", Tree::Text(preference.login_networks.join(";"))),
    ];
    let groups = vec![
        ("AccessKeyPreference", one("AllowUserToManageAccessKeys", preference.users_manage_keys)),
        ("MFAPreference", one("AllowUserToManageMFADevices", preference.users_manage_factor)),
    ];
    (sign_in, groups)
}

/// What both spellings can be told of a security preference.
pub(in crate::acs) fn preference_input(ask: &Ask<'_>) -> Result<SetSecurityPreference, AcsError> {
    Ok(SetSecurityPreference {
        remember_factor: ask.maybe_flag("EnableSaveMFATicket")?,
        users_change_password: ask.maybe_flag("AllowUserToChangePassword")?,
        users_manage_keys: ask.maybe_flag("AllowUserToManageAccessKeys")?,
        users_manage_factor: ask.maybe_flag("AllowUserToManageMFADevices")?,
        session_hours: ask.maybe_number("LoginSessionDuration")?,
        login_networks: networks(ask),
        ..SetSecurityPreference::default()
    })
}

/// `LoginNetworkMasks`, which may be absent: present and empty means all networks again.
fn networks(ask: &Ask<'_>) -> Option<Vec<String>> {
    let masks = ask.params.text("LoginNetworkMasks")?;
    Some(masks.split(';').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect())
}

/// What this spelling calls a password that is locked once it is too old.
const HARD_EXPIRY: &str = "HardExpiry";

fn shown_policy(policy: &PasswordPolicy) -> Fields {
    vec![("PasswordPolicy", Tree::Object(policy_members(policy, HARD_EXPIRY)))]
}

async fn set_policy(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(shown_policy(&ask.perform(policy_input(ask, HARD_EXPIRY)?).await?))
}

async fn policy(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(shown_policy(&ask.perform(DescribePasswordPolicy).await?))
}

fn shown_preference(preference: &SecurityPreference) -> Fields {
    let (sign_in, mut groups) = preference_members(preference);
    groups.insert(0, ("LoginProfilePreference", Tree::Object(sign_in)));
    let public_keys = Tree::Flag(preference.users_manage_public_keys);
    groups.push(("PublicKeyPreference", Tree::Object(vec![("AllowUserToManagePublicKeys", public_keys)])));
    vec![("SecurityPreference", Tree::Object(groups))]
}

async fn set_preference(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input =
        SetSecurityPreference { users_manage_public_keys: ask.maybe_flag("AllowUserToManagePublicKeys")?, ..preference_input(ask)? };
    Ok(shown_preference(&ask.perform(input).await?))
}

async fn preference(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(shown_preference(&ask.perform(DescribeSecurityPreference).await?))
}
