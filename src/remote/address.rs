//! Where a remote is: a bucket of S3, Google or Azure with a prefix, or a folder.
//!
//! An address holds no secret, so that it can stand in logs and messages: who we are is the environment's to say.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;
use url::Url;

/// The place of a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A bucket, or a container, and a prefix of all names in it.
    Bucket {
        /// Whose.
        cloud: Cloud,
        /// Its name.
        bucket: String,
        /// Without slashes at its ends; may be empty.
        prefix: String,
    },
    /// A folder.
    Folder(PathBuf),
}

/// Whose object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// Amazon S3, and what speaks its language.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

/// Why a text is no address. The text itself is never repeated where it may hold a secret.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// Nothing at all.
    #[error("the remote's URL is empty")]
    Empty,
    /// It is no URL.
    #[error("the remote is no URL: {why}")]
    NoUrl {
        /// In words.
        why: String,
    },
    /// A scheme that is not known.
    #[error("a remote cannot be `{scheme}:`, expected `s3://`, `gs://`, `az://`, `file:///` or a folder")]
    Scheme {
        /// As written.
        scheme: String,
    },
    /// A user or password in it.
    #[error("the remote's URL holds a user name or password")]
    Secret {
        /// The scheme.
        cloud: Option<Cloud>,
    },
    /// Something behind the path.
    #[error("the remote's URL has a query or a fragment, which may hold a secret")]
    Query {
        /// The scheme.
        cloud: Option<Cloud>,
    },
    /// No bucket.
    #[error("the remote's URL names no bucket")]
    NoBucket {
        /// The scheme.
        scheme: String,
    },
    /// A bucket whose name no bucket has.
    #[error("`{bucket}` cannot be the name of a bucket")]
    Bucket {
        /// As written.
        bucket: String,
    },
    /// A prefix that cannot be a name.
    #[error("`{prefix}` cannot be the beginning of names in a bucket")]
    Prefix {
        /// As written.
        prefix: String,
    },
}

impl Cloud {
    fn of(scheme: &str) -> Option<Self> {
        match scheme {
            "s3" => Some(Cloud::S3),
            "gs" => Some(Cloud::Google),
            "az" => Some(Cloud::Azure),
            _ => None,
        }
    }

    /// The scheme of its URLs.
    pub fn scheme(self) -> &'static str {
        match self {
            Cloud::S3 => "s3",
            Cloud::Google => "gs",
            Cloud::Azure => "az",
        }
    }

    /// The variables that say who we are.
    pub fn login(self) -> &'static str {
        match self {
            Cloud::S3 => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            Cloud::Google => "GOOGLE_APPLICATION_CREDENTIALS, the path of a key file",
            Cloud::Azure => "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
        }
    }
}

impl AddressError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            AddressError::Empty | AddressError::NoUrl { .. } | AddressError::NoBucket { .. } => {
                "write it as in `s3://bucket/prefix`, or name a folder".to_owned()
            }
            AddressError::Scheme { scheme } => match scheme.as_str() {
                "http" | "https" => {
                    "a server of your own that speaks S3 is `s3://bucket/prefix`, with its URL in \
                                     AWS_ENDPOINT_URL"
                        .to_owned()
                }
                "s3a" => "write it as in `s3://bucket/prefix`".to_owned(),
                "gcs" => "write it as in `gs://bucket/prefix`".to_owned(),
                "azure" | "abfs" | "abfss" | "adl" => {
                    "write it as in `az://container/prefix`, with the account in AZURE_STORAGE_ACCOUNT_NAME"
                        .to_owned()
                }
                _ => "`s3://bucket/prefix` is one; a folder whose name has a colon is written as in `./a:b`"
                    .to_owned(),
            },
            AddressError::Secret { cloud } | AddressError::Query { cloud } => {
                let login = cloud.map_or("the usual variables, such as AWS_ACCESS_KEY_ID", Cloud::login);
                format!("leave it out, and set {login}")
            }
            AddressError::Bucket { .. } => "use letters, digits, `-`, `_` and `.`".to_owned(),
            AddressError::Prefix { .. } => "use letters, digits, `-`, `_`, `.` and `/`".to_owned(),
        }
    }
}

impl Address {
    /// Reads `s3://bucket/prefix`, `gs://…`, `az://…`, `file:///folder` or a folder's path.
    ///
    /// # Errors
    /// Where it is none of these, or holds what may be a secret.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let is_scheme =
            |word: &str| word.starts_with(|c: char| c.is_ascii_alphabetic()) && !word.contains('/');
        let Some((scheme, rest)) = text.split_once(':').filter(|(word, _)| is_scheme(word)) else {
            return Ok(Address::Folder(text.into()));
        };
        let cloud = Cloud::of(scheme);
        if cloud.is_none() && scheme != "file" {
            let scheme = scheme.to_owned();
            return Err(AddressError::Scheme { scheme });
        }
        if !rest.starts_with("//") {
            return Err(AddressError::NoUrl { why: format!("`//` is missing after `{scheme}:`") });
        }
        // Before anything else is said of it, since a parser may trip over a secret and repeat it.
        let authority = rest[2..].split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(AddressError::Secret { cloud });
        }
        if rest.contains(['?', '#']) {
            return Err(AddressError::Query { cloud });
        }
        let url = Url::parse(text).map_err(|error| AddressError::NoUrl { why: error.to_string() })?;
        let Some(cloud) = cloud else {
            let folder = url.to_file_path().map_err(|()| AddressError::NoUrl {
                why: "a folder of this machine is written as in `file:///folder`".to_owned(),
            })?;
            return Ok(Address::Folder(folder));
        };
        let Some(bucket) = url.host_str().filter(|bucket| !bucket.is_empty()) else {
            return Err(AddressError::NoBucket { scheme: scheme.to_owned() });
        };
        if url.port().is_some() {
            return Err(AddressError::NoUrl { why: "a bucket has no port".to_owned() });
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !bucket.chars().all(is_name) {
            return Err(AddressError::Bucket { bucket: bucket.to_owned() });
        }
        let prefix = url.path().trim_matches('/').to_owned();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.=+/".contains(c);
        if !prefix.chars().all(fits) || prefix.contains("//") {
            return Err(AddressError::Prefix { prefix });
        }
        Ok(Address::Bucket { cloud, bucket: bucket.to_owned(), prefix })
    }

    /// Whether it is the folder `path`.
    pub fn is_folder(&self, path: &Path) -> bool {
        match self {
            Address::Folder(folder) => {
                let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
                real(folder) == real(path)
            }
            Address::Bucket { .. } => false,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Bucket { cloud, bucket, prefix } if prefix.is_empty() => {
                write!(f, "{}://{bucket}", cloud.scheme())
            }
            Address::Bucket { cloud, bucket, prefix } => write!(f, "{}://{bucket}/{prefix}", cloud.scheme()),
            Address::Folder(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_read_and_shown() {
        for (text, shown) in [
            ("s3://results", "s3://results"),
            ("s3://results/", "s3://results"),
            ("s3://results/team/ablatrix/", "s3://results/team/ablatrix"),
            ("gs://results/a", "gs://results/a"),
            ("az://container/a", "az://container/a"),
            ("file:///srv/my%20results", "/srv/my results"),
            ("/srv/results", "/srv/results"),
            ("../results", "../results"),
            ("./a:b", "./a:b"),
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_none_says_what_to_write() {
        for (text, message, help) in [
            ("", "is empty", "s3://bucket/prefix"),
            ("s3:bucket", "`//` is missing after `s3:`", "s3://bucket/prefix"),
            ("s3:///prefix", "no bucket", "s3://bucket/prefix"),
            ("s3://", "no bucket", "s3://bucket/prefix"),
            ("s3://bucket:9000/x", "no port", "s3://bucket/prefix"),
            ("s3://bücket/x", "cannot be the name", "letters"),
            ("s3://bucket/a//b", "`a//b` cannot be", "letters"),
            ("s3://bucket/a b", "cannot be", "letters"),
            ("http://host/x", "cannot be `http:`", "AWS_ENDPOINT_URL"),
            ("ftp://host/x", "cannot be `ftp:`", "s3://bucket/prefix"),
            ("abfss://x/y", "cannot be `abfss:`", "AZURE_STORAGE_ACCOUNT_NAME"),
            ("file://host/x", "file:///folder", "name a folder"),
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(error.to_string().contains(message), "{text}: {error}");
            assert!(error.help().contains(help), "{text}: {}", error.help());
        }
    }

    #[test]
    fn a_secret_is_refused_and_never_repeated() {
        for text in [
            "s3://key:s3cret@bucket/x",
            "s3://s3cret@bucket",
            "gs://a:s3cret@[bad/x",
            "s3://bucket/x?X-Amz-Signature=s3cret",
            "az://container/x?sig=s3cret",
            "s3://bucket#s3cret",
            "https://key:s3cret@host/bucket",
        ] {
            let error = Address::parse(text).unwrap_err();
            let told = format!("{error} {error:?} {}", error.help());
            assert!(!told.contains("s3cret"), "{told}");
        }
        assert!(Address::parse("az://a:b@c/x").unwrap_err().help().contains("AZURE_STORAGE_ACCOUNT_KEY"));
    }
}
