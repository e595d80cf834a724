//! Puts a core together: store, stamp, master key, keyring, blobs.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use tegata_core::{
    Core, Parts,
    clock::{Clock as _, NoEntropy, SystemClock, SystemEntropy},
    keyring::{Keyring, KeyringError, MasterKey},
    mail::Mailer,
};
use tegata_model::SecretKey;
use tegata_store::{
    ChangeSet, CommitError, Location, Options, Store, StoreError, access_key,
    blob::{BlobError, Blobs},
    meta,
};
use zeroize::Zeroizing;

use crate::{
    config::{Config, Database, MasterKeySource},
    data_dir::{self, DataDir, DataDirError, Hold},
    dev::sample,
    mail::{Printed, Smtp},
    outbound::Fetcher,
};

/// Under which the store says what it is for.
const STAMP: &str = "kind";

/// What a store is for. Written into it on its first start and never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Real people and keys.
    Serve,
    /// Tests, with keys that everybody knows.
    Dev,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Dev => "dev",
        }
    }
}

/// The core could not be put together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeError {
    /// A store for development under `serve`.
    #[error(
        "this store was made by `tegata dev` and is open to keys that everybody knows; `tegata serve` needs a store of its own: name another with `--data DIR`"
    )]
    DevStore,
    /// A real store under `dev`.
    #[error(
        "this store belongs to `tegata serve`; `tegata dev` would put keys into it that everybody knows: name another folder with `--data DIR`"
    )]
    ServeStore,
    /// A stamp this program does not know.
    #[error("this store is for something this version does not know; start it with the version that made it")]
    UnknownStamp,
    /// The store holds one of the keys of the sample directory.
    #[error("this store holds the access key `{0}`, whose secret everybody knows; delete that key before serving")]
    WellKnownKey(String),
    /// The master key is gone.
    #[error(
        "the master key `{0}` is missing, and this store is sealed under it; put the file back (or give TEGATA_MASTER_KEY). A new one is never made, because nothing sealed could be opened with it"
    )]
    MasterKeyMissing(PathBuf),
    /// Others could read it.
    #[error("the master key `{path}` can be read by others (mode {mode:o}); close it with `chmod 600` and ask who may have seen it")]
    MasterKeyOpen {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is something else.
    #[error("`{0}` is not a master key: expected one line of 43 characters (32 bytes as base64url)")]
    MasterKeyMalformed(PathBuf),
    /// The system said no.
    #[error("the master key `{path}` cannot be used: {error}")]
    MasterKeyIo {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The keyring cannot be opened.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stamp could not be written.
    #[error("the store could not be marked as in use: {0}")]
    Commit(#[from] CommitError),
    /// The folder of blobs failed.
    #[error("the folder of blobs cannot be used")]
    Blobs(#[source] BlobError),
    /// What `[mail]` names cannot be used.
    #[error("letters cannot be sent: {0}")]
    Mail(String),
    /// The data folder failed.
    #[error(transparent)]
    Data(#[from] DataDirError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// Where the rows of this configuration are.
pub(crate) fn location(config: &Config, read_only: bool) -> (Location, Options) {
    match &config.database {
        Database::Sqlite => (Location::Sqlite { path: data_dir::database_file(&config.data), read_only }, Options::default()),
        Database::Postgres { url, ca_file } => {
            let options = Options { ca_file: ca_file.clone(), ..Options::default() };
            (Location::Postgres { url: SecretKey::new(url.expose().to_owned()) }, options)
        }
    }
}

/// Takes the data folder in the way this configuration needs.
pub(crate) fn hold(config: &Config) -> Result<DataDir, DataDirError> {
    let hold = match config.database {
        Database::Sqlite => Hold::Alone,
        Database::Postgres { .. } => Hold::Shared,
    };
    DataDir::open(&config.data, hold)
}

/// Opens everything of a data folder, which the caller proves to hold. `issuer` is the URL that names us in tokens.
pub(crate) async fn open(config: &Config, _held: &DataDir, kind: Kind, issuer: &str) -> Result<Core, NodeError> {
    let blobs = Blobs::local(&config.blobs).map_err(NodeError::Blobs)?;
    let (location, options) = location(config, false);
    let store = Store::open(&location, &options).await?;
    match assemble(config, kind, issuer, &store, blobs).await {
        Ok(core) => Ok(core),
        Err(error) => {
            store.close().await;
            Err(error)
        }
    }
}

async fn assemble(config: &Config, kind: Kind, issuer: &str, store: &Store, blobs: Blobs) -> Result<Core, NodeError> {
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy::default()));
    stamp(store, kind).await?;
    if kind == Kind::Serve {
        refuse_well_known_keys(store).await?;
    }
    let sealed = Keyring::exists(store).await?;
    let fresh = (!sealed).then_some(kind);
    let master = master_key(&config.master_key, fresh, entropy.as_ref())?;
    let keyring = Keyring::open(store, &master, issuer, entropy.as_ref(), clock.now()).await?;
    let mailer: Option<Arc<dyn Mailer>> = match (kind, &config.mail) {
        (Kind::Dev, _) => Some(Arc::new(Printed::new(config.data.join("mail")))),
        (Kind::Serve, Some(mail)) => Some(Arc::new(Smtp::new(mail).map_err(NodeError::Mail)?)),
        (Kind::Serve, None) => None,
    };
    let outbound = Arc::new(Fetcher::new(&config.outbound, config.limits.insecure_issuers));
    Ok(Core::new(Parts {
        store: store.clone(),
        blobs,
        keyring,
        clock,
        entropy,
        outbound,
        mailer,
        limits: config.limits.clone(),
        services: config.services.clone(),
        role_policies: config.role_policies.clone(),
    })?)
}

/// Marks a fresh store, and refuses one that is for something else.
async fn stamp(store: &Store, kind: Kind) -> Result<(), NodeError> {
    if meta::read(store, STAMP).await?.is_none() {
        let mut changes = ChangeSet::new(SystemClock.now());
        changes.push(meta::insert(STAMP, kind.word().as_bytes()));
        match store.commit(changes).await {
            // Another process was first; what it wrote is read below.
            Ok(()) | Err(CommitError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let found = meta::read(store, STAMP).await?.unwrap_or_default();
    match (found.as_slice(), kind) {
        (b"serve", Kind::Serve) | (b"dev", Kind::Dev) => Ok(()),
        (b"dev", Kind::Serve) => Err(NodeError::DevStore),
        (b"serve", Kind::Dev) => Err(NodeError::ServeStore),
        _ => Err(NodeError::UnknownStamp),
    }
}

/// Rows can be copied between stores; the stamp alone would not notice.
async fn refuse_well_known_keys(store: &Store) -> Result<(), NodeError> {
    for key_id in sample::access_key_ids() {
        if access_key::find(store, key_id).await?.is_some() {
            return Err(NodeError::WellKnownKey(key_id.to_owned()));
        }
    }
    Ok(())
}

/// `fresh` is what the store is for when nothing in it is sealed yet: only then may a master key be made.
fn master_key(source: &MasterKeySource, fresh: Option<Kind>, entropy: &SystemEntropy) -> Result<MasterKey, NodeError> {
    match source {
        MasterKeySource::Environment(text) => {
            MasterKey::from_text(text.expose()).ok_or_else(|| NodeError::MasterKeyMalformed(PathBuf::from("TEGATA_MASTER_KEY")))
        }
        MasterKeySource::File(path) => match read_master_key(path) {
            Err(NodeError::MasterKeyIo { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                let Some(kind) = fresh else { return Err(NodeError::MasterKeyMissing(path.clone())) };
                let master = MasterKey::generate(entropy)?;
                let mut text = master.expose_text();
                text.push('\n');
                data_dir::write_file(path, text.as_bytes(), true).map_err(|error| NodeError::MasterKeyIo { path: path.clone(), error })?;
                if kind == Kind::Serve {
                    tracing::info!(file = %path.display(), "made the master key; keep a copy of this file apart from backups of the data");
                }
                Ok(master)
            }
            other => other,
        },
    }
}

fn read_master_key(path: &Path) -> Result<MasterKey, NodeError> {
    let failed = |error| NodeError::MasterKeyIo { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(NodeError::MasterKeyOpen { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::with_capacity(128));
    file.take(100).read_to_string(&mut text).map_err(failed)?;
    MasterKey::from_text(&text).ok_or_else(|| NodeError::MasterKeyMalformed(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    #[test]
    fn the_master_key_is_made_once_and_guarded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let source = MasterKeySource::File(path.clone());
        let entropy = SystemEntropy::default();
        assert!(matches!(master_key(&source, None, &entropy), Err(NodeError::MasterKeyMissing(_))));
        assert!(!path.exists(), "a new one is never made for a sealed store");
        let made = master_key(&source, Some(Kind::Serve), &entropy).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*master_key(&source, None, &entropy).unwrap().expose_text(), *made.expose_text());
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert!(matches!(master_key(&source, None, &entropy), Err(NodeError::MasterKeyOpen { .. })), "{mode:o}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "").unwrap();
        assert!(
            matches!(master_key(&source, Some(Kind::Serve), &entropy), Err(NodeError::MasterKeyMalformed(_))),
            "an emptied file is not a missing one"
        );
    }
}
