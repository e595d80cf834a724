//! Writing one blob: small ones in one piece, larger ones as a stream with a bounded part in memory.

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload, local::LocalFileSystem, path::Path};
use tokio::task::JoinHandle;

use super::BlobError;

/// A blob up to this size is written at once; a larger one in parts of this size.
const PART: usize = 1024 * 1024;

/// A blob that is being written. Dropping it without [`Self::finish`] leaves nothing; a crash leaves a file that
/// [`Blobs::sweep`](super::Blobs::sweep) removes.
#[derive(Debug)]
pub struct BlobWriter {
    files: LocalFileSystem,
    name: Path,
    /// What is not written yet: less than a part, between calls.
    pending: Vec<Bytes>,
    pending_size: usize,
    size: u64,
    upload: Option<Upload>,
}

#[derive(Debug)]
struct Upload {
    parts: Box<dyn MultipartUpload>,
    /// The part that is being written while the next one arrives.
    running: Option<JoinHandle<object_store::Result<()>>>,
}

impl BlobWriter {
    pub(super) fn new(files: LocalFileSystem, name: Path) -> Self {
        Self { files, name, pending: Vec::new(), pending_size: 0, size: 0, upload: None }
    }

    /// Adds bytes at the end. Waits when the disk is slower than whoever writes: at most three parts are in memory.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.size += u64::try_from(bytes.len()).unwrap_or(0);
        self.pending_size += bytes.len();
        self.pending.push(bytes);
        if self.pending_size > PART { self.write_part().await } else { Ok(()) }
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Flushes to disk and publishes under the blob's name; the number of bytes.
    pub async fn finish(mut self) -> Result<u64, BlobError> {
        if self.upload.is_none() {
            let payload = PutPayload::from_iter(std::mem::take(&mut self.pending));
            self.files.put(&self.name, payload).await?;
            return Ok(self.size);
        }
        if self.pending_size > 0 {
            self.write_part().await?;
        }
        if let Some(mut upload) = self.upload.take() {
            upload.settle().await?;
            upload.parts.complete().await?;
        }
        Ok(self.size)
    }

    /// Throws away what was written. Dropping does the same, a little later.
    pub async fn abort(mut self) -> Result<(), BlobError> {
        if let Some(mut upload) = self.upload.take() {
            // What a part failed with does not matter any more.
            let _ = upload.settle().await;
            upload.parts.abort().await?;
        }
        Ok(())
    }

    async fn write_part(&mut self) -> Result<(), BlobError> {
        let payload = PutPayload::from_iter(std::mem::take(&mut self.pending));
        self.pending_size = 0;
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => none.insert(Upload { parts: self.files.put_multipart(&self.name).await?, running: None }),
        };
        upload.settle().await?;
        upload.running = Some(tokio::spawn(upload.parts.put_part(payload)));
        Ok(())
    }
}

impl Upload {
    /// Waits for the part that is being written.
    async fn settle(&mut self) -> Result<(), BlobError> {
        match self.running.take() {
            Some(running) => Ok(running.await??),
            None => Ok(()),
        }
    }
}
