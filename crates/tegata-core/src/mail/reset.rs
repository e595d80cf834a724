//! Letters that somebody asks for. Whether an address is known shows neither in the answer nor in the time it takes, and a link neither
//! signs anybody in nor touches a second factor.

use std::{sync::Arc, time::Duration};

use tegata_model::{PasswordHash, SecretKey, UserId};
use tegata_store::{
    ChangeSet, Claim, CommitError,
    account::{self, AccountRow},
    browser_session,
    login_profile::{self, LoginProfileRow},
    mail_link::{self, Purpose},
    outbox, security_preference,
    user::{self, UserKind, UserRow},
};

use super::{GOOD, Happening, Language, Letter, Recipient, letter::Way, person_of};
use crate::{
    Core, RequestMeta,
    actions::{TEGATA_REQUEST_PASSWORD_RESET, TEGATA_RESET_PASSWORD},
    audit::Entry,
    directory::{PasswordPolicy, SecurityPreference, own_password},
    error::OpError,
    grant::hash_of,
    hashing,
    signin::{Invited, NOBODY, Refusal},
};

/// Letters that may be asked for, for one recipient, in an hour.
const LETTERS: u32 = 3;
const HOUR: Duration = Duration::from_hours(1);
/// Identities that one letter speaks of.
const IDENTITIES: u32 = 5;
const RECIPIENT: &[u8] = b"recipient";

/// Who asks for a letter, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A person at a page: of anybody with this address or of this name. The letter holds a link.
    AtAPage(Language),
    /// A program, for the owner of an account, by what the owner signs in with. The letter holds the token.
    ByProgram(Language),
}

impl Asked {
    fn language(self) -> Language {
        match self {
            Self::AtAPage(language) | Self::ByProgram(language) => language,
        }
    }
}

/// Somebody whose password may be set by a letter.
struct Resettable {
    account: AccountRow,
    user: UserRow,
    profile: LoginProfileRow,
}

impl Core {
    /// Sends whoever has this address a letter by which a new password can be set, at most three in an hour. The answer is always the
    /// same; [`OpError::Throttled`] says that the server works on too many passwords at once.
    pub async fn request_password_reset(&self, meta: &RequestMeta, address: &str, asked: Asked) -> Result<(), OpError> {
        // As much work as a password, in the same fair line: so nobody can ask faster than anybody can sign in.
        self.hashing.run(meta.source, || hashing::verify(&SecretKey::new(String::new()), &PasswordHash::new(NOBODY))).await?;
        let now = self.now();
        let (to, found) = self.those_with(address.trim(), asked).await?;
        let mut changes = ChangeSet::new(now);
        let request = self.new_id()?;
        changes.extend(outbox::ask(request, self.recipient_code(&to)?, now, now.minus(HOUR), LETTERS));
        if let (Some(first), true) = (found.first(), self.mailer.is_some()) {
            let mut ways = Vec::new();
            for Resettable { account, user, .. } in &found {
                let Some(recipient) = Recipient::of(user, &account.alias) else { continue };
                let token = self.mail_link(&mut changes, &recipient, Purpose::NewPassword, (0, None))?;
                let way = match asked {
                    Asked::AtAPage(_) => format!("{}/reset/{}", self.keyring.issuer(), token.expose()),
                    Asked::ByProgram(_) => token.expose().to_owned(),
                };
                ways.push(Way { person: recipient.person, way });
                if let Some(person) = self.memory.user(&self.store, user.id).await? {
                    changes.push(self.recorder.at_a_page(now, meta, &person, TEGATA_REQUEST_PASSWORD_RESET, Entry::default()));
                }
            }
            let recipient = Recipient { account: first.account.id, user: first.user.id, person: String::new(), address: to.clone() };
            let letter =
                Letter::NewPassword { ways, from: meta.source_text(), by_token: matches!(asked, Asked::ByProgram(_)), disowned: false };
            self.letter(&mut changes, &recipient, letter, Some(asked.language()), now.plus(GOOD))?;
        } else {
            changes.push(outbox::unask(request));
            let reason = if found.is_empty() { "reset-for-nobody" } else { "reset-without-mail" };
            self.recorder.count(now, meta.source, reason, address);
        }
        match self.store.commit(changes).await {
            Ok(()) => Ok(()),
            Err(CommitError::Claimed(Claim::Letter)) => {
                self.recorder.count(now, meta.source, "too-many-letters", address);
                Ok(())
            }
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(other) => Err(OpError::internal(other)),
        }
    }

    /// By what the letters to an address are counted: letters of either case go to the same place.
    fn recipient_code(&self, address: &str) -> Result<[u8; 16], OpError> {
        let code = self.keyring.mac(RECIPIENT, address.to_lowercase().as_bytes()).map_err(OpError::internal)?;
        code.last_chunk::<16>().copied().ok_or_else(|| OpError::internal("a code is longer than that"))
    }

    /// Where the letter goes, and whose passwords it speaks of.
    async fn those_with(&self, address: &str, asked: Asked) -> Result<(String, Vec<Resettable>), OpError> {
        let nobody = || Ok((address.to_owned(), Vec::new()));
        if address.len() > 320 || address.contains('\0') {
            return nobody();
        }
        let mut users: Vec<UserRow> = user::find_by_login(&self.store, address).await?.into_iter().collect();
        if let Asked::AtAPage(_) = asked {
            users.extend(user::find_by_email(&self.store, address, IDENTITIES).await?);
            let folded = address.to_ascii_lowercase();
            if folded != address {
                users.extend(user::find_by_email(&self.store, &folded, IDENTITIES).await?);
            }
            if users.is_empty() {
                users.extend(self.person_named(address).await?);
            }
        } else {
            users.retain(|user| user.kind == UserKind::Root);
        }
        let (mut to, mut found): (Option<String>, Vec<Resettable>) = (None, Vec::new());
        for user in users.into_iter().take(IDENTITIES as usize) {
            let known = found.iter().any(|one| one.user.id == user.id);
            let Some(one) = self.resettable(user).await? else { continue };
            let Some(recipient) = Recipient::of(&one.user, &one.account.alias) else { continue };
            // One letter has one recipient: an owner who is found by another address than its own is not among them.
            if !known && to.as_ref().is_none_or(|to| to.eq_ignore_ascii_case(&recipient.address)) {
                to.get_or_insert(recipient.address);
                found.push(one);
            }
        }
        match to {
            Some(to) => Ok((to, found)),
            None => nobody(),
        }
    }

    /// The person, if it may set a password of its own: it has something to sign in with that is in use, its account lets its users do
    /// so, and no rule says that an administrator has to.
    async fn resettable(&self, user: UserRow) -> Result<Option<Resettable>, OpError> {
        let Some(account) = account::find(&self.store, user.account_id).await? else { return Ok(None) };
        let Some(profile) = login_profile::find(&self.store, user.id).await? else { return Ok(None) };
        if !(user.status.is_active() && account.status.is_active() && profile.status.is_active()) {
            return Ok(None);
        }
        let policy = PasswordPolicy::in_account(self, account.id).await?;
        let preference = SecurityPreference::of(security_preference::find(&self.store, account.id).await?);
        let own = user.kind == UserKind::Root || preference.users_change_password;
        if !own || policy.still_good(&profile, self.now()).is_err() {
            return Ok(None);
        }
        Ok(Some(Resettable { account, user, profile }))
    }

    async fn reset_by(&self, token: &SecretKey) -> Result<Option<Resettable>, OpError> {
        let link = mail_link::find(&self.store, &hash_of(token.expose()), Purpose::NewPassword, self.now()).await?;
        let Some(link) = link else { return Ok(None) };
        match user::find(&self.store, link.user_id).await? {
            Some(user) => self.resettable(user).await,
            None => Ok(None),
        }
    }

    /// Whose password a token of a letter sets, while it is good.
    pub async fn password_reset(&self, token: &SecretKey) -> Result<Option<Invited>, OpError> {
        let Some(found) = self.reset_by(token).await? else { return Ok(None) };
        let rules = PasswordPolicy::in_account(self, found.account.id).await?.rules();
        Ok(Some(Invited { name: person_of(&found.user, &found.account.alias), rules }))
    }

    /// Sets the password that a token of a letter is for, and uses the token up; a password that breaks a rule leaves the token as it
    /// is. Ends everything that was issued to the person, signs nobody in, and leaves the second factor alone. The person gets a notice.
    pub async fn reset_password(&self, meta: &RequestMeta, token: &SecretKey, new: Arc<SecretKey>) -> Result<Result<(), Refusal>, OpError> {
        let Some(found) = self.reset_by(token).await? else { return Ok(Err(Refusal::Expired)) };
        let Resettable { account, user, profile } = found;
        let (_, steps) = match own_password(self, meta.source, &user, profile, new).await {
            Ok(done) => done,
            Err(OpError::Invalid(problem)) => return Ok(Err(Refusal::Password(problem.rules))),
            Err(OpError::Throttled(_)) => return Ok(Err(Refusal::Busy)),
            Err(other) => return Err(other),
        };
        let now = self.now();
        let mut changes = ChangeSet::new(now);
        changes.push(user::expect(user.id, user.generation));
        changes.push(mail_link::spend(&hash_of(token.expose()), Purpose::NewPassword, now));
        changes.extend(steps);
        Self::end_everything(&mut changes, user.id);
        changes.touch(account.id);
        let detail = "by a link of a letter / メールのリンクによる再設定".to_owned();
        self.notice(&mut changes, meta, &user, &account.alias, Happening::PasswordChanged { how: detail })?;
        let Some(person) = self.memory.user(&self.store, user.id).await? else { return Ok(Err(Refusal::Expired)) };
        let entry = Entry { note: Some("by a token of a letter".to_owned()), ..Entry::default() };
        changes.push(self.recorder.at_a_page(now, meta, &person, TEGATA_RESET_PASSWORD, entry));
        match self.written(changes).await {
            Ok(()) => Ok(Ok(())),
            Err(OpError::Conflict) => Ok(Err(Refusal::Expired)),
            Err(other) => Err(other),
        }
    }

    /// Ends what was issued to a person in any way, and forgets its browsers.
    pub(super) fn end_everything(changes: &mut ChangeSet, user: UserId) {
        changes.push(user::raise_epoch(user));
        changes.push(browser_session::forget_all(user));
    }

    /// Adds a letter with a token that lets this user give up its second factor, at most three letters in an hour: then the commit fails
    /// with [`Claim::Letter`]. Whoever adds it has verified the password. False where the user has no address or nothing can be sent.
    pub(crate) fn factor_letter(
        &self,
        changes: &mut ChangeSet,
        meta: &RequestMeta,
        user: &UserRow,
        account: &AccountRow,
        language: Option<Language>,
    ) -> Result<bool, OpError> {
        let now = changes.at();
        let Some(to) = Recipient::of(user, &account.alias).filter(|_| self.mailer.is_some()) else { return Ok(false) };
        changes.extend(outbox::ask(self.new_id()?, self.recipient_code(&to.address)?, now, now.minus(HOUR), LETTERS));
        let token = self.mail_link(changes, &to, Purpose::RemoveFactor, (0, None))?;
        let letter = Letter::RemoveFactor { person: to.person.clone(), token: token.expose().to_owned(), from: meta.source_text() };
        self.letter(changes, &to, letter, language, now.plus(GOOD))?;
        Ok(true)
    }

    /// Whose second factor this token of a letter gives up, while it is good. [`mail_link::spend`] with [`Purpose::RemoveFactor`] uses it
    /// up, in the commit that takes the factor off; a second time is [`Claim::Code`].
    pub(crate) async fn factor_token(&self, token: &SecretKey) -> Result<Option<UserId>, OpError> {
        let link = mail_link::find(&self.store, &hash_of(token.expose()), Purpose::RemoveFactor, self.now()).await?;
        Ok(link.map(|link| link.user_id))
    }
}
