//! Bytes of objects: written once under a random name, on disk before they are published, then never changed.
//!
//! A blob belongs to an object once a row names it. A crash before that leaves an orphan, which [`Blobs::sweep`] removes; it never
//! leaves a row without bytes, because the row is committed after [`BlobWriter::finish`].

mod sweep;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{StreamExt, stream, stream::BoxStream};
use object_store::{ObjectStoreExt, local::LocalFileSystem};
use tegata_model::BlobId;
use tokio::task::{JoinHandle, spawn_blocking};

pub use sweep::{BlobInfo, Swept};
pub use writer::BlobWriter;

use crate::error::Source;

/// How much of a blob is read at once.
const CHUNK: u64 = 256 * 1024;

/// Why bytes could not be written or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("the blob `{0}` does not exist")]
    Missing(BlobId),
    /// The blob is shorter than what was asked of it.
    #[error("the blob `{0}` is shorter than its object")]
    Short(BlobId),
    /// The disk is full. Nothing was published.
    #[error("the blob store has no space left")]
    Full,
    /// The rows could not be asked which blobs are in use.
    #[error(transparent)]
    Store(#[from] crate::StoreError),
    /// Anything else the file system reported.
    #[error("the blob store reported an error")]
    Failed(#[source] Source),
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::StorageFull { Self::Full } else { Self::Failed(Arc::new(error)) }
    }
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::StorageFull) {
                return Self::Full;
            }
            cause = error.source();
        }
        Self::Failed(Arc::new(error))
    }
}

impl From<tokio::task::JoinError> for BlobError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Failed(Arc::new(error))
    }
}

/// The bytes of a blob, in order.
pub type BlobStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// All blobs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    files: LocalFileSystem,
    root: Arc<Path>,
    /// Which of the 256 folders this process has seen or made.
    folders: Arc<[AtomicBool]>,
}

impl Blobs {
    /// Blobs in a local folder, which is made if it is not there. Everything is flushed to disk, folders too.
    pub fn local(folder: &Path) -> Result<Self, BlobError> {
        make_private(folder)?;
        let files = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { files, root: folder.into(), folders: (0..=u8::MAX).map(|_| AtomicBool::new(false)).collect() })
    }

    /// Begins a new blob. The first one of a folder makes the folder, and has it on disk before any blob.
    pub async fn create(&self, id: BlobId) -> Result<BlobWriter, BlobError> {
        let [.., folder] = *id.as_bytes();
        if let Some(made) = self.folders.get(usize::from(folder))
            && !made.load(Ordering::Acquire)
        {
            let root = Arc::clone(&self.root);
            spawn_blocking(move || make_folder(&root, folder)).await??;
            made.store(true, Ordering::Release);
        }
        Ok(BlobWriter::new(self.files.clone(), name(id)))
    }

    /// Reads the bytes of `range`, in pieces of at most 256 KiB, one piece ahead of whoever reads. The first piece is read before this
    /// returns, so that a missing or short blob is known before anything is answered.
    pub async fn read(&self, id: BlobId, range: Range<u64>) -> Result<BlobStream, BlobError> {
        let path = self.path(id);
        let first = spawn_blocking(move || {
            let mut file = File::open(path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => BlobError::Missing(id),
                _ => error.into(),
            })?;
            if range.start > 0 {
                file.seek(SeekFrom::Start(range.start))?;
            }
            Reading { id, file, left: range.end.saturating_sub(range.start) }.next()
        });
        let (bytes, reading) = first.await??;
        let Some(reading) = reading else { return Ok(stream::iter([Ok(bytes)]).boxed()) };
        let rest = stream::try_unfold(Some(reading.ahead()), async |ahead: Option<JoinHandle<_>>| {
            let Some(ahead) = ahead else { return Ok::<_, BlobError>(None) };
            let (bytes, reading): (Bytes, Option<Reading>) = ahead.await??;
            Ok(Some((bytes, reading.map(Reading::ahead))))
        });
        Ok(stream::iter([Ok(bytes)]).chain(rest).boxed())
    }

    /// Removes a blob; one that is not there is no error.
    pub async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        match self.files.delete(&name(id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn path(&self, id: BlobId) -> PathBuf {
        self.root.join(name(id).as_ref())
    }
}

/// A blob that is being read.
struct Reading {
    id: BlobId,
    file: File,
    left: u64,
}

impl Reading {
    /// The next piece, and what is left after it.
    fn next(mut self) -> Result<(Bytes, Option<Self>), BlobError> {
        let wanted = self.left.min(CHUNK);
        let mut bytes = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0));
        let got = Read::by_ref(&mut self.file).take(wanted).read_to_end(&mut bytes)?;
        if u64::try_from(got).unwrap_or(0) != wanted {
            return Err(BlobError::Short(self.id));
        }
        self.left -= wanted;
        Ok((bytes.into(), (self.left > 0).then_some(self)))
    }

    fn ahead(self) -> JoinHandle<Result<(Bytes, Option<Self>), BlobError>> {
        spawn_blocking(move || self.next())
    }
}

/// `7f/<32 hex digits>`: spread over 256 folders by the last byte, which is random where the first may be a time.
fn name(id: BlobId) -> object_store::path::Path {
    let hex = hex(id);
    let folder: String = hex.chars().skip(30).collect();
    object_store::path::Path::from(format!("{folder}/{hex}"))
}

fn hex(id: BlobId) -> String {
    use std::fmt::Write as _;
    id.as_bytes().iter().fold(String::with_capacity(32), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The blob a file name stands for; for a file that is still being written (`…#1`) the blob it was to become.
fn id_of(file_name: &str) -> Option<(BlobId, bool)> {
    let (hex, staged) = file_name.split_once('#').map_or((file_name, false), |(hex, _)| (hex, true));
    if hex.len() != 32 || !hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return None;
    }
    Some((BlobId::from_bytes(u128::from_str_radix(hex, 16).ok()?.to_be_bytes()), staged))
}

/// Makes a folder that only its owner may look into, and those above it.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn make_folder(root: &Path, folder: u8) -> Result<(), BlobError> {
    let path = root.join(format!("{folder:02x}"));
    if !path.is_dir() {
        make_private(&path)?;
        #[cfg(unix)]
        File::open(root)?.sync_all()?;
    }
    Ok(())
}
