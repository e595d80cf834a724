//! Tokens for a code (RFC 6749 §4.1.3).

use tegata_model::{SecretKey, Timestamp};
use tegata_oauth::{Challenge, Verifier};
use tegata_store::{ChangeSet, Step, code, grant};

use super::{
    Bound, Fallen, GrantFailure, IssuedTokens, application, asking, find_grant, hash_of, standing_for,
    tokens::{Order, of_grant},
};
use crate::{
    actions::{Action, OAUTH_REDEEM_CODE},
    audit::Entry,
    caller::Caller,
    client::{must_bind_key, scope_of},
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// Tokens for a code. The code is used up by asking, whatever comes of it; asking twice ends what the first one got.
#[derive(Debug)]
pub struct RedeemCode {
    /// The code.
    pub code: SecretKey,
    /// Where it was sent, as the client says.
    pub redirect_uri: Option<String>,
    /// The proof that the client asked for it.
    pub verifier: Option<Verifier>,
    /// The thumbprint of the key that the tokens shall be bound to.
    pub key: Option<String>,
}

impl Operation for RedeemCode {
    const ACTION: Action = OAUTH_REDEEM_CODE;
    type Output = IssuedTokens;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application(caller)
    }

    fn spends(&self, now: Timestamp) -> Vec<Step> {
        vec![code::claim(&hash_of(self.code.expose()), now)]
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<IssuedTokens>, OpError> {
        let refused = |failure| OpError::Grant(failure);
        let (live, _) = asking(caller, Self::ACTION, &self.resource(caller))?;
        let client = live.row().ok_or(refused(GrantFailure::NotForYou))?;
        let store = &view.core().store;
        let code = code::find(store, &hash_of(self.code.expose())).await?.ok_or(refused(GrantFailure::CodeUnknown))?;
        if code.used_at.is_some() {
            return Err(refused(GrantFailure::CodeUsed(code.grant_id)));
        }
        if code.client_id != client.id || code.account_id != caller.account() {
            return Err(refused(GrantFailure::CodeUnknown));
        }
        if code.expires_at <= view.now() {
            return Err(refused(GrantFailure::CodeExpired));
        }
        if self.redirect_uri.as_deref() != Some(code.redirect_uri.as_str()) {
            return Err(refused(GrantFailure::Redirect));
        }
        let challenge = code.challenge.as_deref().map(Challenge::parse).transpose().map_err(OpError::internal)?;
        let answered = match (&challenge, &self.verifier) {
            (Some(challenge), Some(verifier)) => challenge.answers(verifier),
            // A verifier without a challenge means that somebody took the challenge out on the way (RFC 9700 §2.1.1).
            (None, Some(_)) | (Some(_), None) => false,
            (None, None) => client.secret_required,
        };
        if !answered {
            return Err(refused(GrantFailure::Verifier));
        }
        let row = find_grant(view, code.grant_id).await?;
        match (&row.dpop_key, &self.key) {
            (Some(known), Some(shown)) if known != shown => return Err(refused(GrantFailure::KeyOther)),
            (Some(_), None) => return Err(refused(GrantFailure::KeyNeeded)),
            (None, None) if must_bind_key(client.id) => return Err(refused(GrantFailure::KeyNeeded)),
            _ => {}
        }
        let bound = Bound::of_bytes(&row.bound).ok_or(refused(GrantFailure::Fallen(Fallen::Grant)))?;
        let standing = standing_for(view, caller, &bound).await?;
        let mut changes = ChangeSet::new(view.now());
        // Tokens of clients that can keep a secret are bound to the client already; their refresh tokens need no key.
        if let (None, Some(key), true) = (&row.dpop_key, &self.key, !client.secret_required) {
            changes.push(grant::bind_key(row.id, key));
        }
        let order = Order {
            scope: scope_of(&row.scopes)?,
            key: self.key.clone(),
            nonce: code.nonce.clone(),
            refresh_number: row.refreshable.then_some(row.next_refresh),
            with_id_token: true,
        };
        let (issued, session) = of_grant(view, standing, &bound, &row, order).await?;
        let note = format!("token {session} of {} for `{}`", row.id, issued.scope);
        Ok(Effect::with(issued, changes, Entry { note: Some(note), ..Entry::default() }))
    }
}
