//! What an account demands of long-term keys, and who still uses one.

use std::time::Duration;

use tegata_core::directory::{DescribeKeyPolicy, KeyPolicy, ListLongTermKeys, LongTermKey, SetKeyPolicy};
use tegata_model::{Network, Timestamp};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, paged, text},
    catalogue::{Kind, MARKER, MAX_ITEMS, may},
    error::AcsError,
    reply::Tree,
};

const DAY: u64 = 24 * 3600;
/// A key that was not used for this long is taken to be used by nobody.
const IDLE: Duration = Duration::from_hours(24 * 90);

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!("GetKeyPolicy", "What the account demands of long-term keys", describe, []),
    entry!(
        "SetKeyPolicy",
        "Change what the account demands of long-term keys",
        set,
        [may("MaxAgeDays", Kind::Number), may("Networks", Kind::Text), may("AllowPeople", Kind::Flag)]
    ),
    entry!("ListLongTermKeys", "Who still uses a long-term key, and what replaces it", list, [MARKER, MAX_ITEMS]),
];

fn shown(policy: &KeyPolicy) -> Fields {
    let mut fields = Vec::new();
    fields.extend(policy.max_age.map(|age| ("MaxAgeDays", Tree::Number(age.as_secs() / DAY))));
    fields.push(("Networks", Tree::List(policy.networks.iter().map(text).collect())));
    fields.push(("AllowPeople", Tree::Flag(policy.people)));
    vec![("KeyPolicy", Tree::Object(fields))]
}

pub(super) async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(shown(&ask.perform(DescribeKeyPolicy).await?))
}

/// What is absent stays; `MaxAgeDays=0` means any age, empty `Networks` anywhere.
pub(super) async fn set(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let max_age = match ask.params.text("MaxAgeDays") {
        None | Some("") => None,
        Some("0") => Some(None),
        Some(days) => {
            let days =
                days.parse::<u32>().map_err(|_| AcsError::invalid("MaxAgeDays", "a whole number of days is needed, 0 for any age"))?;
            Some(Some(Duration::from_secs(u64::from(days) * DAY)))
        }
    };
    let networks = ask.params.mentions("Networks").then(|| ask.several(&["Networks"])).transpose()?;
    let networks = networks
        .map(|all| all.iter().map(|one| one.parse::<Network>()).collect::<Result<Vec<_>, _>>())
        .transpose()
        .map_err(|error| AcsError::invalid("Networks", &error.to_string()))?;
    let people = ask.params.text("AllowPeople").filter(|text| !text.is_empty()).map(|_| ask.flag("AllowPeople")).transpose()?;
    Ok(shown(&ask.perform(SetKeyPolicy { max_age, networks, people }).await?))
}

/// What to do about a key, in words and as the command that does it.
fn advice(key: &LongTermKey, now: Timestamp) -> (&'static str, String) {
    let whose = key.user.as_ref().map(|name| format!(" --UserName {name}")).unwrap_or_default();
    let id = &key.key_id;
    if !key.status.is_active() {
        return ("switched off: delete it", format!("tegata ram DeleteAccessKey --UserAccessKeyId {id}{whose}"));
    }
    let last = key.used.as_ref().map_or(key.created_at, |used| used.at);
    if now.since(last) > IDLE {
        return ("nobody uses it: switch it off", format!("tegata ram UpdateAccessKey --UserAccessKeyId {id} --Status Inactive{whose}"));
    }
    let Some(user) = &key.user else {
        return ("the owner's: make a user or role for the work", "tegata ram CreateUser --UserName NAME".to_owned());
    };
    if key.person {
        return ("a person's: short-lived keys for programs", format!("tegata exec --profile {user} --role ARN -- PROGRAM"));
    }
    if key.used.as_ref().is_some_and(|used| used.service == "sts") {
        return ("begins role sessions: let an identity provider do it", format!("tegata configure --profile {user} --mode OIDC"));
    }
    ("used for the work itself: assume a role instead", format!("tegata configure --profile {user} --mode RamRoleArn"))
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListLongTermKeys { page: ask.page(1000)? }).await?;
    let now = ask.core.now();
    Ok(paged("LongTermKeys", "LongTermKey", listed, |key| {
        let (advice, command) = advice(&key, now);
        let mut fields = vec![("AccessKeyId", text(&key.key_id))];
        fields.extend(key.user.as_ref().map(|name| ("UserName", text(name))));
        fields.push(("Owner", Tree::Flag(key.user.is_none())));
        fields.push(("Person", Tree::Flag(key.person)));
        fields.push(("Status", text(&if key.status.is_active() { "Active" } else { "Inactive" })));
        fields.push(("CreateDate", Tree::Text(key.created_at.to_iso())));
        fields.push(("AgeDays", Tree::Number(now.since(key.created_at).as_secs() / DAY)));
        if let Some(used) = &key.used {
            fields.push(("LastUsedDate", Tree::Text(used.at.to_iso())));
            fields.push(("ServiceName", text(&used.service)));
        }
        fields.push(("Advice", text(&advice)));
        fields.push(("Command", Tree::Text(command)));
        Tree::Object(fields)
    }))
}
