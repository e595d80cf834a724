//! Login profiles, and one's own password.

use std::sync::Arc;

use tegata_core::directory::{self, DeleteLoginProfile, DescribeLoginProfile, LoginProfile, LoginProfileChange, NewLoginProfile};
use tegata_model::Status;

use super::principal::{self, USER};
use crate::acs::{
    ask::{Ask, Entry, Fields, entry, text},
    catalogue::{Kind, Parameter, may, need},
    error::AcsError,
    ram::{
        key::{maybe_status, status_word},
        login::change_password,
    },
    reply::Tree,
};

/// Whether it may be used.
const STATUS: Parameter = may("Status", Kind::Word(&["Active", "Inactive"]));

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "CreateLoginProfile",
        "Let a user sign in, with a password if one is given",
        create,
        [USER, may("Password", Kind::Secret), may("PasswordResetRequired", Kind::Flag), may("MFABindRequired", Kind::Flag), STATUS]
    ),
    entry!("GetLoginProfile", "How a user signs in", describe, [USER]),
    entry!(
        "UpdateLoginProfile",
        "Set a user's password, or change how it signs in",
        update,
        [USER, may("Password", Kind::Secret), may("PasswordResetRequired", Kind::Flag), may("MFABindRequired", Kind::Flag), STATUS]
    ),
    entry!("DeleteLoginProfile", "Take from a user what it signs in with", delete, [USER]),
    entry!(
        "ChangePassword",
        "Change one's own password",
        change_password,
        [need("OldPassword", Kind::Secret), need("NewPassword", Kind::Secret)]
    ),
];

fn shown(ask: &Ask<'_>, profile: &LoginProfile) -> Fields {
    let mut fields = vec![
        ("UserPrincipalName", Tree::Text(principal::shown(ask, &profile.user))),
        ("Status", text(&status_word(profile.status))),
        ("PasswordResetRequired", Tree::Flag(profile.reset_required)),
        ("MFABindRequired", Tree::Flag(profile.mfa_required)),
    ];
    if profile.has_password {
        fields.push(("PasswordStatus", text(&if profile.initial { "Initial" } else { "NotInitial" })));
    }
    fields.push(("UpdateDate", Tree::Text(profile.updated_at.to_iso())));
    fields.extend(profile.last_login_at.map(|at| ("LastLoginTime", Tree::Text(at.to_iso()))));
    vec![("LoginProfile", Tree::Object(fields))]
}

async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let new = NewLoginProfile {
        user: principal::named(ask)?,
        password: ask.maybe_secret("Password").map(Arc::new),
        reset_required: ask.flag("PasswordResetRequired")?,
        mfa_required: ask.flag("MFABindRequired")?,
        status: maybe_status(ask)?.unwrap_or(Status::Active),
    };
    Ok(shown(ask, &directory::create_login_profile(ask.core, ask.caller, new).await?))
}

async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(shown(ask, &ask.perform(DescribeLoginProfile { user: principal::named(ask)? }).await?))
}

async fn update(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let change = LoginProfileChange {
        user: principal::named(ask)?,
        password: ask.maybe_secret("Password").map(Arc::new),
        reset_required: ask.maybe_flag("PasswordResetRequired")?,
        mfa_required: ask.maybe_flag("MFABindRequired")?,
        status: maybe_status(ask)?,
    };
    Ok(shown(ask, &directory::update_login_profile(ask.core, ask.caller, change).await?))
}

async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DeleteLoginProfile { user: principal::named(ask)? }).await?;
    Ok(Vec::new())
}
