//! Whole folders up and down, and everything under a prefix removed; a few objects at a time.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
    pin::pin,
};

use futures_util::{StreamExt as _, stream};
use tegata_client::{Oss, oss::Listed};

use super::copy::{self, Input};
use crate::{
    commands::{
        access::{Opened, now},
        runtime,
        table::size,
    },
    failure::Failure,
    terminal,
};

/// Objects that are under way at once.
const AT_ONCE: usize = 4;

/// Copies the files of a folder, and of the folders in it, under a prefix.
pub(super) fn up(opened: &Opened, oss: &Oss, folder: &Path, bucket: &str, prefix: &str) -> Result<(), Failure> {
    let prefix = as_folder(prefix);
    let mut files = Vec::new();
    walk(folder, "", &mut files).map_err(|error| Failure::usage(format!("`{}` cannot be read: {error}", folder.display())))?;
    let keys = files.into_iter().map(|(path, name)| (path, format!("{prefix}{name}"))).collect();
    let done = each(keys, async |(path, key): (PathBuf, String)| {
        let credential = opened.credential().await.map_err(|failure| (key.clone(), failure))?;
        let hidden = indicatif::ProgressBar::hidden();
        copy::up(oss, &credential, Input::File(&path), bucket, &key, &hidden).await.map_err(|failure| (key, failure))
    })?;
    done.told("copied", &format!(" to oss://{bucket}/{prefix}"))
}

/// Copies what lies under a prefix into a folder.
pub(super) fn down(opened: &Opened, oss: &Oss, bucket: &str, prefix: &str, folder: &Path) -> Result<(), Failure> {
    let prefix = as_folder(prefix);
    let objects = runtime()?.block_on(all(opened, oss, bucket, &prefix))?;
    let objects = objects.into_iter().filter(|object| !(object.size == 0 && object.key.ends_with('/'))).collect();
    let done = each(objects, async |Listed { key, .. }: Listed| {
        let copied = async {
            let name = inside(key.strip_prefix(&prefix).unwrap_or_default())?;
            let target = folder.join(name);
            let parent = target.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(|error| Failure::new(format!("`{}` cannot be made: {error}", parent.display())))?;
            let hidden = indicatif::ProgressBar::hidden();
            copy::down(oss, &opened.credential().await?, bucket, &key, Some(&target), &hidden).await
        };
        copied.await.map_err(|failure| (key.clone(), failure))
    })?;
    done.told("copied", &format!(" to {}", folder.display()))
}

/// Removes what lies under a prefix.
pub(super) fn rm(opened: &Opened, oss: &Oss, bucket: &str, prefix: &str) -> Result<(), Failure> {
    let prefix = as_folder(prefix);
    let objects = runtime()?.block_on(all(opened, oss, bucket, &prefix))?;
    let done = each(objects, async |Listed { key, size, .. }: Listed| {
        let removed = async { Ok::<_, Failure>(oss.delete(&opened.credential().await?, bucket, &key, now()).await?) };
        removed.await.map(|()| size).map_err(|failure| (key.clone(), failure))
    })?;
    done.told("removed", "")
}

/// A prefix names a folder, whether it ends with a slash or not: `a` does not mean `ab`.
fn as_folder(prefix: &str) -> String {
    if prefix.is_empty() || prefix.ends_with('/') { prefix.to_owned() } else { format!("{prefix}/") }
}

/// How it went.
struct Done {
    count: u64,
    bytes: u64,
    failed: u64,
}

impl Done {
    fn told(&self, verb: &str, place: &str) -> Result<(), Failure> {
        let objects = |count| if count == 1 { "1 object".to_owned() } else { format!("{count} objects") };
        terminal::say(&format!("{verb} {}, {}{place}", objects(self.count), size(self.bytes)));
        if self.failed == 0 { Ok(()) } else { Err(Failure::new(format!("{} could not be {verb}", objects(self.failed)))) }
    }
}

/// Does the same with all of them, some at once. What fails is told, and does not keep the others.
fn each<T>(items: Vec<T>, act: impl AsyncFn(T) -> Result<u64, (String, Failure)>) -> Result<Done, Failure> {
    let bar = terminal::count(items.len());
    let done = runtime()?.block_on(async {
        let mut results = pin!(stream::iter(items).map(|item| act(item)).buffer_unordered(AT_ONCE));
        let mut done = Done { count: 0, bytes: 0, failed: 0 };
        while let Some(result) = results.next().await {
            bar.inc(1);
            match result {
                Ok(bytes) => {
                    done.count += 1;
                    done.bytes += bytes;
                }
                Err((key, failure)) => {
                    done.failed += 1;
                    bar.suspend(|| terminal::complain(&tegata_core::why::escape(&format!("{key}: {failure}"))));
                }
            }
        }
        done
    });
    bar.finish_and_clear();
    Ok(done)
}

/// All objects under a prefix.
async fn all(opened: &Opened, oss: &Oss, bucket: &str, prefix: &str) -> Result<Vec<Listed>, Failure> {
    let (mut objects, mut after) = (Vec::new(), None);
    loop {
        let page = oss.page(&opened.credential().await?, bucket, prefix, after.as_deref(), now()).await?;
        objects.extend(page.objects);
        after = page.next;
        if after.is_none() {
            return Ok(objects);
        }
    }
}

/// The files in a folder with their names from there. Links are not followed: they may lead anywhere.
fn walk(folder: &Path, name: &str, files: &mut Vec<(PathBuf, String)>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let Some(own) = entry.file_name().to_str().map(str::to_owned) else {
            terminal::note(&format!("left out: `{}` has a name no object could have", path.display()));
            continue;
        };
        let name = if name.is_empty() { own } else { format!("{name}/{own}") };
        match entry.file_type()? {
            kind if kind.is_dir() => walk(&path, &name, files)?,
            kind if kind.is_file() => files.push((path, name)),
            _ => terminal::note(&format!("left out: `{}` is no file", path.display())),
        }
    }
    Ok(())
}

/// The rest of a key as a path that stays inside.
fn inside(rest: &str) -> Result<PathBuf, Failure> {
    let path = PathBuf::from(rest);
    let plain = !rest.is_empty() && !rest.contains('\0') && rest.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let stays = path.components().all(|part| matches!(part, Component::Normal(_)));
    if plain && stays { Ok(path) } else { Err(Failure::new("its name leads out of the folder; copy it alone, under another name")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_lead_out_of_a_folder() {
        assert_eq!(inside("a/b c/ä.txt").unwrap(), PathBuf::from("a/b c/ä.txt"));
        for wrong in ["", "/", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "a/.", "a\0b"] {
            assert!(inside(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(["", "a", "a/", "a/b"].map(as_folder), ["", "a/", "a/", "a/b/"]);
    }
}
