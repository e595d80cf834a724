//! Sealing keys: a master key that never rests in the store, and under it keys with ids, which rest sealed.

use std::{collections::BTreeMap, fmt};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tegata_model::{AccountId, SecretKey, Timestamp};
use tegata_store::{
    ChangeSet, CommitError, Store, StoreError,
    keyring::{self as rows, KeyringRow},
};
use zeroize::Zeroizing;

use crate::clock::{Entropy, NoEntropy, random};

const TOKEN: &str = "token";
const ROW: &str = "row";

/// The key above all others: 32 bytes from a file or the environment.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// The key itself.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A fresh one.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        random(entropy).map(Self::new)
    }

    /// From its text form, 43 characters of base64url; `None` if it is not one.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim()).ok()?);
        Some(Self::new(bytes.as_slice().try_into().ok()?))
    }

    /// The text form, for the file of the master key only.
    pub fn expose_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(redacted)")
    }
}

/// The keyring could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The rows of this store were sealed under another master key.
    #[error("the master key does not open this store's keys (key {0}): give the master key this store was made with")]
    WrongMasterKey(u32),
    /// Something could not be sealed.
    #[error("a value could not be sealed")]
    Sealing,
    /// Something could not be opened: it was altered, moved, or its key is gone.
    #[error("a sealed value could not be opened")]
    Opening,
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The first keys could not be written.
    #[error("the first keys could not be written: {0}")]
    Commit(String),
}

struct RingKey {
    purpose: &'static str,
    bytes: Zeroizing<[u8; 32]>,
    /// For rows: ready to use.
    aead: LessSafeKey,
}

/// The keys of this server, opened.
pub struct Keyring {
    keys: BTreeMap<u32, RingKey>,
    issuer: String,
    token_kid: u32,
    row_kid: u32,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("kids", &self.keys.keys()).finish_non_exhaustive()
    }
}

/// Where a sealed value belongs, so that swapped rows do not open.
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) row: &'a [u8; 16],
    pub(crate) account: &'a AccountId,
}

impl Place<'_> {
    fn associated_data(&self, kid: u32) -> Vec<u8> {
        [b"tegata/row/", self.table.as_bytes(), b"/", self.row, self.account.as_bytes(), &kid.to_be_bytes()].concat()
    }
}

impl Keyring {
    /// True when the store holds keys already, so that a missing master key must not be replaced by a new one.
    pub async fn exists(store: &Store) -> Result<bool, StoreError> {
        Ok(!rows::all(store).await?.is_empty())
    }

    /// The URL that names us in tokens.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Opens the store's keys with the master key; makes the first ones in an empty store.
    pub async fn open(
        store: &Store,
        master: &MasterKey,
        issuer: &str,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Self, KeyringError> {
        let mut found = rows::all(store).await?;
        if found.is_empty() {
            let mut changes = ChangeSet::new(now);
            for (kid, purpose) in [(1, TOKEN), (2, ROW)] {
                let bytes: [u8; 32] = random(entropy)?;
                let sealed = seal_with(&aead(&master.0)?, entropy, &master_aad(kid, purpose), &bytes)?;
                changes.push(rows::insert(&KeyringRow { kid, purpose: purpose.to_owned(), sealed, created_at: now, retired_at: None }));
            }
            match store.commit(changes).await {
                // Another node was first: its keys are ours.
                Ok(()) | Err(CommitError::Exists(_)) => {}
                Err(other) => return Err(KeyringError::Commit(other.to_string())),
            }
            found = rows::all(store).await?;
        }
        let master = aead(&master.0)?;
        let mut keys = BTreeMap::new();
        for row in found {
            let purpose = if row.purpose == TOKEN { TOKEN } else { ROW };
            let bytes =
                open_with(&master, &master_aad(row.kid, &row.purpose), &row.sealed).map_err(|_| KeyringError::WrongMasterKey(row.kid))?;
            let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| KeyringError::WrongMasterKey(row.kid))?;
            keys.insert(row.kid, RingKey { purpose, bytes: Zeroizing::new(bytes), aead: aead(&bytes)? });
        }
        let newest =
            |purpose: &str| keys.iter().rev().find(|(_, key)| key.purpose == purpose).map(|(kid, _)| *kid).ok_or(KeyringError::Opening);
        let (token_kid, row_kid) = (newest(TOKEN)?, newest(ROW)?);
        Ok(Self { keys, issuer: issuer.to_owned(), token_kid, row_kid })
    }

    pub(crate) fn current_token_kid(&self) -> u32 {
        self.token_kid
    }

    fn key(&self, kid: u32, purpose: &str) -> Result<&RingKey, KeyringError> {
        self.keys.get(&kid).filter(|key| key.purpose == purpose).ok_or(KeyringError::Opening)
    }

    /// The 32 bytes for one use of one session.
    fn derive(&self, kid: u32, session: &[u8; 16], purpose: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
        let key = self.key(kid, TOKEN)?;
        let mut out = Zeroizing::new([0; 32]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, session)
            .extract(key.bytes.as_slice())
            .expand(&[b"tegata/", purpose, b"/", self.issuer.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(out.as_mut_slice()))
            .map_err(|_| KeyringError::Opening)?;
        Ok(out)
    }

    fn token_aad(&self, kid: u32, session: &[u8; 16]) -> Vec<u8> {
        [b"tegata/token/", self.issuer.as_bytes(), &kid.to_be_bytes(), session].concat()
    }

    /// Seals in place; the key is used for this one session only, so the nonce is constant.
    pub(crate) fn seal_token(&self, kid: u32, session: &[u8; 16], plain: &mut Vec<u8>) -> Result<(), KeyringError> {
        let key = aead(&*self.derive(kid, session, b"token")?)?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key([0; NONCE_LEN]), Aad::from(self.token_aad(kid, session)), plain)
            .map_err(|_| KeyringError::Sealing)
    }

    /// Opens in place.
    pub(crate) fn open_token(&self, kid: u32, session: &[u8; 16], sealed: &mut Vec<u8>) -> Result<(), KeyringError> {
        let key = aead(&*self.derive(kid, session, b"token")?)?;
        let plain = key
            .open_in_place(Nonce::assume_unique_for_key([0; NONCE_LEN]), Aad::from(self.token_aad(kid, session)), sealed)
            .map_err(|_| KeyringError::Opening)?
            .len();
        sealed.truncate(plain);
        Ok(())
    }

    fn message_aad(&self, kid: u32, salt: &[u8; 16]) -> Vec<u8> {
        [b"tegata/diagnostic/", self.issuer.as_bytes(), &kid.to_be_bytes(), salt].concat()
    }

    /// Seals a message that somebody carries away and brings back, under a key of its own: `kid | salt | sealed`.
    pub(crate) fn seal_message(&self, entropy: &dyn Entropy, plain: &[u8]) -> Result<Vec<u8>, KeyringError> {
        let (kid, salt) = (self.token_kid, random::<16>(entropy)?);
        let key = aead(&*self.derive(kid, &salt, b"diagnostic")?)?;
        let mut sealed = plain.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key([0; NONCE_LEN]), Aad::from(self.message_aad(kid, &salt)), &mut sealed)
            .map_err(|_| KeyringError::Sealing)?;
        Ok([&kid.to_be_bytes()[..], &salt, &sealed].concat())
    }

    /// Opens what [`Self::seal_message`] sealed.
    pub(crate) fn open_message(&self, message: &[u8]) -> Result<Vec<u8>, KeyringError> {
        let (kid, rest) = message.split_first_chunk::<4>().ok_or(KeyringError::Opening)?;
        let (salt, sealed) = rest.split_first_chunk::<16>().ok_or(KeyringError::Opening)?;
        let kid = u32::from_be_bytes(*kid);
        let key = aead(&*self.derive(kid, salt, b"diagnostic")?)?;
        let mut plain = sealed.to_vec();
        let len = key
            .open_in_place(Nonce::assume_unique_for_key([0; NONCE_LEN]), Aad::from(self.message_aad(kid, salt)), &mut plain)
            .map_err(|_| KeyringError::Opening)?
            .len();
        plain.truncate(len);
        Ok(plain)
    }

    /// The secret of a session's temporary key: 43 characters.
    pub(crate) fn token_secret(&self, kid: u32, session: &[u8; 16]) -> Result<SecretKey, KeyringError> {
        Ok(SecretKey::new(URL_SAFE_NO_PAD.encode(self.derive(kid, session, b"secret")?.as_slice())))
    }

    /// A code of a text that only this server can make: `kid (4) | HMAC-SHA-256 (32)`.
    pub(crate) fn mac(&self, purpose: &[u8], text: &[u8]) -> Result<Vec<u8>, KeyringError> {
        self.mac_under(self.token_kid, purpose, text)
    }

    /// The same under one of the keys that there still are.
    pub(crate) fn mac_under(&self, kid: u32, purpose: &[u8], text: &[u8]) -> Result<Vec<u8>, KeyringError> {
        // The purpose takes the place of a session's id, so that codes for one use are worth nothing for another.
        let mut salt = [0; 16];
        for (slot, byte) in salt.iter_mut().zip(purpose) {
            *slot = *byte;
        }
        let key = self.derive(kid, &salt, b"mac")?;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()), text);
        Ok([&kid.to_be_bytes()[..], tag.as_ref()].concat())
    }

    /// True if [`Self::mac`] made this code of this text, under any key that there still is.
    pub(crate) fn mac_holds(&self, purpose: &[u8], text: &[u8], code: &[u8]) -> bool {
        let Some(kid) = code.first_chunk::<4>() else { return false };
        let made = self.mac_under(u32::from_be_bytes(*kid), purpose, text);
        made.is_ok_and(|made| tegata_model::secret::constant_time_eq(&made, code))
    }

    /// Seals a secret that must be read again, bound to its row.
    pub(crate) fn seal_row(&self, entropy: &dyn Entropy, place: &Place<'_>, secret: &SecretKey) -> Result<Vec<u8>, KeyringError> {
        let key = self.key(self.row_kid, ROW)?;
        let mut out = self.row_kid.to_be_bytes().to_vec();
        out.extend(seal_with(&key.aead, entropy, &place.associated_data(self.row_kid), secret.expose().as_bytes())?);
        Ok(out)
    }

    /// Opens what [`Self::seal_row`] sealed, in the same place.
    pub(crate) fn open_row(&self, place: &Place<'_>, sealed: &[u8]) -> Result<SecretKey, KeyringError> {
        let (kid, sealed) = sealed.split_at_checked(4).ok_or(KeyringError::Opening)?;
        let kid = u32::from_be_bytes(kid.try_into().map_err(|_| KeyringError::Opening)?);
        let plain = open_with(&self.key(kid, ROW)?.aead, &place.associated_data(kid), sealed)?;
        std::str::from_utf8(&plain).map(|text| SecretKey::new(text.to_owned())).map_err(|_| KeyringError::Opening)
    }
}

fn aead(bytes: &[u8; 32]) -> Result<LessSafeKey, KeyringError> {
    UnboundKey::new(&AES_256_GCM, bytes).map(LessSafeKey::new).map_err(|_| KeyringError::Sealing)
}

fn master_aad(kid: u32, purpose: &str) -> Vec<u8> {
    [b"tegata/keyring/", purpose.as_bytes(), b"/", &kid.to_be_bytes()[..]].concat()
}

/// nonce | ciphertext | tag
fn seal_with(key: &LessSafeKey, entropy: &dyn Entropy, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyringError> {
    let nonce: [u8; NONCE_LEN] = random(entropy)?;
    let mut sealed = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut sealed).map_err(|_| KeyringError::Sealing)?;
    Ok([&nonce[..], &sealed].concat())
}

fn open_with(key: &LessSafeKey, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(KeyringError::Opening)?;
    let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| KeyringError::Opening)?;
    let mut plain = Zeroizing::new(sealed.to_vec());
    let len = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut plain).map_err(|_| KeyringError::Opening)?.len();
    plain.truncate(len);
    Ok(plain)
}
