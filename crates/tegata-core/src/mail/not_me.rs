//! "That was not me": what a notice tells of, and the end of it. Whoever has the letter has the right: the link is opaque, good once,
//! and its page says what the button will do before anything is done.

use tegata_model::{ConsentId, Epoch, KeyId, SecretKey, SessionId, Status, Timestamp};
use tegata_store::{
    ChangeSet, access_key, account, consent, login_profile,
    mail_link::{self, MailLinkRow, Purpose},
    user::{self, UserRow},
};

use super::{GOOD, Letter, Recipient, What, harmless, letter::Way, person_of};
use crate::{Core, RequestMeta, actions::TEGATA_NOT_ME, audit::Entry, error::OpError, grant::hash_of};

/// Something that a person is told of.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    /// A sign-in at a new browser.
    SignedIn { session: SessionId, agent: String },
    /// A consent, or more scopes for one that was there.
    Consented { consent: ConsentId, client: String },
    /// A new access key.
    KeyMade { key: KeyId, key_id: String },
    /// Another password.
    PasswordChanged { how: String },
    /// No second factor any more.
    FactorRemoved { device: String },
    /// Another address.
    AddressChanged { person: String },
}

impl Happening {
    pub(super) fn what(&self) -> What {
        match self {
            Self::SignedIn { .. } => What::SignedIn,
            Self::Consented { .. } => What::Consented,
            Self::KeyMade { .. } => What::KeyMade,
            Self::PasswordChanged { .. } => What::PasswordChanged,
            Self::FactorRemoved { .. } => What::FactorRemoved,
            Self::AddressChanged { .. } => What::AddressChanged,
        }
    }

    pub(super) fn subject(&self) -> Option<[u8; 16]> {
        match self {
            Self::SignedIn { session, .. } => Some(*session.as_bytes()),
            Self::Consented { consent, .. } => Some(*consent.as_bytes()),
            Self::KeyMade { key, .. } => Some(*key.as_bytes()),
            Self::PasswordChanged { .. } | Self::FactorRemoved { .. } | Self::AddressChanged { .. } => None,
        }
    }

    pub(super) fn detail(self) -> String {
        match self {
            Self::SignedIn { agent: text, .. }
            | Self::Consented { client: text, .. }
            | Self::KeyMade { key_id: text, .. }
            | Self::PasswordChanged { how: text }
            | Self::FactorRemoved { device: text }
            | Self::AddressChanged { person: text } => harmless(&text),
        }
    }
}

/// What a link of a notice is about, as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disowned {
    /// The person, as it signs in.
    pub person: String,
    /// What happened.
    pub what: What,
    /// When.
    pub at: Timestamp,
}

impl Core {
    /// What a link of a notice is about, while it is good.
    pub async fn disowned(&self, link: &SecretKey) -> Result<Option<Disowned>, OpError> {
        let Some((row, what)) = self.not_me_link(link).await? else { return Ok(None) };
        let Some(user) = user::find(&self.store, row.user_id).await? else { return Ok(None) };
        let Some(account) = account::find(&self.store, row.account_id).await? else { return Ok(None) };
        Ok(Some(Disowned { person: person_of(&user, &account.alias), what, at: row.created_at }))
    }

    async fn not_me_link(&self, link: &SecretKey) -> Result<Option<(MailLinkRow, What)>, OpError> {
        let row = mail_link::find(&self.store, &hash_of(link.expose()), Purpose::NotMe, self.now()).await?;
        Ok(row.and_then(|row| What::from_i64(row.kind).map(|what| (row, what))))
    }

    /// Undoes what a notice tells of: ends what was begun, everything that was issued to the person, and the password, for which the
    /// person gets a letter with a link to a new one. False where the link is of no more use.
    pub async fn disown(&self, meta: &RequestMeta, link: &SecretKey) -> Result<bool, OpError> {
        for _ in 0..8 {
            match self.try_disown(meta, link).await {
                Err(OpError::Conflict) => {}
                other => return other,
            }
        }
        Err(OpError::Conflict)
    }

    async fn try_disown(&self, meta: &RequestMeta, link: &SecretKey) -> Result<bool, OpError> {
        let now = self.now();
        let Some((row, what)) = self.not_me_link(link).await? else { return Ok(false) };
        let Some(mut user) = user::find(&self.store, row.user_id).await? else { return Ok(false) };
        let Some(account) = account::find(&self.store, row.account_id).await? else { return Ok(false) };
        let Some(person) = self.memory.user(&self.store, user.id).await? else { return Ok(false) };
        let mut changes = ChangeSet::new(now);
        changes.push(user::expect(user.id, user.generation));
        changes.push(mail_link::spend(&row.hash, Purpose::NotMe, now));
        let mut note = format!("`{}` was not the person", what.word());
        match (what, row.subject) {
            (What::Consented, Some(id)) => {
                if let Some(found) = consent::find(&self.store, ConsentId::from_bytes(id)).await? {
                    changes.push(consent::delete(found.id));
                    note.push_str(": consent taken back");
                }
            }
            (What::KeyMade, Some(id)) => {
                if let Some(found) = access_key::find_by_id(&self.store, KeyId::from_bytes(id)).await? {
                    changes.push(access_key::set_status(found.id, Status::Inactive));
                    changes.push(access_key::raise_epoch(found.id));
                    note.push_str(": access key switched off");
                }
            }
            (What::AddressChanged, _) => {
                // Nothing more goes to an address that somebody else has set. An administrator sets the right one.
                user.email.clear();
                user.updated_at = now;
                changes.push(user::update(&user));
                note.push_str(": address removed");
            }
            (What::SignedIn | What::Consented | What::KeyMade | What::PasswordChanged | What::FactorRemoved, _) => {}
        }
        self.void_password(&mut changes, meta, &user, &account).await?;
        Self::end_everything(&mut changes, user.id);
        changes.touch(account.id);
        let entry = Entry { note: Some(note), ..Entry::default() };
        changes.push(self.recorder.at_a_page(now, meta, &person, TEGATA_NOT_ME, entry));
        self.written(changes).await.map(|()| true)
    }

    /// The password there is, which somebody else may know, is good no more: it is kept among the earlier ones, and a link to a new one
    /// goes to the person.
    async fn void_password(
        &self,
        changes: &mut ChangeSet,
        meta: &RequestMeta,
        user: &UserRow,
        account: &account::AccountRow,
    ) -> Result<(), OpError> {
        let Some(mut profile) = login_profile::find(&self.store, user.id).await? else { return Ok(()) };
        if let Some(old) = profile.password_hash.take() {
            changes.extend(login_profile::keep_earlier(profile.id, profile.password_count, &old, crate::directory::REMEMBERED));
        }
        profile.epoch = Epoch(profile.epoch.0.saturating_add(1));
        profile.updated_at = changes.at();
        changes.extend(login_profile::update(&profile));
        let Some(to) = Recipient::of(user, &account.alias).filter(|_| profile.status.is_active() && self.writes_letters()) else {
            return Ok(());
        };
        let token = self.mail_link(changes, &to, Purpose::NewPassword, (0, None))?;
        let way = Way { person: to.person.clone(), way: format!("{}/reset/{}", self.keyring.issuer(), token.expose()) };
        let letter = Letter::NewPassword { ways: vec![way], from: meta.source_text(), by_token: false, disowned: true };
        self.letter(changes, &to, letter, None, changes.at().plus(GOOD))
    }
}
