//! Letters: what this server writes to people, kept with the effect they tell of and sent afterwards.
//!
//! | module | what |
//! |---|---|
//! | [`letter`] | what each letter says, in English and Japanese |
//! | `post` | sending: claimed, tried again with growing delay, given up in the end |
//! | `reset` | letters that somebody asks for: a new password, the end of a second factor |
//! | `not_me` | the way back from what a notice tells of |
//!
//! A letter is a row of the commit whose effect it tells of; its content rests sealed, since it holds a link. Without a [`Mailer`] nothing
//! is written but the fact, in the audit, that a letter was not sent.

pub mod letter;
mod not_me;
mod post;
mod reset;

use std::{fmt, future::Future, pin::Pin, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tegata_model::{AccountAlias, AccountId, SecretKey, Timestamp, UserId};
use tegata_store::{
    ChangeSet,
    mail_link::{self, MailLinkRow, Purpose},
    outbox::{self, OutboxRow},
    user::{UserKind, UserRow},
};

use self::letter::Written;
pub(crate) use self::{letter::Letter, not_me::Happening};
pub use self::{
    letter::{Language, What},
    not_me::Disowned,
    reset::Asked,
};
use crate::{
    Core, RequestMeta,
    actions::TEGATA_SEND_LETTER,
    audit::{Itself, shortened},
    clock::random,
    error::OpError,
    grant::hash_of,
    keyring::Place,
    why::escape,
};

/// How long a link in a letter is good that sets a password or gives up a second factor.
pub(crate) const GOOD: Duration = Duration::from_mins(30);
/// How long "that was not me" can be said.
pub(crate) const DISOWNABLE: Duration = Duration::from_hours(7 * 24);
/// After this long a letter that tells of something is given up.
pub(crate) const WORTH_SENDING: Duration = Duration::from_hours(24);
/// Longest text of a stranger in a letter, in bytes.
const STRANGER: usize = 160;

/// One message, ready to be sent.
#[derive(Clone)]
pub struct Message {
    /// Its own id, the same however often it is sent: 32 hex digits.
    pub id: String,
    /// Which letter it is, in one word; for logs.
    pub kind: &'static str,
    /// One address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text, lines ended by LF. Holds a link: not for logs.
    pub body: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Why a message was not sent. `Display` is for our log and the audit; it names no recipient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Nobody there, or not in time: no other message can be sent now either.
    #[error("the mail server cannot be reached: {0}")]
    Unreachable(String),
    /// Not now: this message is tried again.
    #[error("the mail server did not take it: {0}")]
    NotNow(String),
    /// Never: the address is none, or the server has refused it for good.
    #[error("the mail server refused it for good: {0}")]
    Refused(String),
}

/// A message on its way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), MailError>> + Send + 'a>>;

/// What carries messages away. The binary provides it: SMTP for real people, a terminal for tests.
pub trait Mailer: Send + Sync + 'static {
    /// In which language people are written to that have not said which.
    fn language(&self) -> Language {
        Language::Both
    }

    /// Sends one message, within a minute.
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a>;
}

/// True for what can be an e-mail address: one `@` with something on both sides, at most 254 visible ASCII characters.
pub fn is_address(text: &str) -> bool {
    let parts = text.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    parts.is_some() && text.len() <= 254 && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(&byte))
}

/// Somebody who can be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub(crate) account: AccountId,
    pub(crate) user: UserId,
    /// As the person signs in.
    pub(crate) person: String,
    /// Where letters go.
    pub(crate) address: String,
}

impl Recipient {
    /// The user, if it has an address: for the owner of an account what it signs in with, unless that (`root@main`) is plainly none; for
    /// members what is said of them.
    pub(crate) fn of(user: &UserRow, alias: &AccountAlias) -> Option<Self> {
        let whole = |login: &&str| login.rsplit('@').next().is_some_and(|domain| domain.contains('.'));
        let login = user.login.as_deref().filter(|_| user.kind == UserKind::Root).filter(whole);
        let address = login.unwrap_or(&user.email);
        is_address(address).then(|| Self {
            account: user.account_id,
            user: user.id,
            person: person_of(user, alias),
            address: address.to_owned(),
        })
    }
}

/// A person as it signs in: `alice@acme`, or the login of an owner.
pub(crate) fn person_of(user: &UserRow, alias: &AccountAlias) -> String {
    user.login.clone().unwrap_or_else(|| format!("{}@{alias}", user.name))
}

/// A stranger's words, short and harmless.
pub(crate) fn harmless(text: &str) -> String {
    shortened(&escape(text), STRANGER)
}

impl Core {
    /// Whether letters can be sent at all.
    pub fn writes_letters(&self) -> bool {
        self.mailer.is_some()
    }

    /// Adds a letter to what is about to be committed. Without a way to send it, adds the row that says so.
    pub(crate) fn letter(
        &self,
        changes: &mut ChangeSet,
        to: &Recipient,
        letter: Letter,
        language: Option<Language>,
        until: Timestamp,
    ) -> Result<(), OpError> {
        let now = changes.at();
        let kind = letter.kind();
        let Some(mailer) = &self.mailer else {
            tracing::info!(letter = kind, user = %to.user, "not sent: no [mail]");
            changes.push(self.letter_row(now, to.account, to.user, kind, Err("not sent: no [mail] in the configuration")));
            return Ok(());
        };
        let written = Written { to: to.address.clone(), language: language.unwrap_or_else(|| mailer.language()), letter };
        let id = self.new_id()?;
        let text = SecretKey::new(serde_json::to_string(&written).map_err(OpError::internal)?);
        let place = Place { table: "outbox", row: &id, account: &to.account };
        changes.push(outbox::insert(&OutboxRow {
            id,
            account_id: to.account,
            user_id: to.user,
            kind: kind.to_owned(),
            sealed: self.keyring.seal_row(self.entropy.as_ref(), &place, &text).map_err(OpError::internal)?,
            tries: 0,
            next_at: now,
            expires_at: until.min(now.plus(WORTH_SENDING)),
            created_at: now,
        }));
        Ok(())
    }

    /// The audit row of a letter that was sent, or was not.
    pub(crate) fn letter_row(
        &self,
        now: Timestamp,
        account: AccountId,
        user: UserId,
        kind: &str,
        sent: Result<(), &str>,
    ) -> tegata_store::Step {
        let note = match sent {
            Ok(()) => format!("letter `{kind}` sent"),
            Err(why) => format!("letter `{kind}` {why}"),
        };
        self.recorder.by_itself(Itself {
            now,
            request: self.new_request_id(),
            account,
            action: TEGATA_SEND_LETTER,
            resource: user.to_string(),
            done: sent.is_ok(),
            note,
        })
    }

    /// What stands in a new link of a letter. Of links that set a password or give up a factor only the newest counts.
    pub(crate) fn mail_link(
        &self,
        changes: &mut ChangeSet,
        to: &Recipient,
        purpose: Purpose,
        subject: (i64, Option<[u8; 16]>),
    ) -> Result<SecretKey, OpError> {
        let now = changes.at();
        let text = URL_SAFE_NO_PAD.encode(random::<32>(self.entropy.as_ref())?);
        let good = match purpose {
            Purpose::NewPassword | Purpose::RemoveFactor => {
                changes.push(mail_link::supersede(to.user, purpose));
                GOOD
            }
            Purpose::NotMe => DISOWNABLE,
        };
        changes.push(mail_link::insert(&MailLinkRow {
            hash: hash_of(&text),
            purpose,
            account_id: to.account,
            user_id: to.user,
            kind: subject.0,
            subject: subject.1,
            created_at: now,
            expires_at: now.plus(good),
            used_at: None,
        }));
        Ok(SecretKey::new(text))
    }

    /// Tells a person what has just happened in its name, with a way to say "that was not me". Nothing happens where the person has no
    /// address.
    pub(crate) fn notice(
        &self,
        changes: &mut ChangeSet,
        meta: &RequestMeta,
        user: &UserRow,
        alias: &AccountAlias,
        happening: Happening,
    ) -> Result<(), OpError> {
        let Some(to) = Recipient::of(user, alias) else { return Ok(()) };
        let now = changes.at();
        let link = if self.mailer.is_some() {
            let text = self.mail_link(changes, &to, Purpose::NotMe, (happening.what().to_i64(), happening.subject()))?;
            format!("{}/not-me/{}", self.keyring.issuer(), text.expose())
        } else {
            String::new()
        };
        let letter = Letter::Notice {
            person: to.person.clone(),
            what: happening.what(),
            detail: happening.detail(),
            at: now.unix(),
            from: meta.source_text(),
            link,
            until: now.plus(DISOWNABLE).unix(),
        };
        self.letter(changes, &to, letter, None, now.plus(WORTH_SENDING))
    }
}
