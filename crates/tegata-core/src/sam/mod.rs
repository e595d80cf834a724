//! Sessions of API keys and tokens, as people and programs begin them at a command line.
//!
//! | module | what |
//! |---|---|
//! | `pair` | an API key and its tokens, made of the id of a session and read again |
//! | `sign_in` | a session by password or auth key, with a one-time code where there is a second factor |
//! | `auth_key` | the keys that begin sessions |
//! | `session`, `switch` | one more token, the end, and going on as another user |
//! | `document`, `role`, `user` | what users may do, who may go on as them, and all that belongs to them |
//! | [`alias`], `rights` | what each operation of the API is here; documents as they are now, and as a session was given them |
//! | `exchange` | a temporary key for a session, and the other way round |
//! | `factor` | the second factor of a user or of the owner, from the first look to the lost device |
//! | `operator` | what an account is called as an operator |
//! | `support` | a token that shows who asked for help |
//!
//! A session has a row, and is ended as role sessions are: by its mark, or by anything that it stands on. So whatever comes of it ends with it.

pub mod alias;
mod auth_key;
mod document;
mod exchange;
mod factor;
mod operator;
mod pair;
mod rights;
mod role;
mod session;
mod sign_in;
mod support;
mod switch;
pub(crate) mod trust;
mod user;

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use tegata_model::{Epoch, SecretKey, SessionId, Timestamp, UserId};
use tegata_policy::Policy;
use tegata_store::{
    Step, factor as factor_rows,
    sam_session::{self, SamSessionRow},
    sam_snapshot, session as marks,
};

pub use self::{
    auth_key::{AuthKey, CreateAuthKey, CreatedAuthKey, DeleteAuthKey, Holder, ListAuthKeys, NewAuthKey},
    document::{
        DescribeDefaults, DescribePermission, DescribeTrust, RemoveDefaults, RemovePermission, RemoveTrust, SetDefaults, SetPermission,
        SetTrust,
    },
    exchange::{ForTemporaryKey, FromTemporaryKey},
    factor::{EnableFactor, FactorState, FindFactorState, RevokeFactor, VerifyFactor, revoke_owner_factor},
    operator::{DescribeOperator, Operator},
    role::{
        AttachSamRole, CreateSamRole, DeleteSamRole, DescribeSamRole, DetachSamRole, ListSamRoleUsers, ListSamRoles, ListUserSamRoles,
        SamRole, UpdateSamRole,
    },
    session::{EndSessions, RenewToken, RenewedToken, SignOut},
    sign_in::{Refusal, SamSignIn, Shown, SignedIn, StartedSession},
    support::{CreateSupportToken, SupportToken},
    switch::SwitchUser,
    user::{DescribeSamUser, ListSamUsers, RemoveUser, SamUser},
};
pub(crate) use self::{
    auth_key::{AuthUses, LiveAuthKey, hash_of_secret},
    rights::{Rights, describe, open_snapshot},
};
use crate::{
    Core,
    error::{AuthnFailure, OpError},
    principal::{Principal, Stamps, Who},
    token::{Ancestor, Granted},
    view::Read,
};

/// What sessions of API keys, and temporary keys for them, are called.
pub(crate) const API_KEY: &str = "api-key";

/// An API key and a token, as a request shows them.
#[derive(Debug)]
pub struct PresentedPair {
    /// The API key.
    pub api_key: SecretKey,
    /// The token.
    pub token: SecretKey,
}

/// A session whose pair holds, with everything it stands on found unrevoked.
#[derive(Debug)]
pub(crate) struct LiveSam {
    pub(crate) row: SamSessionRow,
    /// As whom it acts.
    pub(crate) principal: Arc<Principal>,
    /// What can end it, from the account on.
    pub(crate) bound: Vec<Ancestor>,
    /// What the permission language lets it do, as it was when the session began.
    pub(crate) permissions: Arc<[Policy]>,
    /// What a person gave to the client that it was exchanged for.
    pub(crate) granted: Option<Granted>,
    /// Who switched to the user, in words.
    pub(crate) source: Option<String>,
    /// When the token that was shown ends.
    pub(crate) until: Timestamp,
    pub(crate) reads: Vec<Read>,
    pub(crate) stamps: Stamps,
}

impl LiveSam {
    /// What ends whatever comes of this session: all that ends it, and its own end.
    pub(crate) fn ancestors(&self) -> Vec<Ancestor> {
        let mut ancestors = self.bound.clone();
        ancestors.push(Ancestor::Session(self.row.id, Epoch(0)));
        ancestors
    }
}

/// What a session stands on, as its row keeps it.
pub(crate) fn bound_to_bytes(bound: &[Ancestor]) -> Result<Vec<u8>, OpError> {
    postcard::to_stdvec(bound).map_err(OpError::internal)
}

impl Core {
    /// The session of a pair.
    pub(crate) async fn live_sam(&self, shown: &PresentedPair, now: Timestamp) -> Result<Arc<LiveSam>, OpError> {
        let both = [shown.api_key.expose().as_bytes(), b"\n", shown.token.expose().as_bytes()].concat();
        let mark: [u8; 32] = digest(&SHA256, &both).as_ref().try_into().unwrap_or_default();
        if let Some(known) = self.memory.sams.get(&mark) {
            let again = self.sam_again(&known, now).await?;
            if !Arc::ptr_eq(&known, &again) {
                self.memory.sams.insert(mark, Arc::clone(&again));
            }
            return Ok(again);
        }
        let (id, until) = pair::read(&self.keyring, shown).map_err(OpError::Authentication)?;
        let live = Arc::new(self.load_sam(id, until, now).await?);
        self.memory.sams.insert(mark, Arc::clone(&live));
        Ok(live)
    }

    /// The same session, read again if anything of its accounts has changed.
    pub(crate) async fn sam_again(&self, known: &Arc<LiveSam>, now: Timestamp) -> Result<Arc<LiveSam>, OpError> {
        if known.until <= now {
            return Err(OpError::Authentication(AuthnFailure::TokenExpired));
        }
        if known.stamps.current(&self.store) {
            return Ok(Arc::clone(known));
        }
        Ok(Arc::new(self.load_sam(known.row.id, known.until, now).await?))
    }

    /// The session of that id, if it is alive, with a token that ends at `until`.
    pub(crate) async fn load_sam(&self, id: SessionId, until: Timestamp, now: Timestamp) -> Result<LiveSam, OpError> {
        let ended = || OpError::Authentication(AuthnFailure::SessionEnded);
        if until <= now {
            return Err(OpError::Authentication(AuthnFailure::TokenExpired));
        }
        let row = sam_session::find(&self.store, id).await?.ok_or_else(ended)?;
        let mut stamps = Stamps::default();
        stamps.note(&self.store, row.account_id);
        let principal = self.memory.user(&self.store, row.user_id).await?.ok_or_else(ended)?;
        stamps.merge(&principal.stamps);
        if !principal.is_active() {
            return Err(OpError::Authentication(AuthnFailure::OwnerInactive));
        }
        let bound: Vec<Ancestor> = postcard::from_bytes(&row.bound).map_err(OpError::internal)?;
        let mut reads = principal.reads.clone();
        for ancestor in &bound {
            if let Ancestor::Account(account, _) = ancestor {
                stamps.note(&self.store, *account);
            }
            reads.push(self.ancestor(ancestor, &mut stamps).await?.ok_or_else(ended)?);
        }
        if marks::mark(&self.store, id).await?.unwrap_or(Epoch(0)) != Epoch(0) {
            return Err(ended());
        }
        reads.push(Read::Session(id, Epoch(0)));
        let source = match row.source_user_id {
            Some(source) => Some(self.words_of(source).await?),
            None => None,
        };
        let granted = row.granted.as_deref().map(postcard::from_bytes).transpose().map_err(OpError::internal)?;
        let permissions = open_snapshot(&self.store, row.snapshot.as_deref()).await?;
        Ok(LiveSam { row, principal, bound, permissions, granted, source, until, reads, stamps })
    }

    async fn words_of(&self, user: UserId) -> Result<String, OpError> {
        let Some(person) = self.memory.user(&self.store, user).await? else { return Ok("somebody".to_owned()) };
        let account = &person.account;
        Ok(if person.is_owner() { format!("root of {}", account.alias) } else { format!("{} of {}", person.name(), account.alias) })
    }

    /// Old sessions and what nobody may repeat any more go.
    pub(crate) fn sweep_sam(now: Timestamp) -> [Step; 3] {
        [sam_session::sweep(now), sam_snapshot::sweep(now), factor_rows::sweep(now.minus(sign_in::REPEAT.saturating_mul(4)))]
    }
}

/// The user that a principal is.
pub(crate) fn user_of(principal: &Principal) -> Result<&tegata_store::user::UserRow, OpError> {
    match &principal.who {
        Who::User(row) => Ok(row),
        Who::Role { .. } | Who::Provider(_) | Who::Client(_) => Err(OpError::internal("only users have such sessions")),
    }
}
