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
use url::Url;

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
    for (name, key) in [
        ("AWS_ACCESS_KEY_ID", AmazonS3ConfigKey::AccessKeyId),
        ("AWS_SECRET_ACCESS_KEY", AmazonS3ConfigKey::SecretAccessKey),
        ("AWS_SESSION_TOKEN", AmazonS3ConfigKey::Token),
        ("AWS_REGION", AmazonS3ConfigKey::Region),
    ] {
        check_value(address, name, value(&key))?;
    }
    let allow = truth(value(&AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp)));
    let endpoint = value(&AmazonS3ConfigKey::Endpoint);
    check_endpoint(address, "AWS_ENDPOINT_URL", endpoint, ("AWS_ALLOW_HTTP", allow))?;
    let client = patience.client().with_allow_http(allow);
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
    check_value(address, "AZURE_STORAGE_ACCOUNT_NAME", value(&AzureConfigKey::AccountName))?;
    check_value(address, "AZURE_STORAGE_ACCOUNT_KEY", value(&AzureConfigKey::AccessKey))?;
    let allow = truth(value(&AzureConfigKey::Client(ClientConfigKey::AllowHttp)));
    let endpoint = value(&AzureConfigKey::Endpoint);
    check_endpoint(address, "AZURE_STORAGE_ENDPOINT", endpoint, ("AZURE_ALLOW_HTTP", allow))?;
    let client = patience.client().with_allow_http(allow);
    built(address, builder.with_client_options(client).with_retry(patience.retry()).build())
}

fn truth(value: Option<String>) -> bool {
    value
        .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on" | "y"))
}

/// Refuses what cannot stand in a header, such as a key with the end of its line; the library would panic.
fn check_value(address: &Address, name: &str, value: Option<String>) -> Result<(), RemoteError> {
    if value.is_none_or(|value| value.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Ok(());
    }
    Err(RemoteError::Settings {
        address: address.to_string(),
        why: format!("{name} holds a space, a line end or another character that no such value has"),
        help: "set it anew, without what stands around it".to_owned(),
    })
}

/// Refuses an endpoint that is no address, and one without encryption, unless that was asked for by name.
fn check_endpoint(
    address: &Address,
    name: &str,
    endpoint: Option<String>,
    (allow_name, allow): (&str, bool),
) -> Result<(), RemoteError> {
    let Some(endpoint) = endpoint else { return Ok(()) };
    let refuse =
        |why: String, help: String| Err(RemoteError::Settings { address: address.to_string(), why, help });
    let url = Url::parse(&endpoint).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url.filter(|url| url.has_host() && endpoint.bytes().all(|byte| byte.is_ascii_graphic()))
    else {
        return refuse(format!("{name} is no address"), "write it as in `https://host:9000`".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        let help = format!("leave it out: {} say who you are", cloud_login(address));
        return refuse(format!("{name} holds a login or a query"), help);
    }
    if url.scheme() == "http" && !allow {
        let help = format!("set {allow_name}=true where that is meant, else write `https:`");
        return refuse(format!("{name} is `http:`, which encrypts nothing"), help);
    }
    Ok(())
}

fn cloud_login(address: &Address) -> &'static str {
    match address {
        Address::Bucket { cloud, .. } => cloud.login(),
        Address::Folder(_) => "",
    }
}

fn built<S: ObjectStore>(
    address: &Address,
    store: object_store::Result<S>,
) -> Result<Arc<dyn ObjectStore>, RemoteError> {
    match store {
        Ok(store) => Ok(Arc::new(store)),
        Err(error) => Err(RemoteError::Settings {
            address: address.to_string(),
            why: reason(&error),
            help: format!("set {}; see docs/explanation/cache.md", cloud_login(address)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_library_would_stumble_over_is_refused() {
        let address = Address::parse("s3://results").unwrap();
        let said = |result: Result<(), RemoteError>| result.map_err(|error| error.to_string());
        for value in [None, Some("AKIA/+=".to_owned())] {
            assert_eq!(said(check_value(&address, "AWS_SECRET_ACCESS_KEY", value)), Ok(()));
        }
        for value in ["s3cret\n", " s3cret", "s3crét"] {
            let told =
                said(check_value(&address, "AWS_SECRET_ACCESS_KEY", Some(value.to_owned()))).unwrap_err();
            assert!(told.contains("AWS_SECRET_ACCESS_KEY holds") && !told.contains("s3cr"), "{told}");
        }
        let endpoint = |url: &str, allow| {
            said(check_endpoint(
                &address,
                "AWS_ENDPOINT_URL",
                Some(url.to_owned()),
                ("AWS_ALLOW_HTTP", allow),
            ))
        };
        assert_eq!(endpoint("https://host:9000", false), Ok(()));
        assert_eq!(endpoint("http://127.0.0.1:9000", true), Ok(()));
        assert!(endpoint("http://127.0.0.1:9000", false).unwrap_err().contains("encrypts nothing"));
        for url in ["nonsense", "host:9000", "ftp://host", "https://", "https://hö st", "https://host/a b"] {
            assert!(endpoint(url, true).unwrap_err().contains("is no address"), "{url}");
        }
        let told = endpoint("https://me:s3cret@host", true).unwrap_err();
        assert!(told.contains("holds a login") && !told.contains("s3cret"), "{told}");
    }
}
