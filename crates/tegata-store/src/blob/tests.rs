use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use tegata_model::{BlobId, Timestamp};

use super::*;
use crate::{Location, Options, Store};

const FAR: Timestamp = Timestamp::from_unix(32_503_680_000);

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

async fn written(blobs: &Blobs, id: BlobId, bytes: &[u8]) {
    let mut writer = blobs.create(id).await.unwrap();
    for piece in bytes.chunks(70_000) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    assert_eq!(writer.finish().await.unwrap(), u64::try_from(bytes.len()).unwrap());
}

async fn read(blobs: &Blobs, id: BlobId, range: Range<u64>) -> Result<Vec<u8>, BlobError> {
    let pieces: Vec<Bytes> = blobs.read(id, range).await?.try_collect().await?;
    assert!(pieces.iter().all(|piece| piece.len() <= 256 * 1024));
    Ok(pieces.concat())
}

#[tokio::test]
async fn sizes_and_ranges_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::local(folder.path()).unwrap();
    for (n, size) in [0, 1, 4096, 262_144, 262_145, 1_048_576, 1_048_577, 5_000_000].into_iter().enumerate() {
        let id = BlobId::from_bytes([u8::try_from(n).unwrap(); 16]);
        let bytes = pattern(size);
        written(&blobs, id, &bytes).await;
        let end = u64::try_from(size).unwrap();
        assert_eq!(read(&blobs, id, 0..end).await.unwrap(), bytes);
        let (from, to) = (size / 3, size - size / 5);
        assert_eq!(read(&blobs, id, u64::try_from(from).unwrap()..u64::try_from(to).unwrap()).await.unwrap(), bytes[from..to]);
        assert!(matches!(read(&blobs, id, 0..end + 1).await, Err(BlobError::Short(_))));
    }
}

#[tokio::test]
async fn missing_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::local(folder.path()).unwrap();
    let id = BlobId::from_bytes([9; 16]);
    assert!(matches!(read(&blobs, id, 0..1).await, Err(BlobError::Missing(_))));
    written(&blobs, id, b"x").await;
    blobs.delete(id).await.unwrap();
    blobs.delete(id).await.unwrap();
    assert!(matches!(read(&blobs, id, 0..1).await, Err(BlobError::Missing(_))));
}

#[tokio::test]
async fn an_unfinished_blob_is_never_published_and_leaves_nothing_when_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::local(folder.path()).unwrap();
    let id = BlobId::from_bytes([3; 16]);
    let mut writer = blobs.create(id).await.unwrap();
    writer.write(pattern(3_000_000).into()).await.unwrap();
    assert!(matches!(read(&blobs, id, 0..1).await, Err(BlobError::Missing(_))));
    assert!(blobs.list(3).await.unwrap().iter().all(|file| file.staged));
    drop(writer);
    for _ in 0..100 {
        if blobs.list(3).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the staged file stayed");
}

#[tokio::test]
async fn a_crash_leaves_an_orphan_that_a_later_sweep_removes() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite { path: folder.path().join("rows.db"), read_only: false };
    let store = Store::open(&location, &Options::default()).await.unwrap();
    let blobs = Blobs::local(&folder.path().join("blobs")).unwrap();
    let (orphan, half) = (BlobId::from_bytes([1; 16]), BlobId::from_bytes([2; 16]));
    written(&blobs, orphan, b"orphan").await;
    let mut writer = blobs.create(half).await.unwrap();
    writer.write(pattern(2_000_000).into()).await.unwrap();
    // As a crash would: neither finished nor cleaned up.
    std::mem::forget(writer);
    let young = blobs.sweep(&store, Duration::from_secs(u64::from(u32::MAX) * 100), FAR).await.unwrap();
    assert_eq!(young, Swept::default());
    let swept = blobs.sweep(&store, Duration::from_hours(1), FAR).await.unwrap();
    assert_eq!((swept.orphans, swept.staged), (1, 1));
    assert!(matches!(read(&blobs, orphan, 0..1).await, Err(BlobError::Missing(_))));
}

#[test]
fn file_names() {
    let id = BlobId::from_bytes([0xAB; 16]);
    assert_eq!(name(id).as_ref(), format!("ab/{}", "ab".repeat(16)));
    assert_eq!(id_of(&"ab".repeat(16)), Some((id, false)));
    assert_eq!(id_of(&format!("{}#2", "ab".repeat(16))), Some((id, true)));
    assert_eq!(id_of("lost+found"), None);
    assert_eq!(id_of(&"AB".repeat(16)), None);
}
