//! From a proof to a caller. The order of the checks is the order in which they are written here.

mod client;
mod organisation;
mod token_of_provider;

use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicI64},
};

use aws_lc_rs::digest::{SHA256, digest};
pub use client::{About, PresentedClient, PresentedKey, PresentedToken};
pub(crate) use organisation::API_TOKEN_CHARS;
use tegata_model::{AccessKeyId, ClientId, Epoch, SecretKey, Timestamp};
use tegata_policy::{DocumentKind, Policy, ram};
use tegata_sign::Presented;
use tegata_store::{
    access_key, account, api_token, auth_key, client as client_rows, consent, grant, installation, login_profile, oidc_provider, role,
    session, user,
};
pub use token_of_provider::Federated;

use crate::{
    Core,
    caller::{Caller, Evidence, RequestMeta, Unspent},
    directory::{KeyPolicy, key_policy},
    error::{AuthnFailure, OpError},
    grant::{Acting, standing::may_sign_in},
    keyring::Place,
    org::load_app,
    principal::{LiveKey, LiveSession, Principal, Stamps, Who},
    sam::{PresentedPair, open_snapshot},
    token::{self, Ancestor, Claims, PolicyClaim, TokenError},
    view::Read,
};

/// What a request presented, not yet judged.
#[derive(Debug)]
pub enum Proof {
    /// A signature by an access key, long-term or temporary.
    Signed(Presented),
    /// A token of an identity provider.
    Federated(Federated),
    /// An OAuth client, by its public id and perhaps a secret.
    Client(PresentedClient),
    /// An access token of our own.
    Access(PresentedToken),
    /// An access token for an organisation.
    Organisation(SecretKey),
    /// An API token of a user, to get an access token for an organisation with.
    ApiToken(SecretKey),
    /// An API key and its token.
    Sam(PresentedPair),
}

impl Core {
    /// Judges a proof. A refusal here is counted by address and reason, never recorded row by row.
    pub async fn authenticate(&self, proof: Proof, meta: RequestMeta) -> Result<Caller, OpError> {
        let source = meta.source;
        let sample = match &proof {
            Proof::Signed(presented) => presented.access_key_id().to_string(),
            Proof::Federated(federated) => federated.sample(),
            Proof::Client(client) => client.app_id.clone(),
            // Nothing of a token goes into a count: whoever reads it could use it.
            Proof::Access(_) | Proof::Organisation(_) | Proof::ApiToken(_) | Proof::Sam(_) => String::new(),
        };
        let result = self.judge(proof, meta).await;
        if let Err(OpError::Authentication(failure)) = &result {
            self.count_refusal(source, failure, &sample);
        }
        result
    }

    /// Counts a request that carried no proof where one is needed.
    pub fn refuse_anonymous(&self, source: Option<IpAddr>) -> OpError {
        let failure = AuthnFailure::Anonymous;
        self.count_refusal(source, &failure, "");
        OpError::Authentication(failure)
    }

    /// Counts a request whose proof could not even be read.
    pub fn refuse_malformed(&self, source: Option<IpAddr>) {
        self.recorder.count(self.now(), source, "malformed", "");
    }

    fn count_refusal(&self, source: Option<IpAddr>, failure: &AuthnFailure, sample: &str) {
        self.recorder.count(self.now(), source, failure.reason(), sample);
    }

    async fn judge(&self, proof: Proof, meta: RequestMeta) -> Result<Caller, OpError> {
        let now = self.now();
        let presented = match proof {
            Proof::Signed(presented) => presented,
            Proof::Federated(federated) => {
                let token = self.token_of_provider(&federated, now).await?;
                return Ok(Caller { evidence: Evidence::Token(Arc::new(token)), meta, verified: None, unspent: None });
            }
            Proof::Client(presented) => {
                let (client, shown) = self.client(&presented, meta.source, now).await?;
                // Only whoever has proven to be the client may use up a proof of its.
                let unspent = self.unspent(presented.key.as_ref(), now)?;
                return Ok(Caller { evidence: Evidence::Client { client, shown }, meta, verified: None, unspent });
            }
            Proof::Organisation(token) => {
                let org = self.live_org(token.expose(), now).await?;
                return Ok(Caller { evidence: Evidence::Org(org), meta, verified: None, unspent: None });
            }
            Proof::ApiToken(token) => {
                let org = self.api_token(token.expose(), now).await?;
                return Ok(Caller { evidence: Evidence::Org(Arc::new(org)), meta, verified: None, unspent: None });
            }
            Proof::Sam(presented) => {
                let sam = self.live_sam(&presented, now).await?;
                return Ok(Caller { evidence: Evidence::Sam(sam), meta, verified: None, unspent: None });
            }
            Proof::Access(presented) => {
                let access = self.access(&presented, now).await?;
                // Most of what a token is used for leaves no row to spend the proof with, so it is spent here.
                if let Some(unspent) = self.unspent(presented.key.as_ref(), now)? {
                    self.spend_now(unspent, now).await?;
                }
                return Ok(Caller { evidence: Evidence::Access(access), meta, verified: None, unspent: None });
            }
        };
        presented.check_time(now, self.limits.clock_skew).map_err(|problem| OpError::Authentication(AuthnFailure::Time(problem)))?;
        // A client's clock may be ahead of ours by the skew, and its URL with it.
        let furthest = self.limits.presigned_url.saturating_add(self.limits.clock_skew);
        presented.check_lifetime(now, furthest).map_err(|problem| OpError::Authentication(AuthnFailure::Time(problem)))?;
        let evidence = self.evidence(&presented, now).await?;
        let secret = match &evidence {
            Evidence::Key(key) => &key.secret,
            Evidence::Session(session) => &*session.secret,
            Evidence::Token(_)
            | Evidence::Client { .. }
            | Evidence::Access(_)
            | Evidence::Browser(_)
            | Evidence::Org(_)
            | Evidence::Sam(_) => {
                return Err(OpError::internal("a token signs no request"));
            }
        };
        let verified =
            presented.verify(secret).map_err(|mismatch| AuthnFailure::Signature(Box::new(mismatch))).map_err(OpError::Authentication)?;
        // What the account demands is told to nobody who has not proved to hold the key.
        lawful(&evidence, meta.source, now)?;
        if let Evidence::Key(key) = &evidence {
            self.uses.note(key, now, None);
        }
        // Only a good signature may burn a nonce, or strangers could burn other people's.
        let unspent = presented.nonce().map(|nonce| Unspent { nonce: nonce_mark(presented.access_key_id(), nonce) });
        if unspent.is_some_and(|unspent| !self.nonces.claim(unspent.nonce, now)) {
            return Err(OpError::Authentication(AuthnFailure::Replayed));
        }
        Ok(Caller { evidence, meta, verified: Some(verified), unspent })
    }

    async fn evidence(&self, presented: &Presented, now: Timestamp) -> Result<Evidence, OpError> {
        let key_id = presented.access_key_id();
        match (key_id.is_temporary(), presented.security_token()) {
            (true, None) if token::session_of(key_id).is_some() => Err(OpError::Authentication(AuthnFailure::TokenMissing)),
            (true, None) => Err(OpError::Authentication(AuthnFailure::UnknownKey)),
            (true, Some(text)) => self.live_session(key_id, text, now).await.map(Evidence::Session),
            (false, token) => {
                let key = self.live_key(key_id).await?;
                if token.is_some() {
                    return Err(OpError::Authentication(AuthnFailure::TokenMismatch));
                }
                Ok(Evidence::Key(key))
            }
        }
    }

    /// The evidence again, read afresh if anything of its accounts has changed.
    pub(crate) async fn still_alive(&self, evidence: &Evidence, now: Timestamp) -> Result<Evidence, OpError> {
        match evidence {
            Evidence::Key(key) if key.stamps.current(&self.store) => Ok(Evidence::Key(Arc::clone(key))),
            Evidence::Key(key) => self.live_key(&key.key_id).await.map(Evidence::Key),
            Evidence::Session(session) => self.revive(session, now).await.map(Evidence::Session),
            Evidence::Token(token) => self.token_again(token, now).await.map(Evidence::Token),
            Evidence::Client { client, shown } => {
                let client = self.client_again(client).await?;
                Ok(Evidence::Client { client, shown: *shown })
            }
            Evidence::Access(access) => self.access_again(access, now).await.map(Evidence::Access),
            Evidence::Browser(browser) => self.browser_again(browser).await.map(Evidence::Browser),
            Evidence::Org(org) => self.org_again(org, now).await.map(Evidence::Org),
            Evidence::Sam(sam) => self.sam_again(sam, now).await.map(Evidence::Sam),
        }
    }

    async fn live_key(&self, key_id: &AccessKeyId) -> Result<Arc<LiveKey>, OpError> {
        let key = match self.memory.keys.get(key_id) {
            Some(known) if known.stamps.current(&self.store) => known,
            _ => {
                let loaded = Arc::new(self.load_key(key_id).await?);
                self.memory.keys.insert(key_id.clone(), Arc::clone(&loaded));
                loaded
            }
        };
        if !key.status.is_active() {
            return Err(OpError::Authentication(AuthnFailure::KeyInactive));
        }
        if !key.owner.is_active() {
            return Err(OpError::Authentication(AuthnFailure::OwnerInactive));
        }
        Ok(key)
    }

    async fn load_key(&self, key_id: &AccessKeyId) -> Result<LiveKey, OpError> {
        let unknown = || OpError::Authentication(AuthnFailure::UnknownKey);
        let first = access_key::find(&self.store, key_id.as_str()).await?.ok_or_else(unknown)?;
        let mut stamps = Stamps::default();
        stamps.note(&self.store, first.account_id);
        let row = access_key::find(&self.store, key_id.as_str()).await?.ok_or_else(unknown)?;
        let owner = self.memory.user(&self.store, row.user_id).await?.ok_or_else(unknown)?;
        let demands = KeyPolicy::of(&self.store, row.account_id).await?;
        let person = match &owner.who {
            Who::User(user) => key_policy::is_person(&self.store, user).await?,
            Who::Role { .. } | Who::Provider(_) | Who::Client(_) => false,
        };
        stamps.merge(&owner.stamps);
        let place = Place { table: "access_keys", row: row.id.as_bytes(), account: &row.account_id };
        let secret = self.keyring.open_row(&place, &row.sealed_secret).map_err(OpError::internal)?;
        let mut reads = owner.reads.clone();
        reads.push(Read::Key(row.id, row.generation));
        Ok(LiveKey {
            id: row.id,
            key_id: row.key_id,
            secret,
            status: row.status,
            epoch: row.epoch,
            created_at: row.created_at,
            demands,
            person,
            noted: AtomicI64::new(i64::MIN),
            owner,
            reads,
            stamps,
        })
    }

    async fn live_session(&self, key_id: &AccessKeyId, text: &str, now: Timestamp) -> Result<Arc<LiveSession>, OpError> {
        let mark: [u8; 32] = digest(&SHA256, text.as_bytes()).as_ref().try_into().unwrap_or_default();
        if let Some(known) = self.memory.sessions.get(&mark)
            && known.key_id == *key_id
        {
            let revived = self.revive(&known, now).await?;
            if !Arc::ptr_eq(&known, &revived) {
                self.memory.sessions.insert(mark, Arc::clone(&revived));
            }
            return Ok(revived);
        }
        let (claims, secret) = token::open(&self.keyring, key_id, text).map_err(|error| {
            OpError::Authentication(match error {
                TokenError::Malformed => AuthnFailure::TokenMalformed,
                TokenError::Mismatch => AuthnFailure::TokenMismatch,
            })
        })?;
        let session = Arc::new(self.load_session(key_id.clone(), Arc::new(claims), Arc::new(secret), now).await?);
        self.memory.sessions.insert(mark, Arc::clone(&session));
        Ok(session)
    }

    /// A session that was alive is alive still, unless its time is over or something of its accounts has changed and ended it.
    async fn revive(&self, session: &Arc<LiveSession>, now: Timestamp) -> Result<Arc<LiveSession>, OpError> {
        if session.claims.expires_at <= now {
            return Err(OpError::Authentication(AuthnFailure::TokenExpired));
        }
        if session.stamps.current(&self.store) {
            return Ok(Arc::clone(session));
        }
        let loaded = self.load_session(session.key_id.clone(), Arc::clone(&session.claims), Arc::clone(&session.secret), now).await?;
        Ok(Arc::new(loaded))
    }

    async fn load_session(
        &self,
        key_id: AccessKeyId,
        claims: Arc<Claims>,
        secret: Arc<tegata_model::SecretKey>,
        now: Timestamp,
    ) -> Result<LiveSession, OpError> {
        let ended = || OpError::Authentication(AuthnFailure::SessionEnded);
        if claims.expires_at <= now {
            return Err(OpError::Authentication(AuthnFailure::TokenExpired));
        }
        let mut stamps = Stamps::default();
        stamps.note(&self.store, claims.account.0);
        let (role, epoch) = match claims.acting {
            Ancestor::Role(id, epoch) => (self.memory.role(&self.store, id).await?, epoch),
            Ancestor::User(id, epoch) => (self.memory.user(&self.store, id).await?, epoch),
            Ancestor::Client(id, epoch) => (self.app_of_session(id, &claims).await?, epoch),
            _ => return Err(OpError::Authentication(AuthnFailure::TokenMalformed)),
        };
        let role = role.ok_or_else(ended)?;
        stamps.merge(&role.stamps);
        if !role.is_active() {
            return Err(OpError::Authentication(AuthnFailure::OwnerInactive));
        }
        if role.epoch() != epoch || role.account.epoch != claims.account.1 {
            return Err(ended());
        }
        let mut reads = role.reads.clone();
        for ancestor in &claims.ancestors {
            reads.push(self.ancestor(ancestor, &mut stamps).await?.ok_or_else(ended)?);
        }
        // A session that was born of a sign-in ends when its person may not sign in any more.
        if claims.ancestors.iter().any(|ancestor| matches!(ancestor, Ancestor::Grant(..))) {
            for ancestor in &claims.ancestors {
                if let Ancestor::User(user, _) = ancestor
                    && !may_sign_in(self, *user).await?
                {
                    return Err(OpError::Authentication(AuthnFailure::OwnerInactive));
                }
            }
        }
        // And when the role that it was born in does not trust its person any more.
        if let Some(acting) =
            Acting::find(self, &claims.ancestors).await.map_err(|error| if let OpError::Grant(_) = error { ended() } else { error })?
        {
            acting.noted_in(&mut stamps);
        }
        match session::mark(&self.store, claims.session).await? {
            None | Some(Epoch(0)) => reads.push(Read::Session(claims.session, Epoch(0))),
            Some(_) => return Err(ended()),
        }
        let label = "session policy";
        let text = self.policy_text(&claims).await?;
        // A session policy that is gone or unreadable denies everything; it never silently falls away.
        let session_policy = text.map(|text| match text.and_then(|text| ram::parse(&text, DocumentKind::Identity).ok()) {
            Some(policy) => policy.labelled(label),
            None => Policy::unreadable(label),
        });
        let permissions = match &claims.sam {
            Some(limits) => Some(open_snapshot(&self.store, limits.snapshot.as_deref()).await?),
            None => None,
        };
        Ok(LiveSession { key_id, secret, claims, role, session_policy, permissions, reads, stamps })
    }

    /// The app that a session acts as, with the policies of what it still has of the roles that its token had.
    async fn app_of_session(&self, client: ClientId, claims: &Claims) -> Result<Option<Arc<Principal>>, OpError> {
        let installation = claims.ancestors.iter().find_map(|ancestor| match ancestor {
            Ancestor::Installation(id, _) => Some(*id),
            _ => None,
        });
        let (Some(installation), Some(granted)) = (installation, &claims.granted) else { return Ok(None) };
        Ok(load_app(self, client, installation, &granted.scope).await?.map(Arc::new))
    }

    /// The session policy as it was written: nothing where there is none, and nothing within where it is gone.
    pub(crate) async fn policy_text(&self, claims: &Claims) -> Result<Option<Option<String>>, OpError> {
        Ok(match &claims.policy {
            PolicyClaim::None => None,
            PolicyClaim::Text(text) => Some(Some(text.clone())),
            PolicyClaim::Deflated(bytes) => Some(token::inflate(bytes)),
            PolicyClaim::Row => Some(session::policy(&self.store, *claims.session.as_bytes()).await?),
        })
    }

    /// What was read of an ancestor, if it is active and has the epoch it had.
    pub(crate) async fn ancestor(&self, ancestor: &Ancestor, stamps: &mut Stamps) -> Result<Option<Read>, OpError> {
        let store = &self.store;
        Ok(match *ancestor {
            Ancestor::Account(id, epoch) => {
                stamps.note(store, id);
                account::find(store, id)
                    .await?
                    .filter(|row| row.epoch == epoch && row.status.is_active())
                    .map(|row| Read::Account(id, row.generation))
            }
            Ancestor::User(id, epoch) => user::find(store, id)
                .await?
                .filter(|row| row.epoch == epoch && row.status.is_active())
                .map(|row| Read::User(id, row.generation)),
            Ancestor::Key(id, epoch) => access_key::find_by_id(store, id)
                .await?
                .filter(|row| row.epoch == epoch && row.status.is_active())
                .map(|row| Read::Key(id, row.generation)),
            Ancestor::Role(id, epoch) => role::find(store, id)
                .await?
                .filter(|row| row.epoch == epoch && row.status.is_active())
                .map(|row| Read::Role(id, row.generation)),
            Ancestor::OidcProvider(id, epoch) => oidc_provider::find(store, id)
                .await?
                .filter(|row| row.epoch == epoch && row.status.is_active())
                .map(|row| Read::OidcProvider(id, row.generation)),
            Ancestor::Client(id, epoch) => client_rows::find(store, id)
                .await?
                .filter(|row| row.epoch == epoch && row.status.is_active())
                .map(|row| Read::Client(id, row.generation)),
            Ancestor::Installation(id, epoch) => {
                installation::find(store, id).await?.filter(|row| row.epoch == epoch).map(|row| Read::Installation(id, row.generation))
            }
            Ancestor::Grant(id, epoch) => {
                grant::find(store, id).await?.filter(|row| row.epoch == epoch && row.ended_at.is_none()).map(|_| Read::Grant(id, epoch))
            }
            Ancestor::Login(user, profile, epoch) => {
                let found = login_profile::find(store, user).await?;
                let same = found.is_some_and(|row| row.id == profile && row.epoch == epoch && row.status.is_active());
                // Whatever changes it changes its user too.
                match user::find(store, user).await? {
                    Some(row) if same => Some(Read::User(row.id, row.generation)),
                    _ => None,
                }
            }
            Ancestor::AuthKey(id) => auth_key::find_by_id(store, id).await?.map(|_| Read::AuthKey(id)),
            Ancestor::Consent(id) => consent::find(store, id).await?.map(|_| Read::Consent(id)),
            Ancestor::ApiToken(id) => {
                api_token::find(store, id).await?.filter(|row| row.deactivated_at.is_none()).map(|_| Read::ApiToken(id))
            }
            Ancestor::Session(id, epoch) => {
                (session::mark(store, id).await?.unwrap_or(Epoch(0)) == epoch).then_some(Read::Session(id, epoch))
            }
        })
    }
}

/// What an account demands of long-term keys; sessions are bound by what began them.
pub(crate) fn lawful(evidence: &Evidence, source: Option<IpAddr>, now: Timestamp) -> Result<(), OpError> {
    match evidence {
        Evidence::Key(key) => key.demands.judge(key, source, now).map_err(OpError::Authentication),
        Evidence::Session(_)
        | Evidence::Token(_)
        | Evidence::Client { .. }
        | Evidence::Access(_)
        | Evidence::Browser(_)
        | Evidence::Org(_)
        | Evidence::Sam(_) => Ok(()),
    }
}

/// The mark under which a nonce is claimed: nonces of different keys never meet.
fn nonce_mark(key_id: &AccessKeyId, nonce: &str) -> [u8; 16] {
    let digest = digest(&SHA256, &[key_id.as_str().as_bytes(), &[0], nonce.as_bytes()].concat());
    digest.as_ref().get(..16).and_then(|half| half.try_into().ok()).unwrap_or_default()
}
