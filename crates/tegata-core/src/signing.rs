//! The keys that sign tokens: one per kind of token, sealed at rest, loaded once, replaced with an overlap.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tegata_model::{SecretKey, SigningKeyId, Timestamp};
use tegata_oauth::{Algorithm, JwkSet, Signer, signer};
use tegata_store::{
    ChangeSet, CommitError,
    signing_key::{self, SigningKeyRow},
};

use crate::{
    Core,
    clock::random,
    error::OpError,
    keyring::Place,
    principal::{SYSTEM, Stamps},
};

/// How long a new key is published before it signs, so that every node and every verifier that asks again knows it.
const AHEAD: Duration = Duration::from_mins(5);
/// How long a replaced key goes on being published: longer than anything that it signed lives.
const BEHIND: Duration = Duration::from_hours(24);

/// Which kind of token a key signs, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyUse {
    /// Access tokens.
    Access,
    /// ID tokens, as clients expect them by default.
    IdRsa,
    /// ID tokens, for clients that ask for the shorter signature.
    IdEc,
    /// Access tokens for organisations, as those who read them expect them.
    Organisation,
}

impl KeyUse {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Access, Self::IdRsa, Self::IdEc, Self::Organisation];
    /// Those that the authorization server publishes; organisations have their own place for theirs.
    const OF_CLIENTS: [Self; 3] = [Self::Access, Self::IdRsa, Self::IdEc];

    /// Its name, as commands and rows have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::IdRsa => "id-rs256",
            Self::IdEc => "id-es256",
            Self::Organisation => "csp",
        }
    }

    fn algorithm(self) -> Algorithm {
        match self {
            Self::Access | Self::IdEc => Algorithm::Es256,
            Self::IdRsa | Self::Organisation => Algorithm::Rs256,
        }
    }
}

/// The public keys for access tokens of organisations.
#[derive(Debug, Clone, PartialEq)]
pub struct OrganisationKeys {
    /// All that are published (RFC 7517 §4).
    pub keys: Vec<Value>,
    /// The one that signs now, as PEM.
    pub pem: String,
    /// Who signs.
    pub issuer: String,
}

/// The keys of one use, as they are now.
#[derive(Debug)]
struct Chain {
    key_use: KeyUse,
    /// Each with the moment from which it signs.
    keys: Vec<(Timestamp, Arc<Signer>)>,
    verifier: JwkSet,
    newest: (SigningKeyId, i64),
}

/// All keys that are published now.
#[derive(Debug)]
pub(crate) struct Ring {
    chains: Vec<Chain>,
    stamps: Stamps,
    /// When a key ceases to be published, or the end of time.
    until: Timestamp,
}

/// The keys as they were last read.
#[derive(Default)]
pub(crate) struct Signing(Mutex<Option<Arc<Ring>>>);

impl Ring {
    fn chain(&self, key_use: KeyUse) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.key_use == key_use)
    }

    fn signer(&self, key_use: KeyUse, now: Timestamp) -> Option<Arc<Signer>> {
        let keys = &self.chain(key_use)?.keys;
        keys.iter().rev().find(|(from, _)| *from <= now).map(|(_, signer)| Arc::clone(signer))
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> OpError {
    OpError::internal(error)
}

impl Core {
    /// The key that signs now; the first of its use is made when it is first needed.
    pub(crate) async fn signer(&self, key_use: KeyUse) -> Result<Arc<Signer>, OpError> {
        let ring = self.ring(&[key_use]).await?;
        ring.signer(key_use, self.now()).ok_or_else(|| OpError::internal("no key signs now"))
    }

    /// What verifies our own access tokens. Nothing else does, and it verifies nothing else.
    pub(crate) async fn access_verifier(&self) -> Result<Arc<Ring>, OpError> {
        self.ring(&[KeyUse::Access]).await
    }

    /// The public keys for access and ID tokens, as a set (RFC 7517 §5).
    pub async fn public_keys(&self) -> Result<Value, OpError> {
        let ring = self.ring(&KeyUse::OF_CLIENTS).await?;
        let keys: Vec<Value> = KeyUse::OF_CLIENTS
            .iter()
            .filter_map(|key_use| ring.chain(*key_use))
            .flat_map(|chain| chain.keys.iter().map(|(_, key)| key.jwk()))
            .collect();
        Ok(json!({ "keys": keys }))
    }

    /// The public keys for access tokens of organisations, and nothing else: as a set, and the one that signs now as PEM.
    pub async fn organisation_keys(&self) -> Result<OrganisationKeys, OpError> {
        let ring = self.ring(&[KeyUse::Organisation]).await?;
        let keys = ring.chain(KeyUse::Organisation).map(|chain| chain.keys.iter().map(|(_, key)| key.jwk()).collect()).unwrap_or_default();
        let signer = ring.signer(KeyUse::Organisation, self.now()).ok_or_else(|| OpError::internal("no key signs now"))?;
        Ok(OrganisationKeys { keys, pem: signer.pem().unwrap_or_default(), issuer: self.keyring.issuer().to_owned() })
    }

    /// What verifies our own access tokens for organisations. Nothing else does, and it verifies nothing else.
    pub(crate) async fn organisation_verifier(&self) -> Result<Arc<Ring>, OpError> {
        self.ring(&[KeyUse::Organisation]).await
    }

    /// Puts a new key beside the one that signs. It is published at once, signs after five minutes, and the old one is published for
    /// another day.
    pub async fn replace_signing_key(&self, key_use: KeyUse) -> Result<(), OpError> {
        let ring = self.ring(&[key_use]).await?;
        let (old, serial) = ring.chain(key_use).map(|chain| chain.newest).ok_or_else(|| OpError::internal("there is no key to replace"))?;
        let now = self.now();
        let mut changes = ChangeSet::new(now);
        changes.push(signing_key::retire(old, now.plus(AHEAD).plus(BEHIND)));
        changes.push(signing_key::insert(&self.new_signing_key(key_use, serial + 1, now.plus(AHEAD)).await?));
        changes.touch(SYSTEM);
        self.store.commit(changes).await.map_err(|error| match error {
            CommitError::Changed | CommitError::Exists(_) => OpError::Conflict,
            CommitError::Store(error) => error.into(),
            other @ CommitError::Claimed(_) => OpError::internal(other),
        })
    }

    /// Puts a new key in the place of all there are of its use, at once: what any of them signed counts no more, on every node as soon as
    /// it hears of the change. For keys that somebody else may have. Sign-ins go on, since refresh tokens are not signed by these.
    pub async fn drop_signing_keys(&self, key_use: KeyUse) -> Result<(), OpError> {
        let ring = self.ring(&[key_use]).await?;
        let (_, serial) = ring.chain(key_use).map(|chain| chain.newest).ok_or_else(|| OpError::internal("there is no key to drop"))?;
        let now = self.now();
        let mut changes = ChangeSet::new(now);
        changes.push(signing_key::drop_all(key_use.word(), now));
        changes.push(signing_key::insert(&self.new_signing_key(key_use, serial + 1, now).await?));
        changes.touch(SYSTEM);
        self.store.commit(changes).await.map_err(|error| match error {
            CommitError::Changed | CommitError::Exists(_) => OpError::Conflict,
            CommitError::Store(error) => error.into(),
            other @ CommitError::Claimed(_) => OpError::internal(other),
        })
    }

    async fn ring(&self, wanted: &[KeyUse]) -> Result<Arc<Ring>, OpError> {
        let known = self.signing.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = self.now();
        if let Some(ring) = known
            && ring.stamps.current(&self.store)
            && now < ring.until
            && wanted.iter().all(|key_use| ring.chain(*key_use).is_some())
        {
            return Ok(ring);
        }
        let mut ring = self.load_ring(now).await?;
        let missing: Vec<KeyUse> = wanted.iter().copied().filter(|key_use| ring.chain(*key_use).is_none()).collect();
        if !missing.is_empty() {
            for key_use in missing {
                let mut changes = ChangeSet::new(now);
                changes.push(signing_key::insert(&self.new_signing_key(key_use, 1, now).await?));
                changes.touch(SYSTEM);
                match self.store.commit(changes).await {
                    // Another process was first: its key is ours.
                    Ok(()) | Err(CommitError::Exists(_)) => {}
                    Err(CommitError::Store(error)) => return Err(error.into()),
                    Err(other) => return Err(OpError::internal(other)),
                }
            }
            ring = self.load_ring(now).await?;
        }
        let ring = Arc::new(ring);
        *self.signing.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&ring));
        Ok(ring)
    }

    async fn new_signing_key(&self, key_use: KeyUse, serial: i64, active_at: Timestamp) -> Result<SigningKeyRow, OpError> {
        let algorithm = key_use.algorithm();
        let pkcs8 = tokio::task::spawn_blocking(move || signer::generate(algorithm)).await.map_err(failed)?.map_err(failed)?;
        let id = SigningKeyId::from_bytes(random(self.entropy.as_ref())?);
        let place = Place { table: "signing_keys", row: id.as_bytes(), account: &SYSTEM };
        let sealed = self.keyring.seal_row(self.entropy.as_ref(), &place, &SecretKey::new(STANDARD.encode(pkcs8))).map_err(failed)?;
        let purpose = key_use.word().to_owned();
        Ok(SigningKeyRow { id, purpose, serial, sealed, created_at: self.now(), active_at, expires_at: None })
    }

    async fn load_ring(&self, now: Timestamp) -> Result<Ring, OpError> {
        let mut stamps = Stamps::default();
        stamps.note(&self.store, SYSTEM);
        let rows = signing_key::all(&self.store).await?;
        let mut until = Timestamp::from_unix(i64::MAX);
        let mut chains = Vec::new();
        for key_use in KeyUse::ALL {
            let mut keys = Vec::new();
            let mut newest = None;
            for row in rows.iter().filter(|row| row.purpose == key_use.word()) {
                if let Some(expires) = row.expires_at {
                    if expires <= now {
                        continue;
                    }
                    until = until.min(expires);
                }
                if newest.is_none_or(|(_, serial)| serial < row.serial) {
                    newest = Some((row.id, row.serial));
                }
                keys.push((row.active_at, Arc::new(self.open_signing_key(key_use, row)?)));
            }
            let Some(newest) = newest else { continue };
            let public: Vec<Value> = keys.iter().map(|(_, key)| key.jwk()).collect();
            let verifier = JwkSet::parse(json!({ "keys": public }).to_string().as_bytes()).map_err(failed)?;
            chains.push(Chain { key_use, keys, verifier, newest });
        }
        Ok(Ring { chains, stamps, until })
    }

    fn open_signing_key(&self, key_use: KeyUse, row: &SigningKeyRow) -> Result<Signer, OpError> {
        let place = Place { table: "signing_keys", row: row.id.as_bytes(), account: &SYSTEM };
        let text = self.keyring.open_row(&place, &row.sealed).map_err(failed)?;
        let pkcs8 = zeroize::Zeroizing::new(STANDARD.decode(text.expose()).map_err(failed)?);
        Signer::load(&URL_SAFE_NO_PAD.encode(row.id.as_bytes()), key_use.algorithm(), &pkcs8).map_err(failed)
    }
}

impl Ring {
    /// What it was read from.
    pub(crate) fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    /// The set that verifies access tokens.
    pub(crate) fn access(&self) -> Option<&JwkSet> {
        self.chain(KeyUse::Access).map(|chain| &chain.verifier)
    }

    /// The set that verifies access tokens of organisations.
    pub(crate) fn organisation(&self) -> Option<&JwkSet> {
        self.chain(KeyUse::Organisation).map(|chain| &chain.verifier)
    }
}
