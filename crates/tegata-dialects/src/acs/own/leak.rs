//! Credentials that have become known to strangers.

use tegata_core::leak::{LeakDone, LeakReport, Leaked, ReportLeakedCredential};
use tegata_model::SecretKey;

use super::trail::event;
use crate::acs::{
    ask::{Ask, Entry, Fields, entry, text, wrapped},
    catalogue::{Kind, may, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[entry!(
    "ReportLeakedCredential",
    "End every credential of the account that a text holds",
    report,
    [need("Text", Kind::Secret), may("DryRun", Kind::Flag)]
)];

fn done_word(done: LeakDone) -> &'static str {
    match done {
        LeakDone::Disabled => "Disabled",
        LeakDone::Ended => "Ended",
        LeakDone::WasOver => "WasOver",
        LeakDone::Nothing => "Nothing",
    }
}

fn credential(one: Leaked) -> Tree {
    let mut fields = vec![("AccessKeyId", Tree::Text(one.key_id))];
    fields.extend(one.session.map(|id| ("SessionId", text(&id))));
    fields.extend([
        ("Owner", Tree::Text(one.owner)),
        wrapped("Seen", "Part", one.seen.iter().map(text).collect()),
        ("Done", text(&done_word(one.done))),
        ("EndedSessions", Tree::Number(one.sessions.ended)),
        ("AtLeast", Tree::Flag(one.sessions.at_least)),
        wrapped("Events", "Event", one.activity.into_iter().map(event).collect()),
    ]);
    Tree::Object(fields)
}

async fn report(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = ReportLeakedCredential { text: SecretKey::new(ask.params.required("Text")?), dry_run: ask.flag("DryRun")? };
    let LeakReport { found, unknown, unknown_secrets } = ask.perform(input).await?;
    Ok(vec![
        wrapped("Credentials", "Credential", found.into_iter().map(credential).collect()),
        wrapped("Unknown", "AccessKeyId", unknown.into_iter().map(Tree::Text).collect()),
        ("UnknownSecrets", Tree::Number(u64::try_from(unknown_secrets).unwrap_or(u64::MAX))),
    ])
}
