//! What is, written down as a declaration.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tegata_store::policy::PolicyKind;

use super::{
    current::{Current, Key, State},
    desired::SYSTEM_PREFIX,
};

/// Everything a declaration can say, in the order of names. Lists that give access are written even where they are empty: what
/// is attached later then counts as a difference. Texts are written where there are any.
pub(super) fn declaration(current: &Current) -> Value {
    let state = &current.state;
    let mut users = Map::new();
    for (key, row) in &current.users {
        let mut entry = Map::new();
        entry.insert("display_name".to_owned(), row.display_name.as_str().into());
        text(&mut entry, "email", &row.email);
        text(&mut entry, "phone", &row.phone);
        text(&mut entry, "comments", &row.comments);
        entry.insert("policies".to_owned(), policies(state, state.users.get(key).map(|is| &is.policies)));
        users.insert(row.name.to_string(), entry.into());
    }
    let mut groups = Map::new();
    for (key, row) in &current.groups {
        let mut entry = Map::new();
        text(&mut entry, "comments", &row.comments);
        let members = state.groups.get(key).into_iter().flat_map(|is| &is.members);
        let names = members.filter_map(|member| state.users.get(member)).map(|user| Value::from(user.name.as_str()));
        entry.insert("members".to_owned(), names.collect());
        entry.insert("policies".to_owned(), policies(state, state.groups.get(key).map(|is| &is.policies)));
        groups.insert(row.name.to_string(), entry.into());
    }
    let mut roles = Map::new();
    for (key, row) in &current.roles {
        let mut entry = Map::new();
        text(&mut entry, "description", &row.description);
        entry.insert("max_session_seconds".to_owned(), row.max_session.as_secs().into());
        entry.insert("policies".to_owned(), policies(state, state.roles.get(key).map(|is| &is.policies)));
        entry.insert("trust".to_owned(), document(&row.trust_document));
        roles.insert(row.name.to_string(), entry.into());
    }
    let mut custom = Map::new();
    for (key, row) in current.policies.iter().filter(|(key, _)| key.0 == PolicyKind::Custom) {
        let mut entry = Map::new();
        text(&mut entry, "description", &row.description);
        entry.insert("document".to_owned(), document(state.policies.get(key).map_or("", |is| is.document.as_str())));
        custom.insert(row.name.to_string(), entry.into());
    }
    json!({ "version": 1, "users": users, "groups": groups, "roles": roles, "policies": custom })
}

fn text(entry: &mut Map<String, Value>, word: &str, text: &str) {
    if !text.is_empty() {
        entry.insert(word.to_owned(), text.into());
    }
}

fn policies(state: &State, held: Option<&BTreeSet<Key>>) -> Value {
    let named = held.into_iter().flatten().filter_map(|key| Some((key.0, &state.policies.get(key)?.name)));
    named.map(|(kind, name)| if kind == PolicyKind::System { format!("{SYSTEM_PREFIX}{name}") } else { name.clone() }).collect()
}

/// A document as data; as its text if it is no JSON.
fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}
