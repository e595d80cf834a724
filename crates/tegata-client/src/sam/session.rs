//! Sessions that are kept: one file each, for one user only, and one login however many processes ask together.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tegata_model::{SecretKey, Timestamp};
use zeroize::{Zeroize as _, Zeroizing};

use super::Session;
use crate::private_file;

/// A session with less than this left is not begun with, in seconds.
const LAST_MOMENT: i64 = 30;

/// The form of the file.
#[derive(Serialize, Deserialize, Default)]
struct KeptFile {
    fingerprint: Vec<String>,
    #[serde(default)]
    api_key: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    user_name: Option<String>,
    #[serde(default)]
    ends: i64,
    /// Why the last login was refused, for those who waited for it.
    #[serde(default)]
    refused: Option<String>,
}

impl Drop for KeptFile {
    fn drop(&mut self) {
        self.api_key.zeroize();
        self.token.zeroize();
    }
}

/// Where the session of one profile is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    path: PathBuf,
    fingerprint: Vec<String>,
}

impl Kept {
    pub(super) fn new(path: PathBuf, fingerprint: Vec<String>) -> Self {
        Self { path, fingerprint }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is there for this very profile. What cannot be read, or others can write, counts for nothing.
    fn file(&self) -> Option<KeptFile> {
        let text = Zeroizing::new(private_file::read(&self.path).ok()??);
        let file: KeptFile = serde_json::from_str(&text).ok()?;
        (file.fingerprint == self.fingerprint).then_some(file)
    }

    /// The session, if it lives.
    pub(super) fn session(&self, now: Timestamp) -> Option<Session> {
        let file = self.file()?;
        if file.api_key.is_empty() || file.ends - now.unix() <= LAST_MOMENT {
            return None;
        }
        let session = Session::of(file.api_key.clone(), file.token.clone()).ok()?;
        Some(Session { user_name: file.user_name.clone(), expires_at: Some(Timestamp::from_unix(file.ends)), ..session })
    }

    /// Why the login that somebody else has just tried was refused.
    pub(super) fn refused(&self) -> Option<String> {
        self.file()?.refused.clone()
    }

    /// Keeps a session. What cannot be kept is begun again.
    pub(super) fn keep(&self, session: &Session) {
        let file = KeptFile {
            fingerprint: self.fingerprint.clone(),
            api_key: session.api_key.expose().to_owned(),
            token: session.token.expose().to_owned(),
            user_name: session.user_name.clone(),
            ends: session.expires_at.map_or(0, Timestamp::unix),
            refused: None,
        };
        self.write(&file);
    }

    /// Tells those who wait that it was of no use.
    pub(super) fn refuse(&self, why: &str) {
        let mut file = KeptFile::default();
        (file.fingerprint, file.refused) = (self.fingerprint.clone(), Some(why.to_owned()));
        self.write(&file);
    }

    fn write(&self, file: &KeptFile) {
        let text = Zeroizing::new(serde_json::to_vec(file).unwrap_or_default());
        let _ = private_file::write(&self.path, &text);
    }

    /// Forgets it; what it held.
    pub(super) fn forget(&self) -> Option<Session> {
        let found = self.file().and_then(|file| Session::of(file.api_key.clone(), file.token.clone()).ok());
        let _ = std::fs::remove_file(&self.path);
        found
    }
}

/// A secret from a text.
pub(super) fn secret(text: &str) -> SecretKey {
    SecretKey::new(text.to_owned())
}
