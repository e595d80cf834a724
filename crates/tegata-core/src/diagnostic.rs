//! The message that leads from a refusal back to its reasons: sealed, so that whoever was refused can carry it to somebody who may
//! read them, and learns nothing from it himself.
//!
//! ```text
//! base64url( kid (4) | salt (16) | AES-256-GCM( facts ) | tag (16) )
//! ```
//! The reasons are in the audit row. The facts are what the reply said anyway, for a refusal beyond the budget of rows.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tegata_model::{AccountId, RequestId, Timestamp};
use tegata_policy::LayerKind;

use crate::{
    Core,
    caller::Caller,
    error::{CallerKind, Denial, DeniedBy, OpError},
};

/// Longest message that is looked at, in characters.
const LONGEST: usize = 8 * 1024;
/// Longest resource that is carried, in bytes.
const RESOURCE: usize = 1024;

/// What a message carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) request: [u8; 16],
    /// The account whose policies it speaks of.
    pub(crate) account: AccountId,
    pub(crate) at: Timestamp,
    pub(crate) action: String,
    pub(crate) resource: String,
    /// The layer that refused, and whether by a Deny; nothing where no policy did.
    pub(crate) layer: Option<(LayerKind, bool)>,
    /// 0 an owner, 1 a user, 2 a role session.
    pub(crate) kind: u8,
    pub(crate) account_number: String,
    pub(crate) caller: String,
    /// The refusal in words.
    pub(crate) summary: String,
}

impl Facts {
    fn of(caller: &Caller, denial: &Denial, at: Timestamp) -> Self {
        Self {
            request: *caller.meta.id.as_bytes(),
            account: caller.account(),
            at,
            action: denial.action.to_owned(),
            resource: crate::audit::shortened(&denial.resource, RESOURCE),
            layer: match denial.by {
                DeniedBy::Layer { layer, explicit } => Some((layer, explicit)),
                DeniedBy::OwnerMayNotAssume
                | DeniedBy::ForeignAccount
                | DeniedBy::SourceIdentityFixed
                | DeniedBy::ChainEnded
                | DeniedBy::KeyPolicy
                | DeniedBy::NoPassword
                | DeniedBy::SecondFactor
                | DeniedBy::Organisation(_) => None,
            },
            kind: match denial.caller_kind {
                CallerKind::Owner => 0,
                CallerKind::User => 1,
                CallerKind::RoleSession => 2,
                CallerKind::Federated => 3,
                CallerKind::Client => 4,
            },
            account_number: denial.account.clone(),
            caller: denial.caller.clone(),
            summary: crate::audit::shortened(&denial.to_string(), 2 * RESOURCE),
        }
    }

    pub(crate) fn request_id(&self) -> RequestId {
        RequestId::from_bytes(self.request)
    }

    pub(crate) fn caller_kind(&self) -> CallerKind {
        match self.kind {
            0 => CallerKind::Owner,
            2 => CallerKind::RoleSession,
            3 => CallerKind::Federated,
            4 => CallerKind::Client,
            _ => CallerKind::User,
        }
    }
}

impl Core {
    /// Gives a refusal the message that leads back to it. Without entropy it has none: the refusal stands all the same.
    pub(crate) fn seal_reasons(&self, caller: &Caller, error: &mut OpError) {
        let OpError::Denied(denial) = error else { return };
        let Ok(plain) = postcard::to_allocvec(&Facts::of(caller, denial, self.now())) else { return };
        denial.diagnostic = self.keyring.seal_message(self.entropy.as_ref(), &plain).ok().map(|sealed| URL_SAFE_NO_PAD.encode(sealed));
    }

    /// What a message carries, if it is one of ours.
    pub(crate) fn open_reasons(&self, message: &str) -> Option<Facts> {
        let sealed = Some(message.trim()).filter(|text| text.len() <= LONGEST).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())?;
        postcard::from_bytes(&self.keyring.open_message(&sealed).ok()?).ok()
    }
}
