//! Files for one user only: read with suspicion, written whole, held by one writer at a time.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, OFlags, flock};

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Why a private file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// It is a symbolic link.
    #[error(
        "`{0}` is a symbolic link; whoever can change the link decides which keys are used, so it is not followed: put the file itself there"
    )]
    Symlink(PathBuf),
    /// It is something else than a file.
    #[error("`{0}` is not a regular file")]
    NotAFile(PathBuf),
    /// Others may write it.
    #[error("`{path}` can be changed by others (mode {mode:03o}); close it with `chmod go-w {path}`", path = .path.display())]
    Writable {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("`{0}` belongs to another user, who could change it at any time; it is not used")]
    Foreign(PathBuf),
    /// It is too long to be what it should be.
    #[error("`{0}` is longer than 4 MiB")]
    TooLong(PathBuf),
    /// The system refused.
    #[error("`{path}` cannot be {verb}: {source}", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

fn failed(path: &Path, verb: &'static str) -> impl FnOnce(io::Error) -> PrivateFileError {
    move |source| PrivateFileError::Io { path: path.to_owned(), verb, source }
}

/// The text of a file that nobody else can have changed; `None` if there is no such file.
pub fn read(path: &Path) -> Result<Option<String>, PrivateFileError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, "read")(error)),
        Ok(found) if found.file_type().is_symlink() => return Err(PrivateFileError::Symlink(path.to_owned())),
        Ok(_) => {}
    }
    check_folder(path)?;
    // What was looked at may have been exchanged since: only what is open counts. Never waits on a pipe, never follows a link.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed(path, "read"))?,
    };
    let found = file.metadata().map_err(failed(path, "read"))?;
    if !found.is_file() {
        return Err(PrivateFileError::NotAFile(path.to_owned()));
    }
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != own && found.uid() != 0 {
        return Err(PrivateFileError::Foreign(path.to_owned()));
    }
    if found.mode() & 0o022 != 0 {
        return Err(PrivateFileError::Writable { path: path.to_owned(), mode: found.mode() & 0o777 });
    }
    let mut text = String::new();
    file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(failed(path, "read"))?;
    if text.len() as u64 > MAX_FILE {
        return Err(PrivateFileError::TooLong(path.to_owned()));
    }
    Ok(Some(text))
}

/// Who may write the folder may exchange the file.
fn check_folder(path: &Path) -> Result<(), PrivateFileError> {
    let folder = folder(path);
    let found = fs::metadata(folder).map_err(failed(folder, "read"))?;
    let (mode, sticky) = (found.mode() & 0o777, found.mode() & 0o1000 != 0);
    if mode & 0o002 != 0 && !sticky {
        return Err(PrivateFileError::Writable { path: folder.to_owned(), mode });
    }
    Ok(())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Replaces a file in one step, for this user only. Whoever reads it meanwhile sees the old one or the new one.
pub fn write(path: &Path, content: &[u8]) -> Result<(), PrivateFileError> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_symlink()) {
        return Err(PrivateFileError::Symlink(path.to_owned()));
    }
    make_folder(path)?;
    check_folder(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder(path).join(format!(".{name}.tmp-{}", std::process::id()));
    let _ = fs::remove_file(&draft);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written.map_err(failed(path, "written"))
}

fn make_folder(path: &Path) -> Result<(), PrivateFileError> {
    let folder = folder(path);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder, "made"))
}

/// The right to change a file. The system takes it back when its holder ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

/// Waits for the right to change `path`. The lock is a file beside it, because the file itself is replaced.
pub fn lock(path: &Path) -> Result<Lock, PrivateFileError> {
    make_folder(path)?;
    let beside = lock_file(path);
    let file = open_lock(&beside)?;
    loop {
        match flock(&file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(Lock(file)),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(failed(&beside, "locked")(error.into())),
        }
    }
}

/// The same; true if somebody else had it first.
pub fn lock_waiting(path: &Path) -> Result<(Lock, bool), PrivateFileError> {
    make_folder(path)?;
    let beside = lock_file(path);
    let file = open_lock(&beside)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        return Ok((Lock(file), false));
    }
    drop(file);
    lock(path).map(|lock| (lock, true))
}

fn lock_file(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    folder(path).join(format!(".{name}.lock"))
}

fn open_lock(beside: &Path) -> Result<File, PrivateFileError> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(beside);
    file.map_err(failed(beside, "opened"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_others_could_have_changed_is_not_read() {
        let home = tempfile::tempdir().unwrap();
        let (file, link) = (home.path().join("a/file"), home.path().join("a/link"));
        assert!(read(&file).unwrap().is_none());
        write(&file, b"text").unwrap();
        assert_eq!(read(&file).unwrap().as_deref(), Some("text"));
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(home.path().join("a")).unwrap().mode() & 0o777, 0o700);
        symlink(&file, &link).unwrap();
        assert!(matches!(read(&link), Err(PrivateFileError::Symlink(_))));
        assert!(matches!(write(&link, b"x"), Err(PrivateFileError::Symlink(_))));
        for mode in [0o620, 0o602, 0o666] {
            chmod(&file, mode);
            let told = read(&file).unwrap_err().to_string();
            assert!(told.contains(&format!("{mode:03o}")) && told.contains("chmod go-w"), "{told}");
        }
        chmod(&file, 0o644);
        assert!(read(&file).is_ok(), "readable by others is not our business; the next write closes it");
        chmod(&home.path().join("a"), 0o777);
        assert!(matches!(read(&file), Err(PrivateFileError::Writable { mode: 0o777, .. })));
        assert!(matches!(read(&home.path().join("a")), Err(PrivateFileError::NotAFile(_) | PrivateFileError::Io { .. })));
    }

    #[test]
    fn one_writer_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("count");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let _held = lock(&file).unwrap();
                        let count: u32 = read(&file).unwrap().map_or(0, |text| text.parse().unwrap());
                        write(&file, (count + 1).to_string().as_bytes()).unwrap();
                    }
                });
            }
        });
        assert_eq!(read(&file).unwrap().as_deref(), Some("80"));
    }
}
