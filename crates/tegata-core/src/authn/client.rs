//! Clients and their tokens: from a public id and a secret, or from an access token, to a caller.

use std::{net::IpAddr, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tegata_model::{AccountId, ClientSecretId, Epoch, PasswordHash, SecretKey, SessionId, Timestamp};
use tegata_oauth::{AccessClaims, Scope};
use tegata_store::{
    ChangeSet, CommitError, account, client,
    client_secret::{self, ClientSecretRow, Method},
    code, grant, replay, session,
};

use crate::{
    Core,
    caller::Unspent,
    client::{let_in, official_by_app_id, secret_holds},
    error::{AuthnFailure, OpError},
    grant::{Bound, Fallen, GrantFailure, RefreshToken, hash_of, standing},
    hashing,
    principal::{LiveAccess, LiveClient, Principal, SYSTEM, SelfService, Stamps, Who},
    sam::Rights,
    view::Read,
};

/// Who a client says it is, and what it shows for it.
#[derive(Debug)]
pub struct PresentedClient {
    /// Its public id.
    pub app_id: String,
    /// Its secret, where it showed one.
    pub secret: Option<SecretKey>,
    /// The same secret read the other way, where a wire leaves open whether it was encoded: both count as one try.
    pub respelled: Option<SecretKey>,
    /// What the request is about: it tells in which account an official application asks.
    pub about: About,
    /// The key whose possession was proven with this request.
    pub key: Option<PresentedKey>,
}

/// A key whose possession a request proves (RFC 9449). The signature was verified where the proof was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedKey {
    /// Its thumbprint.
    pub thumbprint: String,
    /// What makes the proof unique: it counts once.
    pub jti: String,
}

/// What a request of a client is about.
#[derive(Debug)]
pub enum About {
    /// Nothing but the client itself.
    Itself,
    /// This code.
    Code(SecretKey),
    /// This device code: whoever waits is told so instead.
    Device(SecretKey),
    /// This token, of whichever kind.
    Token(SecretKey),
}

/// An access token, and what was shown with it.
#[derive(Debug)]
pub struct PresentedToken {
    /// The token.
    pub token: SecretKey,
    /// The key whose possession was proven with this request.
    pub key: Option<PresentedKey>,
}

/// Longest public id of a client that is looked at, in bytes.
const MAX_APP_ID: usize = 256;
/// Longest access token that is looked at, in bytes.
const MAX_TOKEN: usize = 16 * 1024;
/// How long one nonce for proofs of possession is given out.
const NONCE_SECONDS: i64 = 300;

fn refused() -> OpError {
    OpError::Authentication(AuthnFailure::Client)
}

impl Core {
    /// The client, and by which secret it has proven to be the one.
    pub(super) async fn client(
        &self,
        presented: &PresentedClient,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(Arc<LiveClient>, Option<ClientSecretId>), OpError> {
        let app_id = presented.app_id.as_str();
        if app_id.is_empty() || app_id.len() > MAX_APP_ID {
            return Err(refused());
        }
        let account = match official_by_app_id(app_id) {
            Some(row) => match &presented.about {
                About::Device(code) => Some(self.poll_device(row.id, code, now).await?),
                about => Some(self.account_of(about).await?.ok_or(OpError::Grant(GrantFailure::NotForYou))?),
            },
            None => None,
        };
        let live = self.live_client(app_id, account).await?;
        let row = live.row().ok_or_else(refused)?;
        let proven = match &presented.secret {
            Some(secret) => {
                let held = async {
                    let held = self.held_secret(&live.secrets, secret, source, now).await?;
                    match (held, &presented.respelled) {
                        (None, Some(other)) => self.held_secret(&live.secrets, other, source, now).await,
                        (held, _) => Ok(held),
                    }
                };
                Some(self.guarded(row.id, source, now, held).await?.ok_or_else(refused)?)
            }
            None if row.secret_required => return Err(refused()),
            None => None,
        };
        let elsewhere = match (&presented.about, account) {
            (About::Device(code), None) => Some(self.poll_device(row.id, code, now).await?),
            (about, None) => self.account_of_its_own(row, about).await?,
            (_, Some(_)) => None,
        };
        // An application of another account asks in the account of the person who let it in.
        let live = match elsewhere.filter(|account| *account != row.account_id) {
            Some(account) => self.live_client(app_id, Some(account)).await?,
            None => live,
        };
        Ok((live, proven))
    }

    /// In which account an application has what it shows: a code or a refresh token that was made for it.
    async fn account_of_its_own(&self, row: &client::ClientRow, about: &About) -> Result<Option<AccountId>, OpError> {
        if !row.multi_tenant {
            return Ok(None);
        }
        Ok(match about {
            About::Itself | About::Device(_) => None,
            About::Code(text) => {
                let found = code::find(&self.store, &hash_of(text.expose())).await?;
                found.filter(|found| found.client_id == row.id).map(|found| found.account_id)
            }
            About::Token(text) => {
                let Some(token) = RefreshToken::read(&self.keyring, text.expose()) else { return Ok(None) };
                let found = grant::find(&self.store, token.grant).await?;
                let its_own = |bytes: &[u8]| Bound::of_bytes(bytes).is_some_and(|bound| bound.client == row.id);
                found.filter(|found| its_own(&found.bound)).map(|found| found.account_id)
            }
        })
    }

    /// Which of these secrets it is, among those that still count. What we made is compared at once; what somebody chose is worked
    /// on in the pool the first time, and remembered by a code of it that only this server can make.
    async fn held_secret(
        &self,
        rows: &[ClientSecretRow],
        secret: &SecretKey,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Option<ClientSecretId>, OpError> {
        if let Some(row) = rows.iter().find(|row| secret_holds(&self.keyring, row, secret, now)) {
            return Ok(Some(row.id));
        }
        for row in rows.iter().filter(|row| row.method == Method::Slow && row.expires_at.is_none_or(|expires| now < expires)) {
            let message = [&row.id.as_bytes()[..], secret.expose().as_bytes()].concat();
            let code = self.keyring.mac(b"chosen-secret", &message).map_err(OpError::internal)?;
            if self.memory.chosen_secrets.get(&code).is_some() {
                return Ok(Some(row.id));
            }
            let kept = PasswordHash::new(&String::from_utf8_lossy(&row.hash));
            let text = SecretKey::new(secret.expose().to_owned());
            if self.hashing.run(source, move || hashing::verify(&text, &kept)).await? {
                self.memory.chosen_secrets.insert(code, ());
                return Ok(Some(row.id));
            }
        }
        Ok(None)
    }

    /// Spends a proof of possession at once, on all nodes.
    pub(super) async fn spend_now(&self, unspent: Unspent, now: Timestamp) -> Result<(), OpError> {
        let mut commit = ChangeSet::new(now);
        commit.push(replay::claim(unspent.nonce, now.plus(self.limits.nonce_memory)));
        match self.store.commit(commit).await {
            Ok(()) => Ok(()),
            Err(CommitError::Claimed(_)) => Err(OpError::Authentication(AuthnFailure::Replayed)),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(other) => Err(OpError::internal(other)),
        }
    }

    /// In which account an official application asks.
    async fn account_of(&self, about: &About) -> Result<Option<AccountId>, OpError> {
        Ok(match about {
            About::Itself | About::Device(_) => None,
            About::Code(text) => code::find(&self.store, &hash_of(text.expose())).await?.map(|row| row.account_id),
            About::Token(text) => {
                if let Some(token) = RefreshToken::read(&self.keyring, text.expose()) {
                    return Ok(grant::find(&self.store, token.grant).await?.map(|row| row.account_id));
                }
                let ring = self.access_verifier().await?;
                let claims = ring.access().and_then(|keys| AccessClaims::verify(text.expose(), keys).ok());
                claims.and_then(|claims| Bound::of_text(&claims.marks)).and_then(|bound| bound.account())
            }
        })
    }

    async fn live_client(&self, app_id: &str, account: Option<AccountId>) -> Result<Arc<LiveClient>, OpError> {
        let key = (app_id.to_owned(), account.unwrap_or(SYSTEM));
        let live = match self.memory.clients.get(&key) {
            Some(known) if known.principal.stamps.current(&self.store) => known,
            _ => {
                let loaded = Arc::new(self.load_client(app_id, account).await?);
                self.memory.clients.insert(key, Arc::clone(&loaded));
                loaded
            }
        };
        if live.principal.is_active() { Ok(live) } else { Err(refused()) }
    }

    async fn load_client(&self, app_id: &str, account: Option<AccountId>) -> Result<LiveClient, OpError> {
        let store = &self.store;
        let mut stamps = Stamps::default();
        let (row, account_id) = if let (Some(row), Some(account_id)) = (official_by_app_id(app_id), account) {
            stamps.note(store, account_id);
            (row, account_id)
        } else {
            let first = client::find_by_app_id(store, app_id).await?.ok_or_else(refused)?;
            stamps.note(store, first.account_id);
            let row = client::find_by_app_id(store, app_id).await?.ok_or_else(refused)?;
            let account_id = account.unwrap_or(row.account_id);
            stamps.note(store, account_id);
            (row, account_id)
        };
        let owner = account::find(store, account_id).await?.ok_or_else(refused)?;
        let mut reads = vec![Read::Account(owner.id, owner.generation)];
        let mut secrets = Vec::new();
        if official_by_app_id(app_id).is_none() {
            if row.account_id != account_id {
                reads.push(let_in(self, &row, account_id).await?.ok_or(OpError::Grant(GrantFailure::Fallen(Fallen::Installation)))?);
            }
            reads.push(Read::Client(row.id, row.generation));
            secrets = client_secret::of_client(store, row.id).await?;
        }
        let principal = Principal {
            account: owner,
            who: Who::Client(Box::new(row)),
            policies: Vec::new(),
            tags: Vec::new(),
            sam: Rights::none(),
            self_service: SelfService::NONE,
            reads,
            stamps,
        };
        Ok(LiveClient { principal: Arc::new(principal), secrets })
    }

    /// The client again, read afresh if anything of its account has changed.
    pub(super) async fn client_again(&self, live: &Arc<LiveClient>) -> Result<Arc<LiveClient>, OpError> {
        if live.principal.stamps.current(&self.store) {
            return Ok(Arc::clone(live));
        }
        let row = live.row().ok_or_else(refused)?;
        let here = live.principal.account.id;
        let account = (official_by_app_id(&row.app_id).is_some() || here != row.account_id).then_some(here);
        let again = self.live_client(&row.app_id, account).await?;
        // A client made anew under an old public id would be another one.
        if again.row().is_some_and(|found| found.id == row.id && found.epoch == row.epoch) { Ok(again) } else { Err(refused()) }
    }

    /// What a proof of possession still has to spend: it counts once, on all nodes where the request has an effect.
    pub(super) fn unspent(&self, key: Option<&PresentedKey>, now: Timestamp) -> Result<Option<Unspent>, OpError> {
        let Some(key) = key else { return Ok(None) };
        let digest = digest(&SHA256, &[b"dpop", key.thumbprint.as_bytes(), &[0], key.jti.as_bytes()].concat());
        let nonce = digest.as_ref().first_chunk::<16>().copied().unwrap_or_default();
        if self.nonces.claim(nonce, now) { Ok(Some(Unspent { nonce })) } else { Err(OpError::Authentication(AuthnFailure::Replayed)) }
    }

    /// A nonce for proofs of possession (RFC 9449 §8). It is good for five minutes, and another five after the next is given out.
    pub fn proof_nonce(&self) -> Result<String, OpError> {
        self.proof_nonce_of(self.now().unix() / NONCE_SECONDS)
    }

    /// True if the nonce was given out by this server, and not long ago.
    pub fn proof_nonce_holds(&self, nonce: &str) -> bool {
        let slot = self.now().unix() / NONCE_SECONDS;
        [slot, slot - 1].into_iter().any(|slot| {
            let made = self.proof_nonce_of(slot).unwrap_or_default();
            !made.is_empty() && tegata_model::secret::constant_time_eq(made.as_bytes(), nonce.as_bytes())
        })
    }

    fn proof_nonce_of(&self, slot: i64) -> Result<String, OpError> {
        let code = self.keyring.mac(b"dpop-nonce", &slot.to_be_bytes()).map_err(OpError::internal)?;
        Ok(URL_SAFE_NO_PAD.encode(code.get(4..28).unwrap_or_default()))
    }

    /// What an access token says, if it is good: signature, time, everything that it stands on, and the key it is bound to.
    pub(super) async fn access(&self, presented: &PresentedToken, now: Timestamp) -> Result<Arc<LiveAccess>, OpError> {
        let live = self.live_access(presented.token.expose(), now).await?;
        match (&live.claims.cnf, &presented.key) {
            (None, _) => Ok(live),
            (Some(_), None) => Err(OpError::Grant(GrantFailure::KeyNeeded)),
            (Some(bound), Some(key)) if bound.jkt == key.thumbprint => Ok(live),
            (Some(_), Some(_)) => Err(OpError::Grant(GrantFailure::KeyOther)),
        }
    }

    /// A token that was verified once is remembered until it ends; what it stands on is asked each time.
    pub(crate) async fn live_access(&self, text: &str, now: Timestamp) -> Result<Arc<LiveAccess>, OpError> {
        let malformed = || OpError::Authentication(AuthnFailure::TokenMalformed);
        if text.len() > MAX_TOKEN {
            return Err(malformed());
        }
        let mark: [u8; 32] = digest(&SHA256, text.as_bytes()).as_ref().try_into().unwrap_or_default();
        // A signature is verified again once anything of the keys has changed: theirs may be gone.
        if let Some(known) = self.memory.tokens.get(&mark).filter(|known| known.keys.current(&self.store)) {
            let again = self.access_again(&known, now).await?;
            if !Arc::ptr_eq(&known, &again) {
                self.memory.tokens.insert(mark, Arc::clone(&again));
            }
            return Ok(again);
        }
        let ring = self.access_verifier().await?;
        let claims = ring.access().and_then(|keys| AccessClaims::verify(text, keys).ok()).ok_or_else(malformed)?;
        if claims.iss != self.keyring.issuer() {
            return Err(malformed());
        }
        let bound = Bound::of_text(&claims.marks).ok_or_else(malformed)?;
        let scope = Scope::parse(&claims.scope).map_err(|_| malformed())?;
        let session: SessionId = claims.jti.parse().map_err(|_| malformed())?;
        let live = Arc::new(self.load_access(Arc::new(claims), scope, session, Arc::new(bound), (ring.stamps().clone(), now)).await?);
        self.memory.tokens.insert(mark, Arc::clone(&live));
        Ok(live)
    }

    /// A token that was good is good still, unless its time is over or something that it stands on is gone.
    pub(crate) async fn access_again(&self, live: &Arc<LiveAccess>, now: Timestamp) -> Result<Arc<LiveAccess>, OpError> {
        if live.claims.expires_at() <= now {
            return Err(OpError::Authentication(AuthnFailure::TokenExpired));
        }
        if live.facts.stamps.current(&self.store) {
            return Ok(Arc::clone(live));
        }
        let read = (live.keys.clone(), now);
        let loaded = self.load_access(Arc::clone(&live.claims), live.scope.clone(), live.session, Arc::clone(&live.bound), read).await?;
        Ok(Arc::new(loaded))
    }

    async fn load_access(
        &self,
        claims: Arc<AccessClaims>,
        scope: Scope,
        session: SessionId,
        bound: Arc<Bound>,
        (keys, now): (Stamps, Timestamp),
    ) -> Result<LiveAccess, OpError> {
        if claims.expires_at() <= now {
            return Err(OpError::Authentication(AuthnFailure::TokenExpired));
        }
        let facts = standing(self, &bound).await?.spend();
        // A mark that is set while this reads is seen by whoever asks after it was set: setting it changes the account.
        match session::mark(&self.store, session).await? {
            None | Some(Epoch(0)) => {}
            Some(_) => return Err(OpError::Authentication(AuthnFailure::SessionEnded)),
        }
        let mut reads = facts.reads.clone();
        reads.push(Read::Session(session, Epoch(0)));
        let principal = match &facts.identity {
            Some(identity) => Arc::clone(identity),
            None => Arc::new(Principal {
                account: facts.account.clone(),
                who: Who::Client(Box::new(facts.client.clone())),
                policies: Vec::new(),
                tags: Vec::new(),
                sam: Rights::none(),
                self_service: SelfService::NONE,
                reads: facts.reads.clone(),
                stamps: facts.stamps.clone(),
            }),
        };
        Ok(LiveAccess { principal, claims, scope, session, bound, facts, reads, keys })
    }
}

impl LiveClient {
    /// The client's own row.
    pub(crate) fn row(&self) -> Option<&client::ClientRow> {
        match &self.principal.who {
            Who::Client(row) => Some(row),
            Who::User(_) | Who::Role { .. } | Who::Provider(_) => None,
        }
    }
}
