//! Login profiles: what a user signs in with, set by an administrator, and its password changed by the user.
//!
//! Setting a password takes three steps: whether it may be is decided without effect, then the password is hashed in the pool
//! of [`crate::hashing`], then it is decided again and written. So strangers cost no hash, and a hash is made once however often
//! the decision runs.

use std::sync::Arc;

use tegata_model::{Epoch, LoginProfileId, PasswordHash, SecretKey, Status, Timestamp, UserId, UserName};
use tegata_store::{
    attempt::{self, Secret},
    login_profile::{self, LoginProfileRow},
    user::{self, UserRow},
};

use super::{PasswordPolicy, PasswordRule, changes, done, find_user, user_name};
use crate::{
    Core,
    actions::{
        Action, RAM_CHANGE_PASSWORD, RAM_CREATE_LOGIN_PROFILE, RAM_DELETE_LOGIN_PROFILE, RAM_GET_LOGIN_PROFILE, RAM_UPDATE_LOGIN_PROFILE,
    },
    audit::Entry,
    authz::{self, Permit},
    caller::Caller,
    error::{CallerKind, DeniedBy, Input, OpError, Problem, ProblemKind},
    hashing,
    mail::Happening,
    operation::{Effect, Operation},
    principal::Who,
    resource::ResourceName,
    view::{Read, View},
};

/// Earlier passwords that are kept at most; no policy asks for more.
pub(crate) const REMEMBERED: u32 = 24;

/// What may be said of how a user signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each with a name of its own on every wire")]
pub struct LoginProfile {
    /// The user.
    pub user: UserName,
    /// Whether it may sign in.
    pub status: Status,
    /// Whether it has a password.
    pub has_password: bool,
    /// True while the password is one that somebody else has set.
    pub initial: bool,
    /// Whether the password must be changed at the next sign-in.
    pub reset_required: bool,
    /// Whether a second factor must be enrolled to sign in.
    pub mfa_required: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed by somebody.
    pub updated_at: Timestamp,
    /// When the password was last set.
    pub password_set_at: Timestamp,
    /// When it was last signed in with.
    pub last_login_at: Option<Timestamp>,
}

impl LoginProfile {
    fn of(user: &UserRow, row: &LoginProfileRow) -> Self {
        Self {
            user: user.name.clone(),
            status: row.status,
            has_password: row.password_hash.is_some(),
            initial: row.initial,
            reset_required: row.reset_required,
            mfa_required: row.mfa_required,
            created_at: row.created_at,
            updated_at: row.updated_at,
            password_set_at: row.changed_at,
            last_login_at: row.last_login_at,
        }
    }
}

fn profile_name(of: ResourceName) -> ResourceName {
    ResourceName::LoginProfile { of: Box::new(of) }
}

/// The profile of a user that was noted as read: whatever changes the profile raises the generation of the user.
async fn find_profile(view: &View<'_>, user: &UserRow, resource: ResourceName) -> Result<LoginProfileRow, OpError> {
    login_profile::find(&view.core().store, user.id).await?.ok_or_else(|| OpError::NotFound(profile_name(resource)))
}

/// A profile that is to be made.
#[derive(Debug, Clone)]
pub struct NewLoginProfile {
    /// For whom.
    pub user: UserName,
    /// The password, if there shall be one.
    pub password: Option<Arc<SecretKey>>,
    /// Whether the password must be changed at the next sign-in.
    pub reset_required: bool,
    /// Whether a second factor must be enrolled to sign in.
    pub mfa_required: bool,
    /// Whether it may be used.
    pub status: Status,
}

/// Gives a user something to sign in with.
pub async fn create_login_profile(core: &Core, caller: &Caller, new: NewLoginProfile) -> Result<LoginProfile, OpError> {
    let mut operation = CreateLoginProfile { new, hash: None };
    core.check(caller, &operation).await?;
    operation.hash = hashed(core, caller, operation.new.password.as_ref()).await?;
    core.perform(caller, &operation).await
}

async fn hashed(core: &Core, caller: &Caller, password: Option<&Arc<SecretKey>>) -> Result<Option<PasswordHash>, OpError> {
    match password {
        Some(password) => core.hash_password(caller.meta.source, Arc::clone(password)).await.map(Some),
        None => Ok(None),
    }
}

/// Make a login profile. Performed only with the password hashed.
struct CreateLoginProfile {
    new: NewLoginProfile,
    hash: Option<PasswordHash>,
}

impl Operation for CreateLoginProfile {
    const ACTION: Action = RAM_CREATE_LOGIN_PROFILE;
    type Output = LoginProfile;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.new.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<LoginProfile>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let user = find_user(view, caller, &self.new.user).await?;
        authz::second_factor(view, caller, Self::ACTION, &resource, user.id).await?;
        if login_profile::find(&view.core().store, user.id).await?.is_some() {
            return Err(OpError::Exists(profile_name(resource)));
        }
        if let Some(password) = &self.new.password {
            PasswordPolicy::of_caller(view, caller).await?.judge(Input::Password, &user.name, password)?;
        }
        let row = LoginProfileRow {
            id: LoginProfileId::from_bytes(view.core().new_id()?),
            account_id: user.account_id,
            user_id: user.id,
            password_hash: self.hash.clone(),
            password_count: u32::from(self.hash.is_some()),
            changed_at: view.now(),
            initial: true,
            reset_required: self.new.reset_required,
            mfa_required: self.new.mfa_required,
            status: self.new.status,
            epoch: Epoch(0),
            created_at: view.now(),
            updated_at: view.now(),
            last_login_at: None,
        };
        let mut changes = changes(view, caller);
        changes.extend(login_profile::insert(&row));
        Ok(done(LoginProfile::of(&user, &row), changes, permit).or_exists(profile_name(resource)))
    }
}

/// Read how a user signs in.
#[derive(Debug, Clone)]
pub struct DescribeLoginProfile {
    /// Whose profile.
    pub user: UserName,
}

impl Operation for DescribeLoginProfile {
    const ACTION: Action = RAM_GET_LOGIN_PROFILE;
    type Output = LoginProfile;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<LoginProfile>, OpError> {
        let resource = self.resource(caller);
        authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let user = find_user(view, caller, &self.user).await?;
        let row = find_profile(view, &user, resource).await?;
        Ok(Effect::nothing(LoginProfile::of(&user, &row)))
    }
}

/// What shall change of a login profile; what is `None` stays.
#[derive(Debug, Clone)]
pub struct LoginProfileChange {
    /// Whose profile.
    pub user: UserName,
    /// The password from now on.
    pub password: Option<Arc<SecretKey>>,
    /// Whether the password must be changed at the next sign-in.
    pub reset_required: Option<bool>,
    /// Whether a second factor must be enrolled to sign in.
    pub mfa_required: Option<bool>,
    /// Whether it may be used.
    pub status: Option<Status>,
}

/// Sets a user's password, or changes how it signs in. A new password ends what began with the old one, and so does switching
/// the profile off. What users had before is not compared: that would tell whoever sets passwords which ones they were.
pub async fn update_login_profile(core: &Core, caller: &Caller, change: LoginProfileChange) -> Result<LoginProfile, OpError> {
    let mut operation = UpdateLoginProfile { change, hash: None };
    core.check(caller, &operation).await?;
    operation.hash = hashed(core, caller, operation.change.password.as_ref()).await?;
    core.perform(caller, &operation).await
}

/// Change a login profile. Performed only with the password hashed.
struct UpdateLoginProfile {
    change: LoginProfileChange,
    hash: Option<PasswordHash>,
}

impl Operation for UpdateLoginProfile {
    const ACTION: Action = RAM_UPDATE_LOGIN_PROFILE;
    type Output = LoginProfile;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.change.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<LoginProfile>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let user = find_user(view, caller, &self.change.user).await?;
        authz::second_factor(view, caller, Self::ACTION, &resource, user.id).await?;
        let mut row = find_profile(view, &user, resource).await?;
        if let Some(password) = &self.change.password {
            PasswordPolicy::of_caller(view, caller).await?.judge(Input::Password, &user.name, password)?;
        }
        let mut changes = changes(view, caller);
        if let Some(hash) = &self.hash {
            changes.extend(replaced(&mut row, hash.clone(), view.now()));
            changes.push(attempt::forget(*user.id.as_bytes(), Secret::Password));
            row.initial = true;
            let how = format!("set by {}", caller.audit_name());
            view.core().notice(&mut changes, &caller.meta, &user, caller.account_alias(), Happening::PasswordChanged { how })?;
        }
        row.reset_required = self.change.reset_required.unwrap_or(row.reset_required);
        row.mfa_required = self.change.mfa_required.unwrap_or(row.mfa_required);
        if self.change.status == Some(Status::Inactive) && row.status.is_active() {
            row.epoch = Epoch(row.epoch.0.saturating_add(1));
        }
        row.status = self.change.status.unwrap_or(row.status);
        row.updated_at = view.now();
        changes.extend(login_profile::update(&row));
        let mut said = Vec::new();
        if self.hash.is_some() {
            said.push("set the password");
        }
        if let Some(status) = self.change.status {
            said.push(if status.is_active() { "switched on" } else { "switched off" });
        }
        let note = (!said.is_empty()).then(|| said.join(", "));
        Ok(Effect::with(LoginProfile::of(&user, &row), changes, Entry { by: permit.spend(), note, ..Entry::default() }))
    }
}

/// Puts a new password into a profile and keeps the one it replaces among the earlier ones. What began with that one ends.
fn replaced(row: &mut LoginProfileRow, hash: PasswordHash, now: Timestamp) -> Vec<tegata_store::Step> {
    let kept = row.password_hash.replace(hash).map(|old| login_profile::keep_earlier(row.id, row.password_count, &old, REMEMBERED));
    row.password_count = row.password_count.saturating_add(1);
    row.changed_at = now;
    row.epoch = Epoch(row.epoch.0.saturating_add(1));
    kept.into_iter().flatten().collect()
}

/// A new password that a person sets for itself at a page: the profile as it will be, and what writes it.
pub(crate) async fn own_password(
    core: &Core,
    source: Option<std::net::IpAddr>,
    user: &UserRow,
    mut row: LoginProfileRow,
    new: Arc<SecretKey>,
) -> Result<(LoginProfileRow, Vec<tegata_store::Step>), OpError> {
    let policy = PasswordPolicy::in_account(core, user.account_id).await?;
    policy.judge(Input::NewPassword, &user.name, &new)?;
    // Where none is in use, the last one was taken away because somebody else may know it: that will not do either.
    let most = policy.reuse_prevention.saturating_sub(1).max(u32::from(row.password_hash.is_none()));
    let mut earlier = if most > 0 { login_profile::earlier(&core.store, row.id, most).await? } else { Vec::new() };
    // Where a new one has to be set, the one in use will not do, whatever the policy remembers.
    earlier.extend(row.password_hash.clone());
    let salt = hashing::salt(core.entropy.as_ref())?;
    let work = move || {
        if earlier.iter().any(|one| hashing::verify(&new, one)) {
            let message = "the new password is one that was used before".to_owned();
            let rules = vec![PasswordRule::New];
            return Err(OpError::Invalid(Problem { input: Input::NewPassword, kind: ProblemKind::Reused, message, rules }));
        }
        hashing::hash(&new, salt)
    };
    let hash = core.hashing.run(source, work).await??;
    let now = core.now();
    let mut steps = replaced(&mut row, hash, now);
    (row.initial, row.reset_required, row.updated_at) = (false, false, now);
    steps.push(attempt::forget(*user.id.as_bytes(), Secret::Password));
    steps.extend(login_profile::update(&row));
    Ok((row, steps))
}

/// Take from a user what it signs in with.
#[derive(Debug, Clone)]
pub struct DeleteLoginProfile {
    /// From whom.
    pub user: UserName,
}

impl Operation for DeleteLoginProfile {
    const ACTION: Action = RAM_DELETE_LOGIN_PROFILE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let user = find_user(view, caller, &self.user).await?;
        authz::second_factor(view, caller, Self::ACTION, &resource, user.id).await?;
        let row = find_profile(view, &user, resource).await?;
        let mut changes = changes(view, caller);
        changes.extend(login_profile::delete(&row));
        Ok(done((), changes, permit))
    }
}

/// Changes the caller's own password. The old one is asked for and its tries are counted, so this finds out nobody's password. Who has a
/// second factor needs it here too.
pub async fn change_password(core: &Core, caller: &Caller, old: SecretKey, new: Arc<SecretKey>) -> Result<(), OpError> {
    changed(core, caller, old, ChangePassword { new, checked: None, of: Whose::Own }).await
}

/// The same for the owner of an account.
pub async fn change_owner_password(core: &Core, caller: &Caller, old: SecretKey, new: Arc<SecretKey>) -> Result<(), OpError> {
    changed(core, caller, old, ChangePassword { new, checked: None, of: Whose::Owner }).await
}

/// The same for any user of the account, by whoever may. Somebody else's password counts as one that was set by an administrator.
pub async fn change_password_of(core: &Core, caller: &Caller, user: UserName, old: SecretKey, new: Arc<SecretKey>) -> Result<(), OpError> {
    let own = caller.kind() == CallerKind::User && caller.user_name().map(UserName::folded) == Some(user.folded());
    let of = if own { Whose::Own } else { Whose::User(user) };
    changed(core, caller, old, ChangePassword { new, checked: None, of }).await
}

async fn changed(core: &Core, caller: &Caller, old: SecretKey, mut operation: ChangePassword) -> Result<(), OpError> {
    core.check(caller, &operation).await?;
    let found = async {
        let user = operation.subject(core, caller).await?;
        let mut caller = caller.copied();
        let row = login_profile::find(&core.store, user).await?;
        let Some((row, kept)) = row.and_then(|row| row.password_hash.clone().map(|kept| (row, kept))) else {
            return Err(OpError::NotFound(profile_name(operation.resource(&caller))));
        };
        let policy = PasswordPolicy::in_account(core, caller.account()).await?;
        core.try_secret(&mut caller, user, Secret::Password, policy.attempts()).await?;
        Ok((caller, row, kept, policy.reuse_prevention))
    };
    let (caller, row, kept, remembered) = match found.await {
        Ok(found) => found,
        Err(error) => {
            core.record_refusal(caller, ChangePassword::ACTION, &operation.resource(caller), &error).await;
            return Err(error);
        }
    };
    let checked = check_and_hash(core, &caller, old, Arc::clone(&operation.new), kept, &row, remembered).await;
    match checked {
        Ok(checked) => operation.checked = Some(checked),
        Err(error) => {
            core.record_refusal(&caller, ChangePassword::ACTION, &operation.resource(&caller), &error).await;
            return Err(error);
        }
    }
    core.perform(&caller, &operation).await
}

/// All the slow work of one change, as one turn in the pool.
async fn check_and_hash(
    core: &Core,
    caller: &Caller,
    old: SecretKey,
    new: Arc<SecretKey>,
    kept: PasswordHash,
    row: &LoginProfileRow,
    remembered: u32,
) -> Result<Checked, OpError> {
    // The password in use is the newest of those that are remembered.
    let earlier = match remembered.checked_sub(1) {
        Some(most) if most > 0 => login_profile::earlier(&core.store, row.id, most).await?,
        _ => Vec::new(),
    };
    let salt = hashing::salt(core.entropy.as_ref())?;
    let work = move || {
        if !hashing::verify(&old, &kept) {
            return Err(OpError::invalid(Input::OldPassword, ProblemKind::Mismatch, "the old password is not the one in use"));
        }
        let used = remembered > 0 && (old == *new || earlier.iter().any(|one| hashing::verify(&new, one)));
        if used {
            let rule = format!("the new password is one of the last {remembered} passwords, which may not be used again");
            return Err(OpError::invalid(Input::NewPassword, ProblemKind::Reused, rule));
        }
        Ok(Checked { old: kept, hash: hashing::hash(&new, salt)? })
    };
    core.hashing.run(caller.meta.source, work).await?
}

/// Change a password. Performed only with the old one verified.
struct ChangePassword {
    new: Arc<SecretKey>,
    checked: Option<Checked>,
    of: Whose,
}

/// Whose password is changed.
enum Whose {
    /// That of the user who asks.
    Own,
    /// That of the owner who asks.
    Owner,
    /// That of another user.
    User(UserName),
}

/// What the slow work found.
struct Checked {
    /// What the old password was verified against.
    old: PasswordHash,
    /// The new one.
    hash: PasswordHash,
}

impl ChangePassword {
    /// Users change their own, and that of others where they may; nobody else has one to change here.
    async fn who(&self, view: &View<'_>, caller: &Caller) -> Result<(UserRow, Permit), OpError> {
        let resource = self.resource(caller);
        let asking = match self.of {
            Whose::Own => CallerKind::User,
            Whose::Owner => CallerKind::Owner,
            Whose::User(_) => caller.kind(),
        };
        if caller.kind() != asking {
            return Err(authz::denied(caller, Self::ACTION, &resource, DeniedBy::NoPassword, None));
        }
        let permit = match &caller.evidence.principal().who {
            Who::User(_) => authz::permit(view, caller, Self::ACTION, &resource, &[])?,
            _ => return Err(authz::denied(caller, Self::ACTION, &resource, DeniedBy::NoPassword, None)),
        };
        let row = match &self.of {
            Whose::User(name) => find_user(view, caller, name).await?,
            Whose::Own | Whose::Owner => {
                let id = self.subject(view.core(), caller).await?;
                let row = user::find(&view.core().store, id).await?.ok_or(OpError::NotFound(resource))?;
                view.note(&[Read::User(row.id, row.generation)]);
                row
            }
        };
        authz::second_factor(view, caller, Self::ACTION, &self.resource(caller), row.id).await?;
        Ok((row, permit))
    }

    /// Whose password it is. Ask for permission first.
    async fn subject(&self, core: &Core, caller: &Caller) -> Result<UserId, OpError> {
        match (&self.of, &caller.evidence.principal().who) {
            (Whose::User(name), _) => {
                let row = user::find_by_name(&core.store, caller.account(), &name.folded()).await?;
                row.map(|row| row.id).ok_or_else(|| OpError::NotFound(self.resource(caller)))
            }
            (Whose::Own | Whose::Owner, Who::User(row)) => Ok(row.id),
            _ => Err(OpError::internal("only a user gets here")),
        }
    }
}

impl Operation for ChangePassword {
    const ACTION: Action = RAM_CHANGE_PASSWORD;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        match (&self.of, &caller.evidence.principal().who) {
            (Whose::User(name), _) => user_name(caller, name),
            (_, Who::User(row)) if caller.kind() == CallerKind::User => user_name(caller, &row.name),
            _ => ResourceName::Caller,
        }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let (user, permit) = self.who(view, caller).await?;
        let mut row = find_profile(view, &user, self.resource(caller)).await?;
        let policy = PasswordPolicy::of_caller(view, caller).await?;
        policy.still_good(&row, view.now())?;
        policy.judge(Input::NewPassword, &user.name, &self.new)?;
        let mut changes = changes(view, caller);
        if let Some(checked) = &self.checked {
            if row.password_hash.as_ref() != Some(&checked.old) {
                // Somebody else has set it since the old one was verified.
                return Err(OpError::Conflict);
            }
            changes.extend(replaced(&mut row, checked.hash.clone(), view.now()));
            let how = "with the old password".to_owned();
            view.core().notice(&mut changes, &caller.meta, &user, caller.account_alias(), Happening::PasswordChanged { how })?;
        }
        (row.initial, row.reset_required, row.updated_at) = (matches!(self.of, Whose::User(_)), false, view.now());
        changes.push(attempt::forget(*user.id.as_bytes(), Secret::Password));
        changes.extend(login_profile::update(&row));
        Ok(done((), changes, permit))
    }
}
