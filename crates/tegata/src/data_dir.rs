//! The folder of one server: for its own user only, and for one server at a time.
//!
//! | file | what |
//! |---|---|
//! | `tegata.lock` | held while a server runs; the system lets go of it when the process ends, however it ends |
//! | `master.key` | the master key, unless it lives elsewhere |
//! | `tegata.db` | rows, unless they live in PostgreSQL |
//! | `blobs/` | bytes of objects |
//! | `dev-ca.pem` | certificate of the throwaway CA of `dev --https` |

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

const LOCK: &str = "tegata.lock";

/// A data folder, held by this process until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// How a folder is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// By this process alone: the rows are in the folder.
    Alone,
    /// Beside other processes: the rows are in a database that several may use.
    Shared,
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// Another process holds it.
    #[error("another tegata server uses the data folder `{0}`; stop it first, or name another folder with `--data DIR`")]
    InUse(PathBuf),
    /// It holds something else.
    #[error("the folder `{0}` is not empty and is not a tegata data folder; name an empty or a new one with `--data DIR`")]
    Foreign(PathBuf),
    /// The system said no.
    #[error("the data folder `{path}` cannot be used: {error}")]
    Io {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> DataDirError + '_ {
    |error| DataDirError::Io { path: path.to_owned(), error }
}

impl DataDir {
    /// Makes the folder if it is not there, closes it to others, and holds it.
    pub(crate) fn open(path: &Path, hold: Hold) -> Result<Self, DataDirError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))?;
        let lock_path = path.join(LOCK);
        if !lock_path.exists() && fs::read_dir(path).map_err(failed(path))?.next().is_some() {
            return Err(DataDirError::Foreign(path.to_owned()));
        }
        if fs::metadata(path).map_err(failed(path))?.permissions().mode() & 0o777 != 0o700 {
            fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed(path))?;
        }
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(failed(&lock_path))?;
        let held = match hold {
            Hold::Alone => lock.try_lock(),
            Hold::Shared => lock.try_lock_shared(),
        };
        match held {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(DataDirError::Io { path: lock_path, error }),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The file of rows in a data folder.
pub(crate) fn database_file(data: &Path) -> PathBuf {
    data.join("tegata.db")
}

/// A folder for as long as this process wants it.
#[derive(Debug)]
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    /// Makes one nobody else has.
    pub(crate) fn make(parent: &Path) -> Result<Self, DataDirError> {
        let pid = std::process::id();
        let mut last = None;
        for attempt in 0..100 {
            let path = parent.join(format!("tegata-dev-{pid}-{attempt}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = Some(DataDirError::Io { path, error }),
                Err(error) => return Err(DataDirError::Io { path, error }),
            }
        }
        Err(last.unwrap_or_else(|| DataDirError::InUse(parent.to_owned())))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "the temporary data could not be removed");
        }
    }
}

/// Writes a file as a whole or not at all, readable by this user only. An existing file is replaced, or with `new` left alone and reported.
pub(crate) fn write_file(path: &Path, content: &[u8], new: bool) -> io::Result<()> {
    use io::Write as _;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let draft = folder.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let _ = fs::remove_file(&draft);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    let published = written.and_then(|()| if new { fs::hard_link(&draft, path) } else { fs::rename(&draft, path) });
    if new || published.is_err() {
        let _ = fs::remove_file(&draft);
    }
    published?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_folder_is_closed_to_others_and_held_once() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let held = DataDir::open(&path, Hold::Alone).unwrap();
        assert_eq!((mode(&path), mode(&path.join(LOCK))), (0o700, 0o600));
        assert!(matches!(DataDir::open(&path, Hold::Alone), Err(DataDirError::InUse(_))));
        assert!(matches!(DataDir::open(&path, Hold::Shared), Err(DataDirError::InUse(_))));
        drop(held);
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        let first = DataDir::open(&path, Hold::Shared).unwrap();
        let _second = DataDir::open(&path, Hold::Shared).unwrap();
        assert_eq!(mode(first.path()), 0o700);
    }

    #[test]
    fn somebody_elses_folder_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        fs::set_permissions(parent.path(), Permissions::from_mode(0o755)).unwrap();
        fs::write(parent.path().join("letter.txt"), "dear").unwrap();
        assert!(matches!(DataDir::open(parent.path(), Hold::Alone), Err(DataDirError::Foreign(_))));
        assert_eq!(mode(parent.path()), 0o755);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn files_appear_whole_and_private() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("file");
        write_file(&path, b"one", true).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(write_file(&path, b"two", true).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write_file(&path, b"three", false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn temporary_folders_go_away() {
        let parent = tempfile::tempdir().unwrap();
        let (one, two) = (Temporary::make(parent.path()).unwrap(), Temporary::make(parent.path()).unwrap());
        assert_ne!(one.path(), two.path());
        fs::write(one.path().join("x"), "x").unwrap();
        drop((one, two));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
