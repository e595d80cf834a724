//! What a user may do by documents of the permission language: as they are now, and as a session was given them.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use tegata_policy::{
    Context, Policy,
    sam::{PATH_VARIABLE, TrustDocument, USER_NAME, compile_stored},
};
use tegata_store::{
    Store, StoreError,
    sam_document::{self, Source},
    sam_snapshot,
    user::{UserKind, UserRow},
};

use super::alias::apis;
use crate::{caller::Caller, principal::principal_text, resource::ResourceName};

/// The documents of one user, compiled.
#[derive(Debug)]
pub(crate) struct Rights {
    documents: Arc<[Policy]>,
    trust: Option<Policy>,
    snapshot: Option<Snapshot>,
}

/// The texts of the documents, as a session keeps them.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// SHA-256 of the content.
    pub(crate) hash: [u8; 32],
    /// Labels and texts, in JSON.
    pub(crate) content: String,
}

static NONE: LazyLock<Arc<Rights>> = LazyLock::new(|| Arc::new(Rights { documents: Arc::default(), trust: None, snapshot: None }));

impl Rights {
    /// Those of somebody about whom nothing is written.
    pub(crate) fn none() -> Arc<Self> {
        Arc::clone(&NONE)
    }

    /// Those of a user. Owners may do everything, and nobody goes on as them.
    pub(crate) async fn of(store: &Store, user: &UserRow) -> Result<Arc<Self>, StoreError> {
        if user.kind == UserKind::Root {
            return Ok(Self::none());
        }
        let written = sam_document::of_user(store, user.account_id, user.id).await?;
        if written.is_empty() {
            return Ok(Self::none());
        }
        let (mut texts, mut trust) = (Vec::new(), None);
        for (source, text) in written {
            match source {
                Source::User => texts.push((format!("SAM permission of {}", user.name), text)),
                Source::Role(name) => texts.push((format!("SAM role {name}"), text)),
                Source::Default => texts.push(("SAM default permissions".to_owned(), text)),
                Source::Trust => trust = Some(text),
            }
        }
        let trust = match trust {
            None => None,
            Some(text) => Some(trust_policy(&text, user.name.as_ref(), &sam_document::bindings(store, user.id).await?)),
        };
        let content = serde_json::to_string(&texts).unwrap_or_default();
        let snapshot = (!texts.is_empty()).then(|| Snapshot { hash: hash(&content), content });
        Ok(Arc::new(Self { documents: compiled(&texts), trust, snapshot }))
    }

    /// What the user may do now.
    pub(crate) fn documents(&self) -> &[Policy] {
        &self.documents
    }

    /// Who may go on as the user.
    pub(crate) fn trust(&self) -> Option<&Policy> {
        self.trust.as_ref()
    }

    /// What a session that begins now is given; nothing, if nothing is written.
    pub(crate) fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }
}

fn hash(content: &str) -> [u8; 32] {
    digest(&SHA256, content.as_bytes()).as_ref().try_into().unwrap_or_default()
}

fn compiled(texts: &[(String, String)]) -> Arc<[Policy]> {
    texts.iter().map(|(label, text)| compile_stored(text, label, apis())).collect()
}

fn trust_policy(text: &str, user: &str, bindings: &[(String, [u8; 16])]) -> Policy {
    let label = format!("SAM trust policy of {user}");
    match TrustDocument::parse_stored(text) {
        Ok(document) => document
            .compile()
            .labelled(label)
            .bind(|principal| bindings.iter().find(|(text, _)| *text == principal_text(principal)).map(|(_, subject)| *subject)),
        Err(_) => Policy::unreadable(label),
    }
}

/// The permissions that a session was given. What cannot be found or read any more denies everything.
pub(crate) async fn open_snapshot(store: &Store, hash: Option<&[u8]>) -> Result<Arc<[Policy]>, StoreError> {
    let Some(hash) = hash else { return Ok(Arc::default()) };
    let content = sam_snapshot::find(store, hash).await?;
    let texts: Option<Vec<(String, String)>> = content.and_then(|content| serde_json::from_str(&content).ok());
    Ok(texts.map_or_else(|| Arc::from([Policy::unreadable("SAM permissions of the session")]), |texts| compiled(&texts)))
}

/// Says in a context what conditions of the language ask for: who calls, and what the path would name.
///
/// The variables are taken from the resource, so that a condition says the same however the operation was called.
pub(crate) fn describe(context: &mut Context, caller: &Caller, resource: &ResourceName) {
    if let Some(name) = caller.user_name() {
        context.set(USER_NAME, name.as_str());
    }
    let mut say = |name: &str, value: &str| context.set(&format!("{PATH_VARIABLE}{name}"), value);
    say("operator_id", caller.evidence.principal().account.operator_id.as_str());
    variables(resource, &mut say);
}

fn variables(resource: &ResourceName, say: &mut dyn FnMut(&str, &str)) {
    match resource {
        ResourceName::User { name, .. } => say("user_name", name.as_str()),
        ResourceName::Membership { user, .. } => say("user_name", user.as_str()),
        // A device of one's own bears one's name.
        ResourceName::MfaDevice { name, .. } => say("user_name", name.as_str()),
        ResourceName::SamRole { name, .. } => say("role_id", name.as_str()),
        ResourceName::AccessKey { of, key_id } => {
            say("auth_key_id", key_id.as_str());
            variables(of, say);
        }
        ResourceName::Attachment { to, policy } => {
            variables(policy, say);
            variables(to, say);
        }
        ResourceName::LoginProfile { of }
        | ResourceName::Factor { of }
        | ResourceName::Document { of, .. }
        | ResourceName::BoundMfaDevice { device: of }
        | ResourceName::SessionsOf(of) => variables(of, say),
        _ => {}
    }
}
