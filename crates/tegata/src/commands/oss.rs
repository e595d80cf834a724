//! `tegata oss …`: objects listed, copied, removed, and handed out by URL. Bytes stream; nothing is held whole.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Value, json};
use tegata_client::{
    Credential, Oss,
    oss::{CHECK_HEADER, Check},
    transport::Upload,
};
use tokio::sync::mpsc::Sender;

use super::{
    access::{Opened, now},
    runtime,
    table::{print_json, rows, size},
};
use crate::{
    cli::client::{Form, OssCpFlags, OssLsFlags, OssRmFlags, OssSignFlags},
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

/// `oss://bucket/key`, taken apart; the key may be empty.
fn address(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("oss://")?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

fn bucket_of(text: &str) -> Result<(&str, &str), Failure> {
    let wrong = || Failure::usage(format!("`{text}` names no bucket; expected `oss://BUCKET` or `oss://BUCKET/KEY`"));
    let (bucket, key) = address(text).ok_or_else(wrong)?;
    let plain = !bucket.is_empty() && bucket.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if plain { Ok((bucket, key)) } else { Err(wrong()) }
}

fn object_of(text: &str) -> Result<(&str, &str), Failure> {
    match bucket_of(text)? {
        (_, "") => Err(Failure::usage(format!("`{text}` names no object; expected `oss://BUCKET/KEY`"))),
        (bucket, key) => Ok((bucket, key)),
    }
}

/// `tegata oss ls`
pub(crate) fn ls(flags: &OssLsFlags, environment: &Environment) -> Result<(), Failure> {
    let place = flags.url.as_deref().map(bucket_of).transpose()?;
    let opened = Opened::new(&flags.oss.access, environment)?;
    let oss = opened.oss(&flags.oss, environment)?;
    runtime()?.block_on(async {
        let key = opened.credential().await?;
        let Some((bucket, prefix)) = place else {
            let buckets = oss.buckets(&key, now()).await?;
            match flags.printed.output {
                Form::Json => {
                    print_json(&buckets.iter().map(|bucket| json!({"name": bucket.name, "created": bucket.created})).collect::<Value>());
                }
                Form::Table => {
                    let all: Vec<_> = buckets.into_iter().map(|bucket| [bucket.created, format!("oss://{}", bucket.name)]).collect();
                    rows(["CREATED", "BUCKET"], &all);
                }
            }
            return Ok(());
        };
        let mut objects = Vec::new();
        let mut after = None;
        loop {
            let key = opened.credential().await?;
            let page = oss.page(&key, bucket, prefix, after.as_deref(), now()).await?;
            objects.extend(page.objects);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        match flags.printed.output {
            Form::Json => {
                let all = objects.iter().map(|object| json!({"key": object.key, "size": object.size, "modified": object.modified}));
                print_json(&all.collect::<Value>());
            }
            Form::Table => {
                let all: Vec<_> = objects
                    .into_iter()
                    .map(|object| [object.modified, size(object.size), format!("oss://{bucket}/{}", object.key)])
                    .collect();
                rows(["MODIFIED", "SIZE", "OBJECT"], &all);
            }
        }
        Ok(())
    })
}

/// `tegata oss rm`
pub(crate) fn rm(flags: &OssRmFlags, environment: &Environment) -> Result<(), Failure> {
    let (bucket, object) = object_of(&flags.url)?;
    let opened = Opened::new(&flags.oss.access, environment)?;
    let oss = opened.oss(&flags.oss, environment)?;
    runtime()?.block_on(async { Ok::<_, Failure>(oss.delete(&opened.credential().await?, bucket, object, now()).await?) })?;
    terminal::say(&format!("removed {}", flags.url));
    Ok(())
}

/// `tegata oss sign`
pub(crate) fn sign(flags: &OssSignFlags, environment: &Environment) -> Result<(), Failure> {
    let (bucket, object) = object_of(&flags.url)?;
    let opened = Opened::new(&flags.oss.access, environment)?;
    let oss = opened.oss(&flags.oss, environment)?;
    let key = runtime()?.block_on(opened.credential())?;
    let url = oss.signed_url_for(&flags.method, &key, bucket, object, flags.expires, now())?;
    if let Some(end) = key.expires_at.filter(|&end| end < now().plus(flags.expires)) {
        terminal::complain(&format!("the key behind this URL ends at {}, and the URL with it", end.to_iso()));
    }
    terminal::say(&url);
    Ok(())
}

/// `tegata oss cp`
pub(crate) fn cp(flags: &OssCpFlags, environment: &Environment) -> Result<(), Failure> {
    match (address(&flags.from), address(&flags.to)) {
        (None, Some(_)) => {
            let (bucket, key) = bucket_of(&flags.to)?;
            let path = Path::new(&flags.from);
            let key = target_key(path, key)?;
            let opened = Opened::new(&flags.oss.access, environment)?;
            let oss = opened.oss(&flags.oss, environment)?;
            let length = runtime()?.block_on(async { up(&oss, &opened.credential().await?, path, bucket, &key).await })?;
            terminal::say(&format!("copied {} to oss://{bucket}/{key}", size(length)));
        }
        (Some(_), None) => {
            let (bucket, key) = object_of(&flags.from)?;
            let target = target_path(&flags.to, key)?;
            let opened = Opened::new(&flags.oss.access, environment)?;
            let oss = opened.oss(&flags.oss, environment)?;
            let length = runtime()?.block_on(async { down(&oss, &opened.credential().await?, bucket, key, target.as_deref()).await })?;
            if let Some(target) = target {
                terminal::say(&format!("copied {} to {}", size(length), target.display()));
            }
        }
        (Some(_), Some(_)) => return Err(Failure::usage("copying from object to object is not offered yet; copy down, then up")),
        (None, None) => return Err(Failure::usage("one of the two must be an object, `oss://BUCKET/KEY`")),
    }
    Ok(())
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

async fn up(oss: &Oss, credential: &Credential, path: &Path, bucket: &str, key: &str) -> Result<u64, Failure> {
    let unreadable = |error: io::Error| Failure::new(format!("`{}` cannot be read: {error}", path.display()));
    let file = fs::File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err(Failure::usage(format!("`{}` is not a file; copy files one at a time", path.display())));
    }
    let length = found.len();
    let (pieces, body) = Upload::new(length);
    let bar = terminal::progress(Some(length));
    let mut feed = tokio::spawn(feed(file, length, pieces, bar.clone()));
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
    let reply = reply?;
    let sent = match sent {
        Some(sent) => sent,
        None => feed.await,
    };
    let check = sent.map_err(|error| Failure::new(error.to_string()))?.map_err(unreadable)?;
    if !check.agrees(reply.header(CHECK_HEADER)) {
        return Err(Failure::new(format!("what the server stored is not what `{}` held; copy it again", path.display())));
    }
    Ok(length)
}

/// Sends a file piece by piece; the check number of what was sent.
async fn feed(file: fs::File, length: u64, pieces: Sender<io::Result<Bytes>>, bar: indicatif::ProgressBar) -> io::Result<Check> {
    let mut check = Check::default();
    let mut rest = file.take(length);
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
            Ok(piece) if piece.is_empty() => return Ok(check),
            Ok(piece) => Bytes::from(piece),
            Err(error) => {
                let _ = pieces.send(Err(io::Error::new(error.kind(), error.to_string()))).await;
                return Err(error);
            }
        };
        check.update(&piece);
        bar.inc(piece.len() as u64);
        // Whoever no longer takes pieces tells why in the reply.
        match tokio::time::timeout(PATIENCE, pieces.send(Ok(piece))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Ok(check),
        }
    }
}

async fn down(oss: &Oss, credential: &Credential, bucket: &str, key: &str, target: Option<&Path>) -> Result<u64, Failure> {
    let mut reply = oss.open(credential, bucket, key, now()).await?;
    let told = reply.header(CHECK_HEADER).to_owned();
    let length: Option<u64> = reply.header("content-length").parse().ok();
    let bar = terminal::progress(length);
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
    fn urls_are_taken_apart() {
        assert_eq!(object_of("oss://photos/a/b.txt").unwrap(), ("photos", "a/b.txt"));
        assert_eq!(object_of("oss://photos//x").unwrap(), ("photos", "/x"));
        assert_eq!(bucket_of("oss://photos").unwrap(), ("photos", ""));
        for wrong in ["photos/x", "oss://", "oss:///x", "oss://UP/x", "oss://a.b/x", "http://photos/x"] {
            assert!(bucket_of(wrong).is_err(), "{wrong}");
        }
        assert!(object_of("oss://photos/").is_err());
    }

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
