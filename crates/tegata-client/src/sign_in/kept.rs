//! A sign-in that lies in a file for one user only, beside the profiles, and stays good: one process renews it under a lock, the others
//! read what that wrote.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tegata_model::{AccessKeyId, SecretKey, Timestamp};

use super::{ProofKey, SignIn, Tokens};
use crate::{
    ClientError, Credential, Transport,
    private_file::{self, PrivateFileError},
};

/// An access token is renewed when less than this is left, and so is a key: other programs want a quarter of an hour of one. Seconds.
const AHEAD: i64 = 900;
/// Longest name of a profile that signs in.
const LONGEST_NAME: usize = 64;

/// Why a sign-in gives no key.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// Its file cannot be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// There is none.
    #[error("nobody has signed in for this profile; begin with `tegata login`")]
    Nobody,
    /// The file is not what it should be.
    #[error("`{path}` cannot be read; sign in again with `tegata login`", path = .0.display())]
    Unreadable(PathBuf),
    /// The server takes it no more.
    #[error("the sign-in has ended: {0}; sign in again with `tegata login`")]
    Ended(ClientError),
    /// A call did not succeed.
    #[error("the sign-in could not be renewed: {0}")]
    Call(#[from] ClientError),
}

/// What a sign-in leaves on this computer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    version: u32,
    /// The server.
    pub issuer: String,
    /// The client's public id.
    pub client_id: String,
    /// The authorities that its certificate leads to.
    pub ca_file: Option<PathBuf>,
    /// What the tokens are bound to.
    proof_key: Secret,
    /// The tokens.
    pub tokens: Tokens,
    key: Option<Key>,
}

/// Text that no `Debug` shows.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("redacted")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.0.zeroize();
    }
}

/// A temporary key that was got for the tokens.
#[derive(Debug, Serialize, Deserialize)]
struct Key {
    id: String,
    secret: Secret,
    token: Secret,
    ends: i64,
}

/// Where the sign-in of a profile lies: beside the profiles. Nothing for a name that could be no file's.
pub fn place(profiles: &Path, profile: &str) -> Option<PathBuf> {
    let plain = !profile.is_empty()
        && profile.len() <= LONGEST_NAME
        && profile.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    plain.then(|| profiles.with_file_name(format!("tegata-{profile}.json")))
}

impl Kept {
    /// What is to be kept of a sign-in that has just been done.
    pub fn new(client: &SignIn, proof_key: &SecretKey, ca_file: Option<PathBuf>, tokens: Tokens, key: &Credential) -> Self {
        Self {
            version: 1,
            issuer: client.issuer.clone(),
            client_id: client.client_id.clone(),
            ca_file,
            proof_key: Secret(proof_key.expose().to_owned()),
            tokens,
            key: Some(Key::of(key)),
        }
    }

    /// What lies there; nothing if there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>, KeptError> {
        let Some(text) = private_file::read(path)? else { return Ok(None) };
        let text = zeroize::Zeroizing::new(text);
        serde_json::from_str(&text).map(Some).map_err(|_| KeptError::Unreadable(path.to_owned()))
    }

    /// Puts it there, in one step, for this user only.
    pub fn write(&self, path: &Path) -> Result<(), KeptError> {
        let text = serde_json::to_vec(self).map_err(|_| KeptError::Unreadable(path.to_owned()))?;
        Ok(private_file::write(path, &zeroize::Zeroizing::new(text))?)
    }

    /// The server and the client, with the key that the tokens are bound to.
    pub fn sign_in(&self) -> Result<SignIn, ClientError> {
        let key = ProofKey::read(&SecretKey::new(self.proof_key.0.clone()))?;
        let transport = self.ca_file.clone().into_iter().fold(Transport::new(), Transport::trusting);
        Ok(SignIn { issuer: self.issuer.clone(), name: None, client_id: self.client_id.clone(), transport, key: Some(Arc::new(key)) })
    }

    /// What tells this sign-in from any other, and nothing of it.
    pub fn mark(&self) -> String {
        super::challenge_of(&self.proof_key.0)
    }

    /// The key of the sign-in that lies at `path`: the one that is kept, or a new one. One process asks; the others wait and find what
    /// it wrote. A process that is killed between an answer and the file loses nothing: the server answers the same again.
    pub async fn credential(path: &Path, now: impl Fn() -> Timestamp) -> Result<Credential, KeptError> {
        // Mostly there is nothing to renew, and nobody has to wait for whoever does.
        if let Some(key) = Self::read(path)?.ok_or(KeptError::Nobody)?.fresh(now()) {
            return Ok(key);
        }
        let locked = path.to_owned();
        let _held = tokio::task::spawn_blocking(move || private_file::lock(&locked))
            .await
            .map_err(|_| KeptError::Unreadable(path.to_owned()))??;
        let mut kept = Self::read(path)?.ok_or(KeptError::Nobody)?;
        if let Some(key) = kept.fresh(now()) {
            return Ok(key);
        }
        let client = kept.sign_in()?;
        if kept.tokens.access_ends - now().unix() <= AHEAD
            && let Some(token) = kept.tokens.refresh_token.clone()
        {
            kept.tokens = client.refresh(&token, now()).await.map_err(ended)?;
            // At once, before anything else can fail: the old ones may be of no more use.
            kept.write(path)?;
        }
        let key = client.exchange(&kept.tokens.access_token, now()).await.map_err(ended)?;
        kept.key = Some(Key::of(&key));
        kept.write(path)?;
        Ok(key)
    }

    fn fresh(&self, now: Timestamp) -> Option<Credential> {
        self.key.as_ref().filter(|key| key.ends - now.unix() > AHEAD)?.credential()
    }
}

/// Refusals that nothing but a new sign-in gets over.
fn ended(error: ClientError) -> KeptError {
    let lost = error.refusal().is_some_and(|refusal| matches!(refusal.code.as_str(), "invalid_grant" | "invalid_token" | "expired_token"));
    if lost { KeptError::Ended(error) } else { KeptError::Call(error) }
}

impl Key {
    fn of(key: &Credential) -> Self {
        Self {
            id: key.access_key_id.to_string(),
            secret: Secret(key.secret.expose().to_owned()),
            token: Secret(key.security_token.as_ref().map(|token| token.expose().to_owned()).unwrap_or_default()),
            ends: key.expires_at.map_or(0, Timestamp::unix),
        }
    }

    /// Nothing where what was written is no key: then a new one is got.
    fn credential(&self) -> Option<Credential> {
        Some(Credential {
            access_key_id: AccessKeyId::new(&self.id).ok()?,
            secret: Arc::new(SecretKey::new(self.secret.0.clone())),
            security_token: Some(Arc::new(SecretKey::new(self.token.0.clone()))),
            expires_at: Some(Timestamp::from_unix(self.ends)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_have_a_place() {
        let beside = Path::new("/home/me/.aliyun/config.json");
        assert_eq!(place(beside, "work_1-a").unwrap(), Path::new("/home/me/.aliyun/tegata-work_1-a.json"));
        for wrong in ["", "../x", "a b", "a/b", "é", &"x".repeat(65)] {
            assert_eq!(place(beside, wrong), None, "{wrong}");
        }
    }
}
