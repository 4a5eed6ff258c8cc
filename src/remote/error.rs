//! What can go wrong with a remote, told without what a server or a library would add: addresses with signatures, keys.

use std::error::Error as _;
use std::path::PathBuf;

use object_store::Error as StoreError;
use object_store::client::HttpError;
use thiserror::Error;

use super::address::{Address, Cloud};
use crate::cache::CacheError;

/// What can go wrong with a remote.
#[derive(Debug, Error)]
pub enum RemoteError {
    /// A folder that is not there.
    #[error("there is no folder `{}`", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The folder cannot be made.
    #[error("cannot make the folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is the cache that is to be mirrored.
    #[error("`{}` is the cache itself", path.display())]
    Itself {
        /// The folder.
        path: PathBuf,
    },
    /// The environment says something that cannot be.
    #[error("cannot use `{address}`: {why}")]
    Settings {
        /// The remote.
        address: String,
        /// In words.
        why: String,
        /// What to do.
        help: String,
    },
    /// A request failed, after the tries that it is given.
    #[error("cannot {doing} `{address}`: {why}")]
    Request {
        /// As in `list`.
        doing: String,
        /// The remote.
        address: String,
        /// In words.
        why: String,
        /// What to do.
        help: String,
    },
    /// It takes longer than a study waits for it.
    #[error("`{address}` is too slow: {bytes} bytes did not come within {seconds} s")]
    Slow {
        /// The remote.
        address: String,
        /// What was asked for.
        bytes: u64,
        /// How long it was given.
        seconds: u64,
    },
    /// A slip in what speaks to the remote.
    #[error("the transfers from the remote panicked")]
    Panicked,
    /// The system gives no threads.
    #[error("cannot start the transfers")]
    Runtime(#[source] std::io::Error),
    /// The cache failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl RemoteError {
    /// What to do about it, where that is known.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            RemoteError::NoFolder { .. } => "name one that is there; `cache push` makes it",
            RemoteError::Folder { .. } => "name a folder that can be written",
            RemoteError::Itself { .. } => "name another folder, or another cache with `--cache DIR`",
            RemoteError::Settings { help, .. } | RemoteError::Request { help, .. } => help,
            RemoteError::Cache(error) => return error.help(),
            RemoteError::Slow { .. } | RemoteError::Panicked | RemoteError::Runtime(_) => return None,
        };
        Some(help.to_owned())
    }

    /// The exit code that it asks for: 2 where the command line or the environment is to be changed.
    pub fn exit_code(&self) -> u8 {
        match self {
            RemoteError::NoFolder { .. } | RemoteError::Itself { .. } | RemoteError::Settings { .. } => 2,
            _ => 1,
        }
    }

    /// A request that failed while `doing` something to the remote.
    pub(super) fn request(doing: &str, address: &Address, error: &StoreError) -> Self {
        let why = reason(error);
        let help = advice(address, error, &why);
        RemoteError::Request { doing: doing.to_owned(), address: address.to_string(), why, help }
    }
}

/// Why a request failed: the server's status and code, or the last cause.
pub(super) fn reason(error: &StoreError) -> String {
    let mut last = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        last = error.to_string();
        if let Some((_, answer)) = last.split_once("status code: ") {
            return status(answer);
        }
        if error.is::<std::io::Error>() && error.source().is_none() {
            break;
        }
        cause = error.source();
    }
    // A library's sentence may go on with an address; addresses may hold signatures.
    let without = |word: &&str| !word.contains("://") && !word.contains('?');
    last.split_whitespace().filter(without).collect::<Vec<_>>().join(" ")
}

/// `403 Forbidden (InvalidAccessKeyId)`. The rest of a server's answer may repeat what we sent, keys among it.
fn status(answer: &str) -> String {
    let (status, body) = answer.split_once(": ").unwrap_or((answer, ""));
    let status = status.trim_end_matches(':').trim();
    let between = |from: &str, to: &str| Some(body.split_once(from)?.1.split_once(to)?.0.trim().to_owned());
    let code = between("<Code>", "</Code>").or_else(|| between("\"reason\": \"", "\""));
    let is_word = |code: &String| {
        !code.is_empty() && code.len() < 60 && code.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    match code.filter(is_word) {
        Some(code) => format!("{status} ({code})"),
        None => status.to_owned(),
    }
}

/// Whether an answer was cut off while it came, which the library has not tried again. What it has tried, its error says.
pub(super) fn broke_off(error: &StoreError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut in_transit = false;
    while let Some(error) = cause {
        if error.to_string().starts_with("Error performing ") {
            return false;
        }
        in_transit |= error.is::<HttpError>();
        cause = error.source();
    }
    in_transit
}

/// Whether "not found" was said of the bucket, not of what was asked for in it.
pub(super) fn lacks_bucket(error: &StoreError) -> bool {
    let why = reason(error);
    ["NoSuchBucket", "ContainerNotFound"].iter().any(|code| why.contains(code))
}

fn advice(address: &Address, error: &StoreError, why: &str) -> String {
    let Address::Bucket { cloud, bucket, .. } = address else {
        return match error {
            StoreError::PermissionDenied { .. } => "name a folder that can be written and read".to_owned(),
            _ if why.contains("ermission denied") || why.contains("ead-only") => {
                "name a folder that can be written and read".to_owned()
            }
            _ => "what was done is kept: the same command goes on".to_owned(),
        };
    };
    let again = "try again later: the same command goes on where this one ended";
    let login = cloud.login();
    if why.contains("NoSuchBucket") || why.contains("ContainerNotFound") || why.starts_with("404") {
        return format!("make the bucket `{bucket}` first, or correct its name");
    }
    if why.starts_with("401") || why.starts_with("403") {
        return format!("this login may not do that: see {login}, and what it is allowed in `{bucket}`");
    }
    if why.starts_with("301")
        || why.starts_with("307")
        || error.to_string().contains("redirect without LOCATION")
    {
        return "the bucket lies in another region: name it in AWS_REGION".to_owned();
    }
    if why.starts_with(['4', '5']) {
        return again.to_owned();
    }
    let names_login = error.to_string().to_ascii_lowercase().contains("credential")
        || error.to_string().contains("169.254.169.254")
        || error.to_string().contains("metadata");
    if names_login {
        return format!("set {login}");
    }
    match cloud {
        Cloud::S3 => {
            "is the network there, and AWS_ENDPOINT_URL (if set) right? The same command goes on where this one ended".to_owned()
        }
        Cloud::Google | Cloud::Azure => again.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Error)]
    #[error("{0}")]
    struct Said(String);

    fn generic(text: &str) -> StoreError {
        StoreError::Generic { store: "S3", source: Box::new(Said(text.to_owned())) }
    }

    #[test]
    fn a_server_is_quoted_by_its_code_only() {
        let body = "Server returned non-2xx status code: 403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code>\
                    <AWSAccessKeyId>AKIAEXAMPLE</AWSAccessKeyId><StringToSign>AWS4</StringToSign></Error>";
        let error = RemoteError::request("list", &Address::parse("s3://b/x").unwrap(), &generic(body));
        assert_eq!(error.to_string(), "cannot list `s3://b/x`: 403 Forbidden (SignatureDoesNotMatch)");
        assert!(error.help().unwrap().contains("AWS_SECRET_ACCESS_KEY"));
        assert_eq!(reason(&generic("Server returned non-2xx status code: 503 Slow Down: ")), "503 Slow Down");
        assert_eq!(reason(&generic("x status code: 400 Bad: <Code>a key: AKIA</Code>")), "400 Bad");
    }

    #[test]
    fn an_address_with_a_signature_is_left_out() {
        let told =
            reason(&generic("error sending request for url (http://h/b?X-Amz-Signature=abc) timed out"));
        assert_eq!(told, "error sending request for url timed out");
    }
}
