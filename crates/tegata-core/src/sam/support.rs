//! A token by which whoever helps can see who asked for help.
//!
//! It opens nothing: no operation takes it, and nothing of it is kept but its SHA-256, in the audit row of its making. Whoever runs this
//! server works out the same of what was handed over, and finds in the trail who made it, when, and until when it counts.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use tegata_model::{SecretKey, Timestamp};
use tegata_store::ChangeSet;

use super::auth_key::LETTERS;
use crate::{
    actions::{Action, SAM_CREATE_SUPPORT_TOKEN},
    audit::Entry,
    authz,
    caller::Caller,
    clock::random_text,
    directory::own,
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// How long a token counts.
const LIFE: Duration = Duration::from_hours(1);

/// A token that has just been made.
#[derive(Debug)]
pub struct SupportToken {
    /// The token: `support-` and 43 characters, 256 bits.
    pub token: SecretKey,
    /// Until when it counts, as its audit row says too.
    pub expires_at: Timestamp,
}

/// Make a token that shows whoever runs this server who asks for help. No right comes with it.
#[derive(Debug, Clone)]
pub struct CreateSupportToken;

impl Operation for CreateSupportToken {
    const ACTION: Action = SAM_CREATE_SUPPORT_TOKEN;
    type Output = SupportToken;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccountSettings { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<SupportToken>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let text = format!("support-{}", random_text(view.core().entropy.as_ref(), LETTERS, 43)?);
        let expires_at = view.now().plus(LIFE);
        let note = Some(format!("support token with sha256 {}, until {}", in_hex(&text), expires_at.to_iso()));
        let made = SupportToken { token: SecretKey::new(text), expires_at };
        Ok(Effect::with(made, ChangeSet::new(view.now()), Entry { by: permit.spend(), note, ..Entry::default() }))
    }
}

/// The SHA-256 of a text, as `sha256sum` prints it.
fn in_hex(text: &str) -> String {
    use std::fmt::Write as _;
    digest(&SHA256, text.as_bytes()).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
