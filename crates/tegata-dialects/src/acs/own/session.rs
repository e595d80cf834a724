//! Role sessions: which there are, and the end of them.
//!
//! A key is named by `UserAccessKeyId`, as in RAM: `AccessKeyId` is the key that signs, wherever the signature is a parameter.

use tegata_core::session::{DescribeSession, ListSessions, RevokeSessions, Revoked, RoleSession, SessionFilter, SessionState, Whose};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, paged, text, wrapped},
    catalogue::{Kind, MARKER, MAX_ITEMS, may, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "ListSessions",
        "The role sessions of the account, newest first",
        list,
        [
            may("SessionId", Kind::Session),
            may("UserName", Kind::User),
            may("RoleName", Kind::Role),
            may("UserAccessKeyId", Kind::AccessKey),
            may("AppId", Kind::Text),
            may("IncludeEnded", Kind::Flag),
            MARKER,
            MAX_ITEMS
        ]
    ),
    entry!("GetSession", "What is known of a role session", describe, [need("SessionId", Kind::Session)]),
    entry!(
        "RevokeSessions",
        "End one session, or all of a user, a role, a key or an application",
        revoke,
        [
            may("SessionId", Kind::Session),
            may("UserName", Kind::User),
            may("RoleName", Kind::Role),
            may("UserAccessKeyId", Kind::AccessKey),
            may("AppId", Kind::Text)
        ]
    ),
];

fn state_word(state: SessionState) -> &'static str {
    match state {
        SessionState::Live => "Live",
        SessionState::Ended => "Ended",
        SessionState::Expired => "Expired",
    }
}

fn session(one: RoleSession) -> Tree {
    let mut fields = vec![
        ("SessionId", text(&one.id)),
        ("AccessKeyId", Tree::Text(one.key_id)),
        ("RoleArn", Tree::Text(one.role)),
        ("RoleSessionName", Tree::Text(one.name)),
        ("State", text(&state_word(one.state))),
        ("CreateDate", Tree::Text(one.started_at.to_iso())),
        ("ExpireDate", Tree::Text(one.expires_at.to_iso())),
        ("Caller", Tree::Text(one.begun_by)),
        ("CallerAccessKeyId", Tree::Text(one.begun_with)),
        ("SourceAddress", Tree::Text(one.source)),
        ("HasSessionPolicy", Tree::Flag(one.narrowed)),
    ];
    fields.extend(one.source_identity.map(|identity| ("SourceIdentity", Tree::Text(identity))));
    fields.push(wrapped("ParentSessions", "SessionId", one.parents.into_iter().map(Tree::Text).collect()));
    Tree::Object(fields)
}

async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let filter = SessionFilter {
        session: ask.maybe_name("SessionId")?,
        user: ask.maybe_name("UserName")?,
        role: ask.maybe_name("RoleName")?,
        key: ask.maybe_name("UserAccessKeyId")?,
        app: ask.maybe_name("AppId")?,
        include_ended: ask.flag("IncludeEnded")?,
    };
    let listed = ask.perform(ListSessions { filter, page: ask.page(1000)? }).await?;
    Ok(paged("Sessions", "Session", listed, session))
}

async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let one = ask.perform(DescribeSession { id: ask.name("SessionId")? }).await?;
    Ok(vec![("Session", session(one))])
}

async fn revoke(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let named: Vec<Whose> = [
        ask.maybe_name("SessionId")?.map(Whose::Session),
        ask.maybe_name("UserName")?.map(Whose::User),
        ask.maybe_name("RoleName")?.map(Whose::Role),
        ask.maybe_name("UserAccessKeyId")?.map(Whose::Key),
        ask.maybe_name("AppId")?.map(Whose::App),
    ]
    .into_iter()
    .flatten()
    .collect();
    let Ok([whose]) = <[Whose; 1]>::try_from(named) else {
        return Err(AcsError::invalid(
            "SessionId",
            "exactly one of `SessionId`, `UserName`, `RoleName`, `UserAccessKeyId` and `AppId` is needed",
        ));
    };
    let Revoked { ended, at_least } = ask.perform(RevokeSessions { whose }).await?;
    Ok(vec![("EndedSessions", Tree::Number(ended)), ("AtLeast", Tree::Flag(at_least))])
}
