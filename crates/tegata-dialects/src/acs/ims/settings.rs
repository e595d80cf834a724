//! What an account asks of passwords, and what its users may do for themselves.

use tegata_core::directory::{DescribePasswordPolicy, DescribeSecurityPreference, PasswordPolicy, SecurityPreference, SetPasswordPolicy};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, text},
    catalogue::{Kind, may},
    error::AcsError,
    ram::sign_in::{policy_input, policy_members, preference_input, preference_members},
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
            may("HardExpire", Kind::Flag),
            may("MaxPasswordAge", Kind::Number),
            may("PasswordReusePrevention", Kind::Number),
            may("MaxLoginAttemps", Kind::Number),
            may("InitialPasswordAge", Kind::Number),
            may("MinimumPasswordDifferentCharacter", Kind::Number),
            may("PasswordNotContainUserName", Kind::Flag)
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
            may("LoginSessionDuration", Kind::Number),
            may("LoginNetworkMasks", Kind::Text),
            may("MFAOperationForLogin", Kind::Word(&[INDEPENDENT]))
        ]
    ),
    entry!("GetSecurityPreference", "What users may do for themselves, and how they sign in", preference, []),
];

/// Each login profile says whether its user needs a second factor. That is all there is: who asks for more is told so.
const INDEPENDENT: &str = "independent";

/// What this spelling calls a password that is locked once it is too old.
const HARD_EXPIRY: &str = "HardExpire";

fn shown_policy(policy: &PasswordPolicy) -> Fields {
    let number = |number: u32| Tree::Number(number.into());
    let mut fields = policy_members(policy, HARD_EXPIRY);
    fields.extend([
        ("InitialPasswordAge", number(policy.initial_age_days)),
        ("MinimumPasswordDifferentCharacter", number(policy.different_characters)),
        ("PasswordNotContainUserName", Tree::Flag(policy.forbid_user_name)),
    ]);
    vec![("PasswordPolicy", Tree::Object(fields))]
}

async fn set_policy(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = SetPasswordPolicy {
        different_characters: ask.maybe_number("MinimumPasswordDifferentCharacter")?,
        forbid_user_name: ask.maybe_flag("PasswordNotContainUserName")?,
        initial_age_days: ask.maybe_number("InitialPasswordAge")?,
        ..policy_input(ask, HARD_EXPIRY)?
    };
    Ok(shown_policy(&ask.perform(input).await?))
}

async fn policy(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(shown_policy(&ask.perform(DescribePasswordPolicy).await?))
}

fn shown_preference(preference: &SecurityPreference) -> Fields {
    let (mut sign_in, mut groups) = preference_members(preference);
    sign_in.push(("MFAOperationForLogin", text(&INDEPENDENT)));
    groups.insert(0, ("LoginProfilePreference", Tree::Object(sign_in)));
    vec![("SecurityPreference", Tree::Object(groups))]
}

async fn set_preference(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    if ask.params.text("MFAOperationForLogin").is_some_and(|given| !given.is_empty() && given != INDEPENDENT) {
        let rule = "`independent` is the value here: `MFABindRequired` of each login profile asks for a second factor";
        return Err(AcsError::invalid("MFAOperationForLogin", rule));
    }
    Ok(shown_preference(&ask.perform(preference_input(ask)?).await?))
}

async fn preference(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(shown_preference(&ask.perform(DescribeSecurityPreference).await?))
}
