//! `tegata oss cp`: a file up, an object down, or one of them by a pipe. Bytes stream; nothing is held whole.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use tegata_client::{
    Credential, Oss,
    oss::{CHECK_HEADER, Check},
    transport::Upload,
};
use tokio::sync::mpsc::Sender;

use super::{address, bucket_of, object_of, tree};
use crate::{
    cli::client::OssCpFlags,
    commands::{
        access::{Opened, now},
        runtime,
        table::size,
    },
    config::Environment,
    failure::Failure,
    terminal,
};

/// Bytes read from a file at a time.
const PIECE: usize = 256 * 1024;
/// Longest wait until the server takes one more piece.
const PATIENCE: Duration = Duration::from_mins(1);

/// Longest wait for the answer once everything is sent: the server may have much to bring to its disk.
const ANSWER: Duration = Duration::from_mins(5);

/// Longest wait for why a request broke off.
const AFTERMATH: Duration = Duration::from_millis(200);

/// `tegata oss cp`
pub(crate) fn cp(flags: &OssCpFlags, environment: &Environment) -> Result<(), Failure> {
    let open = || {
        let opened = Opened::new(&flags.oss.access, environment)?;
        let oss = opened.oss(&flags.oss, environment)?;
        Ok::<_, Failure>((opened, oss))
    };
    match (address(&flags.from), address(&flags.to)) {
        (None, Some(_)) if flags.recursive => {
            let (bucket, key) = bucket_of(&flags.to)?;
            let (opened, oss) = open()?;
            tree::up(&opened, &oss, Path::new(&flags.from), bucket, key)
        }
        (Some(_), None) if flags.recursive => {
            let (bucket, key) = bucket_of(&flags.from)?;
            let (opened, oss) = open()?;
            tree::down(&opened, &oss, bucket, key, Path::new(&flags.to))
        }
        (None, Some(_)) => {
            let (bucket, key) = bucket_of(&flags.to)?;
            let input = if flags.from == "-" { Input::Standard } else { Input::File(Path::new(&flags.from)) };
            let key = input.target(key)?;
            let (opened, oss) = open()?;
            let runtime = runtime()?;
            let bar = terminal::progress(input.length());
            let copied = runtime.block_on(async { up(&oss, &opened.credential().await?, input, bucket, &key, &bar).await });
            // A refusal does not wait for what nobody types any more.
            runtime.shutdown_background();
            terminal::say(&format!("copied {} to oss://{bucket}/{key}", size(copied?)));
            Ok(())
        }
        (Some(_), None) => {
            let (bucket, key) = object_of(&flags.from)?;
            let target = target_path(&flags.to, key)?;
            let (opened, oss) = open()?;
            let bar = terminal::progress(None);
            let copied = async { down(&oss, &opened.credential().await?, bucket, key, target.as_deref(), &bar).await };
            let length = runtime()?.block_on(copied)?;
            if let Some(target) = target {
                terminal::say(&format!("copied {} to {}", size(length), target.display()));
            }
            Ok(())
        }
        (Some(_), Some(_)) => Err(Failure::usage("copying from object to object is not offered yet; copy down, then up")),
        (None, None) => Err(Failure::usage("one of the two must be an object, `oss://BUCKET/KEY`")),
    }
}

/// What is copied up.
#[derive(Debug, Clone, Copy)]
pub(super) enum Input<'a> {
    Standard,
    File(&'a Path),
}

impl std::fmt::Display for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Standard => f.write_str("standard input"),
            Self::File(path) => write!(f, "`{}`", path.display()),
        }
    }
}

impl Input<'_> {
    fn length(self) -> Option<u64> {
        let Self::File(path) = self else { return None };
        fs::metadata(path).ok().map(|found| found.len())
    }

    /// A key that is empty or ends with a slash takes the file's name.
    fn target(self, key: &str) -> Result<String, Failure> {
        match self {
            Self::File(path) => target_key(path, key),
            Self::Standard if key.is_empty() || key.ends_with('/') => {
                Err(Failure::usage("standard input has no name; say what the object is called, `oss://BUCKET/KEY`"))
            }
            Self::Standard => Ok(key.to_owned()),
        }
    }

    /// Where its bytes come from, and how many there are.
    fn open(self) -> Result<(Box<dyn Read + Send>, Option<u64>), Failure> {
        let Self::File(path) = self else { return Ok((Box::new(io::stdin()), None)) };
        let unreadable = |error: io::Error| Failure::new(format!("{self} cannot be read: {error}"));
        let file = fs::File::open(path).map_err(unreadable)?;
        let found = file.metadata().map_err(unreadable)?;
        if !found.is_file() {
            return Err(Failure::usage(format!("{self} is not a file; a whole folder is copied with `--recursive`")));
        }
        Ok((Box::new(file.take(found.len())), Some(found.len())))
    }
}

/// A key that is empty or ends with a slash takes the file's name.
fn target_key(path: &Path, key: &str) -> Result<String, Failure> {
    if !key.is_empty() && !key.ends_with('/') {
        return Ok(key.to_owned());
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Failure::usage(format!("`{}` has no name that an object could have", path.display())))?;
    Ok(format!("{key}{name}"))
}

/// The file to write; `None` for standard output. In a folder, the last part of the key is the file's name, and only a name.
fn target_path(to: &str, key: &str) -> Result<Option<PathBuf>, Failure> {
    if to == "-" {
        return Ok(None);
    }
    let path = PathBuf::from(to);
    if !path.is_dir() && !to.ends_with('/') {
        return Ok(Some(path));
    }
    match key.rsplit('/').next() {
        None | Some("" | "." | "..") => Err(Failure::usage(format!("the key `{key}` ends with no name a file could have; name the file"))),
        Some(name) => Ok(Some(path.join(name))),
    }
}

/// Copies up; how many bytes there were.
pub(super) async fn up(
    oss: &Oss,
    credential: &Credential,
    input: Input<'_>,
    bucket: &str,
    key: &str,
    bar: &indicatif::ProgressBar,
) -> Result<u64, Failure> {
    let unreadable = |error: io::Error| Failure::new(format!("{input} cannot be read: {error}"));
    let (bytes, length) = input.open()?;
    let (pieces, body) = Upload::new(length);
    let mut feed = tokio::spawn(feed(bytes, pieces, bar.clone()));
    let headers = [("content-type".to_owned(), "application/octet-stream".to_owned())];
    let mut upload = std::pin::pin!(oss.upload(credential, bucket, key, &headers, body, now()));
    // While pieces move it may take as long as it takes; after the last one the server has to answer.
    let (reply, sent) = tokio::select! {
        reply = &mut upload => (reply, None),
        sent = &mut feed => {
            let late = || Failure::new("the server took all there was to send, and did not answer within five minutes");
            (tokio::time::timeout(ANSWER, upload).await.map_err(|_| late())?, Some(sent))
        }
    };
    bar.finish_and_clear();
    // What could not be read any more is why the request broke off, and a refusal may come while nobody knows what is still to come.
    let sent = match (sent, &reply) {
        (Some(sent), _) => Some(sent),
        (None, Ok(_)) => Some(feed.await),
        (None, Err(_)) => tokio::time::timeout(AFTERMATH, feed).await.ok(),
    };
    let sent = sent.transpose().map_err(|error| Failure::new(error.to_string()))?;
    let sent = sent.transpose().map_err(unreadable)?;
    let reply = reply?;
    let Some((check, passed)) = sent else { return Err(Failure::new(format!("{input} was not sent to its end"))) };
    if !check.agrees(reply.header(CHECK_HEADER)) {
        return Err(Failure::new(format!("what the server stored is not what {input} held; copy it again")));
    }
    Ok(passed)
}

/// Sends piece by piece; the check number of what was sent, and its length.
async fn feed(bytes: Box<dyn Read + Send>, pieces: Sender<io::Result<Bytes>>, bar: indicatif::ProgressBar) -> io::Result<(Check, u64)> {
    let (mut check, mut passed) = (Check::default(), 0);
    let mut rest = bytes;
    loop {
        let (next, piece) = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(PIECE);
            let read = rest.by_ref().take(PIECE as u64).read_to_end(&mut piece);
            (rest, read.map(|_| piece))
        })
        .await
        .map_err(io::Error::other)?;
        rest = next;
        let piece = match piece {
            Ok(piece) if piece.is_empty() => return Ok((check, passed)),
            Ok(piece) => Bytes::from(piece),
            Err(error) => {
                let _ = pieces.send(Err(io::Error::new(error.kind(), error.to_string()))).await;
                return Err(error);
            }
        };
        check.update(&piece);
        passed += piece.len() as u64;
        bar.inc(piece.len() as u64);
        // Whoever no longer takes pieces tells why in the reply.
        match tokio::time::timeout(PATIENCE, pieces.send(Ok(piece))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Ok((check, passed)),
        }
    }
}

/// Copies down; how many bytes there were.
pub(super) async fn down(
    oss: &Oss,
    credential: &Credential,
    bucket: &str,
    key: &str,
    target: Option<&Path>,
    bar: &indicatif::ProgressBar,
) -> Result<u64, Failure> {
    let mut reply = oss.open(credential, bucket, key, now()).await?;
    let told = reply.header(CHECK_HEADER).to_owned();
    let length: Option<u64> = reply.header("content-length").parse().ok();
    if let Some(length) = length {
        bar.set_length(length);
    }
    let mut out = Out::open(target)?;
    let (mut check, mut passed) = (Check::default(), 0_u64);
    while let Some(piece) = reply.next().await? {
        check.update(&piece);
        passed += piece.len() as u64;
        bar.inc(piece.len() as u64);
        out.write(&piece)?;
    }
    bar.finish_and_clear();
    if !check.agrees(&told) || length.is_some_and(|length| length != passed) {
        return Err(Failure::new(format!("what arrived of `oss://{bucket}/{key}` is not what the server holds; copy it again")));
    }
    out.finish()?;
    Ok(passed)
}

/// Where an object goes. A file appears when it is whole; until then it is a draft beside its place, gone if the copy fails.
enum Out<'a> {
    Standard,
    File { target: &'a Path, draft: PathBuf, file: fs::File },
}

impl<'a> Out<'a> {
    fn open(target: Option<&'a Path>) -> Result<Self, Failure> {
        let Some(target) = target else { return Ok(Self::Standard) };
        let name = target.file_name().ok_or_else(|| Failure::usage(format!("`{}` names no file", target.display())))?;
        let draft = target.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
        let file = file.map_err(|error| Failure::new(format!("`{}` cannot be written: {error}", draft.display())))?;
        Ok(Self::File { target, draft, file })
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Standard => io::stdout().lock().write_all(piece),
            Self::File { file, .. } => file.write_all(piece),
        }
        .map_err(|error| Failure::new(format!("the copy cannot be written: {error}")))
    }

    fn finish(self) -> Result<(), Failure> {
        match &self {
            Self::Standard => io::stdout().lock().flush(),
            Self::File { target, draft, file } => file.sync_all().and_then(|()| fs::rename(draft, target)),
        }
        .map_err(|error| Failure::new(format!("the copy cannot be written: {error}")))
    }
}

impl Drop for Out<'_> {
    fn drop(&mut self) {
        if let Self::File { draft, .. } = self {
            // After a rename there is nothing of this name.
            let _ = fs::remove_file(draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_over_and_never_lead_elsewhere() {
        assert_eq!(target_key(Path::new("/x/cat.txt"), "alice/").unwrap(), "alice/cat.txt");
        assert_eq!(target_key(Path::new("cat.txt"), "dog.txt").unwrap(), "dog.txt");
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().to_str().unwrap();
        assert_eq!(target_path(to, "a/b.txt").unwrap(), Some(folder.path().join("b.txt")));
        assert_eq!(target_path("-", "a").unwrap(), None);
        for wrong in ["a/..", "a/", ".."] {
            assert!(target_path(to, wrong).is_err(), "{wrong}");
        }
    }
}
