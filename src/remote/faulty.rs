//! An object store in memory that breaks when it is told to, for tests.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// Counts what is written, and refuses what comes after the first `writes_left`.
#[derive(Debug)]
pub(super) struct Faulty {
    pub inner: InMemory,
    writes_left: AtomicUsize,
    /// Names in the order in which they were written.
    pub written: Mutex<Vec<String>>,
    /// Uploads in parts that were taken back.
    pub aborted: std::sync::Arc<AtomicUsize>,
}

impl Faulty {
    pub fn new() -> Self {
        Faulty {
            inner: InMemory::new(),
            writes_left: AtomicUsize::new(usize::MAX),
            written: Mutex::default(),
            aborted: std::sync::Arc::default(),
        }
    }

    /// Takes so many more writes.
    pub fn allow(&self, writes: usize) {
        self.writes_left.store(writes, Ordering::SeqCst);
        self.written.lock().unwrap().clear();
    }

    pub fn written(&self) -> Vec<String> {
        self.written.lock().unwrap().clone()
    }

    /// Replaces the bytes of a file.
    pub async fn overwrite(&self, name: &str, bytes: &'static [u8]) {
        self.inner.put(&Path::from(name), PutPayload::from_static(bytes)).await.unwrap();
    }

    fn write(&self, location: &Path) -> Result<()> {
        let take = |left: usize| left.checked_sub(1);
        match self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) {
            Ok(_) => self.written.lock().unwrap().push(location.to_string()),
            Err(_) => return Err(Error::Generic { store: "faulty", source: "broken off".into() }),
        }
        Ok(())
    }
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("faulty")
    }
}

#[derive(Debug)]
struct Upload(Box<dyn MultipartUpload>, std::sync::Arc<AtomicUsize>);

#[async_trait::async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.0.put_part(data)
    }
    async fn complete(&mut self) -> Result<PutResult> {
        self.0.complete().await
    }
    async fn abort(&mut self) -> Result<()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.abort().await
    }
}

#[async_trait::async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.write(location)?;
        self.inner.put_opts(location, payload, options).await
    }
    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.write(location)?;
        let upload = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(Upload(upload, self.aborted.clone())))
    }
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }
    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix).boxed()
    }
    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }
    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
