//! Links that let a person set a password once: how the root of a new server gets its first one. A link never signs anybody in,
//! and touches no second factor.

use std::{sync::Arc, time::Duration};

use tegata_model::{AccountAlias, Epoch, LoginProfileId, SecretKey, Status, UserId};
use tegata_store::{ChangeSet, account, browser_session, login_profile, user};

use super::Refusal;
use crate::{
    Core, RequestMeta,
    actions::TEGATA_SET_PASSWORD_BY_LINK,
    audit::Entry,
    directory::{PasswordPolicy, PasswordRule, own_password},
    error::OpError,
    grant::hash_of,
    mail::Happening,
};

/// How long a link is good.
const GOOD: Duration = Duration::from_mins(30);

/// Whose password a link sets, and what the password must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// The person, as it signs in.
    pub name: String,
    /// What the password must have.
    pub rules: Vec<PasswordRule>,
}

impl Core {
    /// What stands in a new link for this user. Links made before are of no more use.
    pub async fn new_sign_in_link(&self, user: UserId) -> Result<SecretKey, OpError> {
        let text = self.opaque_text()?;
        let now = self.now();
        let mut changes = ChangeSet::new(now);
        changes.extend(browser_session::insert_link(&hash_of(text.expose()), user, now.plus(GOOD)));
        self.written(changes).await?;
        Ok(text)
    }

    /// What stands in a new link for the root of an account, as long as that has nothing to sign in with.
    pub async fn root_sign_in_link(&self, alias: &AccountAlias) -> Result<Option<SecretKey>, OpError> {
        let Some(account) = account::find_by_alias(&self.store, alias).await? else { return Ok(None) };
        let Some(root) = user::find_root(&self.store, account.id).await? else { return Ok(None) };
        if login_profile::find(&self.store, root.id).await?.is_some() {
            return Ok(None);
        }
        self.new_sign_in_link(root.id).await.map(Some)
    }

    /// Whom a link is for, while it is good.
    pub async fn invited(&self, link: &SecretKey) -> Result<Option<Invited>, OpError> {
        let Some(id) = browser_session::find_link(&self.store, &hash_of(link.expose()), self.now()).await? else { return Ok(None) };
        let Some(found) = self.memory.user(&self.store, id).await? else { return Ok(None) };
        let crate::principal::Who::User(row) = &found.who else { return Ok(None) };
        let name = row.login.clone().unwrap_or_else(|| format!("{}@{}", row.name, found.account.alias));
        Ok(Some(Invited { name, rules: PasswordPolicy::in_account(self, found.account.id).await?.rules() }))
    }

    /// Sets the password that a link is for, and uses the link up. Everything that began with an earlier password ends.
    pub async fn set_password_by_link(
        &self,
        meta: &RequestMeta,
        link: &SecretKey,
        password: Arc<SecretKey>,
    ) -> Result<Result<(), Refusal>, OpError> {
        let (now, hash) = (self.now(), hash_of(link.expose()));
        let Some(id) = browser_session::find_link(&self.store, &hash, now).await? else { return Ok(Err(Refusal::Expired)) };
        let Some(person) = self.memory.user(&self.store, id).await? else { return Ok(Err(Refusal::Expired)) };
        let Some(row) = user::find(&self.store, id).await? else { return Ok(Err(Refusal::Expired)) };
        let known = login_profile::find(&self.store, id).await?;
        let fresh = known.is_none();
        let profile = match known {
            Some(profile) => profile,
            None => login_profile::LoginProfileRow {
                id: LoginProfileId::from_bytes(self.new_id()?),
                account_id: row.account_id,
                user_id: id,
                password_hash: None,
                password_count: 0,
                changed_at: now,
                initial: false,
                reset_required: false,
                mfa_required: false,
                status: Status::Active,
                epoch: Epoch(0),
                created_at: now,
                updated_at: now,
                last_login_at: None,
            },
        };
        let (profile, steps) = match own_password(self, meta.source, &row, profile, password).await {
            Ok(done) => done,
            Err(OpError::Invalid(problem)) => return Ok(Err(Refusal::Password(problem.rules))),
            Err(OpError::Throttled(_)) => return Ok(Err(Refusal::Busy)),
            Err(other) => return Err(other),
        };
        let mut changes = ChangeSet::new(now);
        changes.push(user::expect(row.id, row.generation));
        changes.push(browser_session::use_link(&hash));
        if fresh {
            changes.extend(login_profile::insert(&profile));
        } else {
            changes.extend(steps);
            let happening = Happening::PasswordChanged { how: "by a link that was printed".to_owned() };
            self.notice(&mut changes, meta, &row, &person.account.alias, happening)?;
        }
        changes.touch(row.account_id);
        let entry = Entry { note: Some("by a link that is good once".to_owned()), ..Entry::default() };
        changes.push(self.recorder.at_a_page(now, meta, &person, TEGATA_SET_PASSWORD_BY_LINK, entry));
        match self.written(changes).await {
            Ok(()) => Ok(Ok(())),
            Err(OpError::Conflict) => Ok(Err(Refusal::Expired)),
            Err(other) => Err(other),
        }
    }
}
