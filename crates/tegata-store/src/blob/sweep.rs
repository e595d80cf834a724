//! Removing what crashes and replaced objects left behind.

use std::{fs, io, path::PathBuf, time::Duration};

use tegata_model::{BlobId, Timestamp};
use tokio::task::spawn_blocking;

use super::{BlobError, Blobs, id_of};
use crate::{Store, object};

/// One file of the blob folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its blob.
    pub id: BlobId,
    /// Length in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified_at: Timestamp,
    /// It was never published: either it is being written now, or a crash left it.
    pub staged: bool,
    path: PathBuf,
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Published blobs that no object names.
    pub orphans: u64,
    /// Files that were never published.
    pub staged: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Blobs {
    /// Every file, folder by folder; `folder` is 0 to 255. One folder at a time is in memory.
    pub async fn list(&self, folder: u8) -> Result<Vec<BlobInfo>, BlobError> {
        let folder = self.root.join(format!("{folder:02x}"));
        spawn_blocking(move || {
            let mut found = Vec::new();
            let entries = match fs::read_dir(folder) {
                Ok(entries) => entries,
                // No blob has needed this folder yet.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
                Err(error) => return Err(error.into()),
            };
            for entry in entries {
                match info(&entry?) {
                    Ok(info) => found.extend(info),
                    // Gone since the folder was read.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(found)
        })
        .await?
    }

    /// Removes blobs that no object names and files that were never published, if last written more than `older_than` before
    /// `now`. That must be longer than any upload takes, and than publishing a blob and committing its row lie apart.
    pub async fn sweep(&self, store: &Store, older_than: Duration, now: Timestamp) -> Result<Swept, BlobError> {
        let limit = now.minus(older_than);
        let mut swept = Swept::default();
        for folder in 0..=u8::MAX {
            for file in self.list(folder).await? {
                if file.modified_at >= limit || (!file.staged && object::blob_in_use(store, file.id).await?) {
                    continue;
                }
                let path = file.path.clone();
                match spawn_blocking(move || fs::remove_file(path)).await? {
                    Ok(()) if file.staged => swept.staged += 1,
                    Ok(()) => swept.orphans += 1,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error.into()),
                }
                swept.bytes += file.size;
            }
        }
        Ok(swept)
    }
}

fn info(entry: &fs::DirEntry) -> io::Result<Option<BlobInfo>> {
    let Some((id, staged)) = entry.file_name().to_str().and_then(id_of) else { return Ok(None) };
    let metadata = entry.metadata()?;
    let age = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let modified_at = Timestamp::from_unix(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    Ok(Some(BlobInfo { id, size: metadata.len(), modified_at, staged, path: entry.path() }))
}
