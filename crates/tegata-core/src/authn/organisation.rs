//! Tokens for organisations: from an access token, or the API token that brings one, to a caller.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use tegata_model::{Epoch, SessionId, Timestamp, UserId};
use tegata_oauth::OrgClaims;
use tegata_store::{
    account,
    api_token::{self, ApiTokenRow},
    session, user,
};

use crate::{
    Core,
    client::API_TOKENS,
    error::{AuthnFailure, OpError},
    grant::{Bound, GrantFailure, hash_of, standing},
    principal::{LiveOrg, OrgProof, Principal, SelfService, Who},
    token::Ancestor,
    view::Read,
};

/// Longest access token that is looked at, in bytes.
const MAX_TOKEN: usize = 32 * 1024;
/// How many characters an API token has.
pub(crate) const API_TOKEN_CHARS: usize = 64;

impl Core {
    /// A token that was verified once is remembered until it ends; what it stands on is asked each time.
    pub(crate) async fn live_org(&self, text: &str, now: Timestamp) -> Result<Arc<LiveOrg>, OpError> {
        let malformed = || OpError::Authentication(AuthnFailure::TokenMalformed);
        if text.len() > MAX_TOKEN {
            return Err(malformed());
        }
        let mark: [u8; 32] = digest(&SHA256, text.as_bytes()).as_ref().try_into().unwrap_or_default();
        if let Some(known) = self.memory.org_tokens.get(&mark) {
            let again = self.org_again(&known, now).await?;
            if !Arc::ptr_eq(&known, &again) {
                self.memory.org_tokens.insert(mark, Arc::clone(&again));
            }
            return Ok(again);
        }
        let ring = self.organisation_verifier().await?;
        let claims = ring.organisation().and_then(|keys| OrgClaims::verify(text, keys).ok()).ok_or_else(malformed)?;
        if claims.iss != self.keyring.issuer() {
            return Err(malformed());
        }
        let bound = Bound::of_text(&claims.marks).ok_or_else(malformed)?;
        let session: SessionId = claims.jti.parse().map_err(|_| malformed())?;
        let live = Arc::new(self.load_org(OrgProof::Access(Arc::new(claims), session), Arc::new(bound), now).await?);
        self.memory.org_tokens.insert(mark, Arc::clone(&live));
        Ok(live)
    }

    /// What was good is good still, unless its time is over or something that it stands on is gone.
    pub(crate) async fn org_again(&self, live: &Arc<LiveOrg>, now: Timestamp) -> Result<Arc<LiveOrg>, OpError> {
        if live.expires_at() <= now {
            return Err(OpError::Authentication(AuthnFailure::TokenExpired));
        }
        if live.facts.stamps.current(&self.store) {
            return Ok(Arc::clone(live));
        }
        let shown = match &live.shown {
            OrgProof::Access(claims, session) => OrgProof::Access(Arc::clone(claims), *session),
            OrgProof::ApiToken(row) => OrgProof::ApiToken(row.clone()),
        };
        Ok(Arc::new(self.load_org(shown, Arc::clone(&live.bound), now).await?))
    }

    async fn load_org(&self, shown: OrgProof, bound: Arc<Bound>, now: Timestamp) -> Result<LiveOrg, OpError> {
        let facts = standing(self, &bound).await?.spend();
        let mut reads = facts.reads.clone();
        if let OrgProof::Access(claims, session) = &shown {
            if claims.expires_at() <= now {
                return Err(OpError::Authentication(AuthnFailure::TokenExpired));
            }
            // A mark that is set while this reads is seen by whoever asks after it was set: setting it changes the account.
            match session::mark(&self.store, *session).await? {
                None | Some(Epoch(0)) => {}
                Some(_) => return Err(OpError::Authentication(AuthnFailure::SessionEnded)),
            }
            reads.push(Read::Session(*session, Epoch(0)));
        }
        let principal = match &facts.identity {
            Some(identity) => Arc::clone(identity),
            None => Arc::new(Principal {
                account: facts.account.clone(),
                who: Who::Client(Box::new(facts.client.clone())),
                policies: Vec::new(),
                tags: Vec::new(),
                self_service: SelfService::NONE,
                sam: crate::sam::Rights::none(),
                reads: facts.reads.clone(),
                stamps: facts.stamps.clone(),
            }),
        };
        Ok(LiveOrg { principal, shown, bound, facts, reads })
    }

    /// The user's API token, if it can be used. Unknown, run out, idle for too long and taken back are told alike.
    pub(super) async fn api_token(&self, text: &str, now: Timestamp) -> Result<LiveOrg, OpError> {
        let refused = || OpError::Grant(GrantFailure::RefreshUnknown);
        if text.len() != API_TOKEN_CHARS {
            return Err(refused());
        }
        let row = api_token::find_by_hash(&self.store, &hash_of(text)).await?.filter(|row| row.is_good(now)).ok_or_else(refused)?;
        let bound = self.bound_of(&row).await?.ok_or_else(refused)?;
        let loaded = self.load_org(OrgProof::ApiToken(Box::new(row)), Arc::new(bound), now).await;
        // Whoever may not sign in any more learns nothing but that the token is not good.
        loaded.map_err(|error| match error {
            OpError::Grant(GrantFailure::Fallen(_)) => refused(),
            other => other,
        })
    }

    /// What an API token stands on now: its organisation and its user, each with the epoch it has, and itself.
    pub(crate) async fn bound_of(&self, row: &ApiTokenRow) -> Result<Option<Bound>, OpError> {
        let (account, user) = (account::find(&self.store, row.account_id).await?, user::find(&self.store, row.user_id).await?);
        let (Some(account), Some(user)) = (account, user) else { return Ok(None) };
        let user: (UserId, Epoch) = (user.id, user.epoch);
        let marks = vec![Ancestor::Account(account.id, account.epoch), Ancestor::User(user.0, user.1), Ancestor::ApiToken(row.id)];
        Ok(Some(Bound { client: API_TOKENS, marks }))
    }
}
