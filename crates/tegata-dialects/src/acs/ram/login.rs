//! Login profiles, and one's own password.

use std::sync::Arc;

use tegata_core::directory::{self, DeleteLoginProfile, DescribeLoginProfile, LoginProfile, LoginProfileChange, NewLoginProfile};
use tegata_model::Status;

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, text},
    catalogue::{Kind, may, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "CreateLoginProfile",
        "Give a user a password to sign in with",
        create,
        [
            need("UserName", Kind::User),
            need("Password", Kind::Secret),
            may("PasswordResetRequired", Kind::Flag),
            may("MFABindRequired", Kind::Flag)
        ]
    ),
    entry!("GetLoginProfile", "How a user signs in", describe, [need("UserName", Kind::User)]),
    entry!(
        "UpdateLoginProfile",
        "Set a user's password, or change how it signs in",
        update,
        [
            need("UserName", Kind::User),
            may("Password", Kind::Secret),
            may("PasswordResetRequired", Kind::Flag),
            may("MFABindRequired", Kind::Flag)
        ]
    ),
    entry!("DeleteLoginProfile", "Take from a user what it signs in with", delete, [need("UserName", Kind::User)]),
    entry!(
        "ChangePassword",
        "Change one's own password",
        change_password,
        [need("OldPassword", Kind::Secret), need("NewPassword", Kind::Secret)]
    ),
];

fn shown(profile: &LoginProfile) -> Tree {
    Tree::Object(vec![
        ("UserName", text(&profile.user)),
        ("PasswordResetRequired", Tree::Flag(profile.reset_required)),
        ("MFABindRequired", Tree::Flag(profile.mfa_required)),
        ("CreateDate", Tree::Text(profile.created_at.to_iso())),
    ])
}

pub(super) async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let new = NewLoginProfile {
        user: ask.name("UserName")?,
        password: Some(Arc::new(ask.secret("Password")?)),
        reset_required: ask.flag("PasswordResetRequired")?,
        mfa_required: ask.flag("MFABindRequired")?,
        status: Status::Active,
    };
    Ok(vec![("LoginProfile", shown(&directory::create_login_profile(ask.core, ask.caller, new).await?))])
}

pub(super) async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(vec![("LoginProfile", shown(&ask.perform(DescribeLoginProfile { user: ask.name("UserName")? }).await?))])
}

pub(super) async fn update(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let change = LoginProfileChange {
        user: ask.name("UserName")?,
        password: ask.maybe_secret("Password").map(Arc::new),
        reset_required: ask.maybe_flag("PasswordResetRequired")?,
        mfa_required: ask.maybe_flag("MFABindRequired")?,
        status: None,
    };
    directory::update_login_profile(ask.core, ask.caller, change).await?;
    Ok(Vec::new())
}

pub(super) async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DeleteLoginProfile { user: ask.name("UserName")? }).await?;
    Ok(Vec::new())
}

pub(in crate::acs) async fn change_password(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let (old, new) = (ask.secret("OldPassword")?, Arc::new(ask.secret("NewPassword")?));
    directory::change_password(ask.core, ask.caller, old, new).await?;
    Ok(Vec::new())
}
