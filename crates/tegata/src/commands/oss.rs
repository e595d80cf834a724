//! `tegata oss …`: objects listed, copied, removed, and handed out by URL. Bytes stream; nothing is held whole.

mod copy;
mod tree;

pub(crate) use copy::cp;
use serde_json::{Value, json};

use super::{
    access::{Opened, now},
    runtime,
    table::{print_json, rows, size},
};
use crate::{
    cli::client::{Form, OssLsFlags, OssRmFlags, OssSignFlags},
    config::Environment,
    failure::Failure,
    terminal,
};

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
    let (bucket, object) = if flags.recursive { bucket_of(&flags.url)? } else { object_of(&flags.url)? };
    if flags.recursive && object.is_empty() && !flags.url.ends_with('/') {
        return Err(Failure::usage(format!("this would remove every object of the bucket; if that is meant, write `{}/`", flags.url)));
    }
    let opened = Opened::new(&flags.oss.access, environment)?;
    let oss = opened.oss(&flags.oss, environment)?;
    if flags.recursive {
        return tree::rm(&opened, &oss, bucket, object);
    }
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
}
