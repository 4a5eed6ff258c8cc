//! An address becomes an object store. The one place of this room that reads the environment: who we are to the
//! store, where it is if not at its usual place, by the variables that its vendor's own tools read.
//!
//! `AWS_*`, `GOOGLE_*` and `AZURE_*`, `HTTPS_PROXY` and its kin, `SSL_CERT_FILE`. Secrets go nowhere but into requests' signatures.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::prefix::PrefixStore;
use object_store::{ClientConfigKey, ObjectStore};
use tokio::runtime::{Builder, Runtime};

use super::address::{Address, Cloud};
use super::error::{RemoteError, reason};
use super::patience::Patience;

/// A remote that can be asked. Nothing was asked of it yet.
#[derive(Debug)]
pub struct Remote {
    pub(super) address: Address,
    /// Below the prefix.
    pub(super) files: Arc<dyn ObjectStore>,
    pub(super) patience: Patience,
    pub(super) runtime: Runtime,
}

/// What is done where the remote is a folder that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoFolder {
    Make,
    Empty,
    Refuse,
}

impl Remote {
    /// For reading: a folder must be there.
    ///
    /// # Errors
    /// Where the folder is not there, or the environment says something that cannot be.
    pub fn for_reading(address: &Address, patience: Patience) -> Result<Self, RemoteError> {
        Self::connect(address, patience, NoFolder::Refuse)
    }

    /// For writing: a folder that is not there is made.
    ///
    /// # Errors
    /// Where the folder cannot be made, or the environment says something that cannot be.
    pub fn for_writing(address: &Address, patience: Patience) -> Result<Self, RemoteError> {
        Self::connect(address, patience, NoFolder::Make)
    }

    /// For saying what would be written: a folder that is not there counts as empty.
    ///
    /// # Errors
    /// Where the environment says something that cannot be.
    pub fn for_looking(address: &Address, patience: Patience) -> Result<Self, RemoteError> {
        Self::connect(address, patience, NoFolder::Empty)
    }

    /// The place.
    pub fn address(&self) -> &Address {
        &self.address
    }

    fn connect(address: &Address, patience: Patience, no_folder: NoFolder) -> Result<Self, RemoteError> {
        let files = match address {
            Address::Folder(_) => folder(address, no_folder)?,
            Address::Bucket { cloud, bucket, prefix } => {
                // Fails where it has been done before, which is as good.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let store = match cloud {
                    Cloud::S3 => s3(address, bucket, patience)?,
                    Cloud::Google => google(address, bucket, patience)?,
                    Cloud::Azure => azure(address, bucket, patience)?,
                };
                Arc::new(PrefixStore::new(store, prefix.as_str()))
            }
        };
        Self::with(address, files, patience)
    }

    /// A remote on any store.
    pub(super) fn with(
        address: &Address,
        files: Arc<dyn ObjectStore>,
        patience: Patience,
    ) -> Result<Self, RemoteError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("remote")
            .enable_all()
            .build()
            .map_err(RemoteError::Runtime)?;
        Ok(Remote { address: address.clone(), files, patience, runtime })
    }
}

fn folder(address: &Address, no_folder: NoFolder) -> Result<Arc<dyn ObjectStore>, RemoteError> {
    let Address::Folder(path) = address else { panic!("bug: `{address}` is no folder") };
    match no_folder {
        NoFolder::Make => std::fs::create_dir_all(path)
            .map_err(|source| RemoteError::Folder { path: path.clone(), source })?,
        NoFolder::Empty if !path.exists() => return Ok(Arc::new(InMemory::new())),
        NoFolder::Refuse if !path.is_dir() => return Err(RemoteError::NoFolder { path: path.clone() }),
        NoFolder::Empty | NoFolder::Refuse => {}
    }
    let store = LocalFileSystem::new_with_prefix(path)
        .map_err(|error| RemoteError::request("open", address, &error))?;
    // As in a cache: a record must not survive a power cut that its objects do not.
    Ok(Arc::new(store.with_fsync(true)))
}

fn s3(address: &Address, bucket: &str, patience: Patience) -> Result<Arc<dyn ObjectStore>, RemoteError> {
    let builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    let value = |key: &AmazonS3ConfigKey| builder.get_config_value(key);
    let allows_http = value(&AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp));
    check_scheme(
        address,
        ("AWS_ENDPOINT_URL", value(&AmazonS3ConfigKey::Endpoint)),
        ("AWS_ALLOW_HTTP", allows_http.clone()),
    )?;
    let client = patience.client().with_allow_http(truth(allows_http.as_deref()));
    built(address, builder.with_client_options(client).with_retry(patience.retry()).build())
}

fn google(address: &Address, bucket: &str, patience: Patience) -> Result<Arc<dyn ObjectStore>, RemoteError> {
    let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
    built(address, builder.with_client_options(patience.client()).with_retry(patience.retry()).build())
}

fn azure(
    address: &Address,
    container: &str,
    patience: Patience,
) -> Result<Arc<dyn ObjectStore>, RemoteError> {
    let builder = MicrosoftAzureBuilder::from_env().with_container_name(container);
    let value = |key: &AzureConfigKey| builder.get_config_value(key);
    let allows_http = value(&AzureConfigKey::Client(ClientConfigKey::AllowHttp));
    check_scheme(
        address,
        ("AZURE_STORAGE_ENDPOINT", value(&AzureConfigKey::Endpoint)),
        ("AZURE_ALLOW_HTTP", allows_http.clone()),
    )?;
    let client = patience.client().with_allow_http(truth(allows_http.as_deref()));
    built(address, builder.with_client_options(client).with_retry(patience.retry()).build())
}

fn truth(value: Option<&str>) -> bool {
    value
        .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on" | "y"))
}

/// Refuses an endpoint without encryption, unless it was asked for by name; the library would say so only at the first request.
fn check_scheme(
    address: &Address,
    (endpoint_name, endpoint): (&str, Option<String>),
    (allow_name, allow): (&str, Option<String>),
) -> Result<(), RemoteError> {
    let open = endpoint.is_some_and(|url| url.to_ascii_lowercase().starts_with("http://"));
    if open && !truth(allow.as_deref()) {
        return Err(RemoteError::Settings {
            address: address.clone(),
            why: format!("{endpoint_name} is `http:`, which encrypts nothing"),
            help: format!("set {allow_name}=true where that is meant, else write `https:`"),
        });
    }
    Ok(())
}

fn built<S: ObjectStore>(
    address: &Address,
    store: object_store::Result<S>,
) -> Result<Arc<dyn ObjectStore>, RemoteError> {
    match store {
        Ok(store) => Ok(Arc::new(store)),
        Err(error) => {
            let login = match address {
                Address::Bucket { cloud, .. } => cloud.login(),
                Address::Folder(_) => "",
            };
            Err(RemoteError::Settings {
                address: address.clone(),
                why: reason(&error),
                help: format!("set {login}; see docs/cache.md"),
            })
        }
    }
}
