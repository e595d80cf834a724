//! A credential has become known to strangers: find it in a text, end it, and tell what was done with it.

mod form;

use std::time::Duration;

pub(crate) use form::Checked;
use tegata_model::{SecretKey, SessionId, UserId};
use tegata_store::{
    access_key::{self, AccessKeyRow},
    audit,
    user::{self, UserKind},
};

use crate::{
    actions::{Action, TEGATA_REPORT_LEAKED_CREDENTIAL},
    audit::Entry,
    authz,
    caller::Caller,
    directory::{changes, own},
    error::{Input, OpError, ProblemKind},
    keyring::Place,
    operation::{Effect, Operation},
    resource::ResourceName,
    session::{self, SessionState},
    token,
    trail::AuditEvent,
    view::{Read, View},
};

/// Longest text that is looked through, in bytes.
pub const LONGEST_TEXT: usize = 64 * 1024;
/// Most credentials that one report can end.
const MOST_FOUND: usize = 50;
/// Most texts that look like ids and are looked for.
const MOST_ASKED: usize = 1_000;
/// Keys read at once.
const BATCH: u32 = 250;
/// How far back the activity of a credential is told.
const LOOK_BACK: Duration = Duration::from_hours(24);
/// Most entries of it.
const MOST_EVENTS: u32 = 100;

/// Say that a credential has become known to strangers. Every credential of the caller's account in the text is ended: a
/// long-term key is switched off and its sessions end; a session ends. Those of other accounts are unknown here.
///
/// Whoever may do this may switch off any key of the account, its owner's too, but never make or read one.
#[derive(Debug)]
pub struct ReportLeakedCredential {
    /// Where it was found: a credential alone, or a log with many. It is neither kept nor repeated.
    pub text: SecretKey,
    /// Only tell what would be ended.
    pub dry_run: bool,
}

/// What a text held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeakReport {
    /// The credentials of the account.
    pub found: Vec<Leaked>,
    /// What has the form of a credential and is none of this account. Secrets and tokens are only counted.
    pub unknown: Vec<String>,
    /// How many texts carry the checksum of a secret, and are the secret of no key of this account.
    pub unknown_secrets: usize,
}

/// One credential that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaked {
    /// The id of the key, long-term or temporary.
    pub key_id: String,
    /// Its session, for a temporary one.
    pub session: Option<SessionId>,
    /// Whose it is, in words.
    pub owner: String,
    /// What of it stood in the text.
    pub seen: Vec<&'static str>,
    /// What was done.
    pub done: LeakDone,
    /// How many live sessions ended with it, and whether there were more than could be counted.
    pub sessions: session::Revoked,
    /// What was asked with it in the last 24 hours, newest first.
    pub activity: Vec<AuditEvent>,
}

/// What was done about a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeakDone {
    /// The key was switched off.
    Disabled,
    /// The session was ended.
    Ended,
    /// It worked no more already.
    WasOver,
    /// Nothing: it was only asked what would be.
    Nothing,
}

impl Operation for ReportLeakedCredential {
    const ACTION: Action = TEGATA_REPORT_LEAKED_CREDENTIAL;
    type Output = LeakReport;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Credentials { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<LeakReport>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        if self.text.expose().len() > LONGEST_TEXT {
            let rule = format!("at most {LONGEST_TEXT} bytes are looked through at once");
            return Err(OpError::invalid(Input::LeakedText, ProblemKind::TooLarge, rule));
        }
        let Found { keys, sessions, unknown, unknown_secrets } = find(view, caller, self.text.expose()).await?;
        if keys.len() + sessions.len() > MOST_FOUND {
            let rule = format!("it holds more than {MOST_FOUND} credentials of this account; report them in parts");
            return Err(OpError::invalid(Input::LeakedText, ProblemKind::TooLarge, rule));
        }
        let mut changes = changes(view, caller);
        let mut found = Vec::with_capacity(keys.len() + sessions.len());
        for (row, seen) in keys {
            let subject = session::Revoked::of_key(view, caller, row.id).await?;
            let done = match (row.status.is_active(), self.dry_run) {
                (false, _) => LeakDone::WasOver,
                (true, true) => LeakDone::Nothing,
                (true, false) => {
                    view.note(&[Read::Key(row.id, row.generation)]);
                    changes.push(access_key::set_status(row.id, tegata_model::Status::Inactive));
                    changes.push(access_key::raise_epoch(row.id));
                    LeakDone::Disabled
                }
            };
            let owner = owner(view, row.user_id).await?;
            let activity = activity(view, caller, row.key_id.as_str()).await?;
            found.push(Leaked { key_id: row.key_id.to_string(), session: None, owner, seen, done, sessions: subject, activity });
        }
        for (described, seen) in sessions {
            let (id, live) = (described.id, described.state == SessionState::Live);
            let sessions = session::Revoked::of_session(view, caller, id).await?;
            let done = match (live, self.dry_run) {
                (false, _) => LeakDone::WasOver,
                (true, true) => LeakDone::Nothing,
                (true, false) => {
                    for account in session::accounts_of(view, caller, id).await?.unwrap_or_default() {
                        changes.touch(account);
                    }
                    changes.push(session::end_mark(view, id));
                    LeakDone::Ended
                }
            };
            let owner = format!("{} as {}/{}", described.begun_by, described.role, described.name);
            let activity = activity(view, caller, &described.key_id).await?;
            found.push(Leaked { key_id: described.key_id, session: Some(id), owner, seen, done, sessions, activity });
        }
        let report = LeakReport { found, unknown, unknown_secrets };
        if self.dry_run {
            return Ok(Effect::nothing(report));
        }
        let note = Some(in_words(&report));
        Ok(Effect::with(report, changes, Entry { by: permit.spend(), note, ..Entry::default() }))
    }
}

fn in_words(report: &LeakReport) -> String {
    let said = report.found.iter().filter_map(|one| match one.done {
        LeakDone::Disabled => Some(format!("{} switched off", one.key_id)),
        LeakDone::Ended => Some(format!("{} ended", one.key_id)),
        LeakDone::WasOver | LeakDone::Nothing => None,
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() { "nothing to end was found".to_owned() } else { said.join(", ") }
}

/// What of the account a text held.
struct Found {
    keys: Vec<(AccessKeyRow, Vec<&'static str>)>,
    sessions: Vec<(session::RoleSession, Vec<&'static str>)>,
    unknown: Vec<String>,
    unknown_secrets: usize,
}

async fn find(view: &View<'_>, caller: &Caller, text: &str) -> Result<Found, OpError> {
    let (core, account) = (view.core(), caller.account());
    let candidates = form::look(text);
    if candidates.key_ids.len() + candidates.sessions.len() > MOST_ASKED {
        let rule = "it holds too much that looks like the id of a key; report it in parts";
        return Err(OpError::invalid(Input::LeakedText, ProblemKind::TooLarge, rule));
    }
    let mut found = Found { keys: Vec::new(), sessions: Vec::new(), unknown: Vec::new(), unknown_secrets: 0 };
    for key_id in &candidates.key_ids {
        let row = access_key::find(&core.store, key_id.as_str()).await?.filter(|row| row.account_id == account);
        match row {
            Some(row) => found.keys.push((row, vec![form::KEY_ID])),
            None if Checked::KEY_ID.is_one(key_id.as_str()) => found.unknown.push(key_id.to_string()),
            None => {}
        }
    }
    let mut secrets = 0;
    let mut after = String::new();
    while !candidates.secrets.is_empty() {
        let rows = access_key::of_account(&core.store, account, &after, BATCH).await?;
        let Some(last) = rows.last() else { break };
        last.key_id.as_str().clone_into(&mut after);
        for row in rows {
            let place = Place { table: "access_keys", row: row.id.as_bytes(), account: &row.account_id };
            let secret = core.keyring.open_row(&place, &row.sealed_secret).map_err(OpError::internal)?;
            if !candidates.secrets.contains(&form::fingerprint(secret.expose())) {
                continue;
            }
            secrets += usize::from(Checked::KEY_SECRET.is_one(secret.expose()));
            match found.keys.iter_mut().find(|(known, _)| known.id == row.id) {
                Some((_, seen)) => seen.push(form::KEY_SECRET),
                None => found.keys.push((row, vec![form::KEY_SECRET])),
            }
        }
    }
    found.unknown_secrets = candidates.checked_secrets.saturating_sub(secrets);
    let mut asked: Vec<SessionId> = Vec::new();
    for (id, name) in candidates.sessions {
        if asked.contains(&id) {
            if let Some((_, seen)) = found.sessions.iter_mut().find(|(known, _)| known.id == id)
                && !seen.contains(&name)
            {
                seen.push(name);
            }
            continue;
        }
        asked.push(id);
        match session::describe(view, caller, id).await? {
            Some(described) => found.sessions.push((described, vec![name])),
            None => found.unknown.extend(token::key_id(id).map(|id| id.to_string())),
        }
    }
    Ok(found)
}

async fn owner(view: &View<'_>, id: UserId) -> Result<String, OpError> {
    let row = user::find(&view.core().store, id).await?;
    Ok(match row {
        Some(row) if row.kind == UserKind::Root => "the owner of the account".to_owned(),
        Some(row) => format!("user {}", row.name),
        None => "nobody any more".to_owned(),
    })
}

async fn activity(view: &View<'_>, caller: &Caller, key_id: &str) -> Result<Vec<AuditEvent>, OpError> {
    let since = view.now().minus(LOOK_BACK);
    let rows = audit::of_key(&view.core().store, caller.account(), key_id, since, MOST_EVENTS).await?;
    Ok(rows.into_iter().map(AuditEvent::of).collect())
}
