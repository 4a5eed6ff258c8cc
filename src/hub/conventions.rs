//! Where the hub's tools keep what they fetched, and how they reach it: variables and files as `huggingface_hub` has
//! them.
//!
//! <https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables>

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::folder::HubFolder;

/// The hub, where HF_ENDPOINT names no other.
const ENDPOINT: &str = "https://huggingface.co";
/// How long nothing may come, where HF_HUB_DOWNLOAD_TIMEOUT says nothing else.
const IDLE: Duration = Duration::from_secs(10);

/// The surroundings that the conventions speak of.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// The value of a variable.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// The user's folder.
    pub home: Option<&'a Path>,
}

/// How the hub is reached.
#[derive(Clone, Debug)]
pub struct Access {
    /// Where models are kept.
    pub folder: HubFolder,
    /// The hub's address, without a slash at its end.
    pub endpoint: Url,
    /// Says who asks.
    pub token: Option<Token>,
    /// The network is not to be used.
    pub offline: bool,
    /// How long nothing may come.
    pub idle: Duration,
    /// Go through this proxy.
    pub proxy: Option<ureq::Proxy>,
}

/// An access token: a secret that no message shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    secret: String,
    /// The variable or file that it was read from.
    pub source: String,
}

impl Token {
    /// What is sent to the hub, and to nobody else.
    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.secret)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token from {}", self.source)
    }
}

/// What is wrong with the surroundings.
#[derive(Debug, thiserror::Error)]
pub enum ConventionError {
    /// Nothing says where models are kept.
    #[error(
        "there is no folder for models of the Hugging Face hub: neither HF_HUB_CACHE, HF_HOME nor HOME is set"
    )]
    NoFolder,
    /// No address.
    #[error("HF_ENDPOINT is no http:// or https:// address without a user, a password and a `?`")]
    Endpoint,
    /// A token with characters that no token has.
    #[error("the access token in {source_name} holds characters that cannot be sent")]
    Token {
        /// The variable or file.
        source_name: String,
    },
    /// A token that cannot be read.
    #[error("cannot read the access token `{path}`")]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl<'a> Environment<'a> {
    /// A variable's text; one that is set and empty is as none.
    fn text(&self, name: &str) -> Option<String> {
        let text = (self.variable)(name)?.to_string_lossy().trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// A variable that holds a path, in which `~` is the user's folder.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let path = (self.variable)(name).filter(|path| !path.is_empty()).map(PathBuf::from)?;
        match (path.strip_prefix("~"), self.home) {
            (Ok(rest), Some(home)) => Some(home.join(rest)),
            _ => Some(path),
        }
    }

    fn is_true(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| matches!(text.to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE"))
    }

    /// HF_HOME, else `huggingface` among the user's caches.
    fn hf_home(&self) -> Option<PathBuf> {
        let caches = || self.path("XDG_CACHE_HOME").or_else(|| Some(self.home?.join(".cache")));
        self.path("HF_HOME").or_else(|| Some(caches()?.join("huggingface")))
    }

    /// Where models are kept.
    ///
    /// # Errors
    /// Where nothing says so.
    pub fn folder(&self) -> Result<HubFolder, ConventionError> {
        let folder = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"].into_iter().find_map(|name| self.path(name));
        let folder = folder.or_else(|| Some(self.hf_home()?.join("hub")));
        folder.map(HubFolder::new).ok_or(ConventionError::NoFolder)
    }

    /// How the hub is reached.
    ///
    /// # Errors
    /// Where a variable or the token's file cannot be used.
    pub fn access(&self, proxy: Option<ureq::Proxy>) -> Result<Access, ConventionError> {
        let seconds = self.text("HF_HUB_DOWNLOAD_TIMEOUT").and_then(|text| text.parse::<f64>().ok());
        let seconds = seconds.filter(|seconds| (0.01..=3600.0).contains(seconds));
        Ok(Access {
            folder: self.folder()?,
            endpoint: self.endpoint()?,
            token: self.token()?,
            offline: self.is_true("HF_HUB_OFFLINE") || self.is_true("TRANSFORMERS_OFFLINE"),
            idle: seconds.map_or(IDLE, Duration::from_secs_f64),
            proxy,
        })
    }

    fn endpoint(&self) -> Result<Url, ConventionError> {
        let text = self.text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        let url = Url::parse(text.trim_end_matches('/')).map_err(|_| ConventionError::Endpoint)?;
        let has_secret = !url.username().is_empty() || url.password().is_some();
        let is_plain = url.query().is_none() && url.fragment().is_none() && url.has_host();
        match matches!(url.scheme(), "http" | "https") && is_plain && !has_secret {
            true => Ok(url),
            false => Err(ConventionError::Endpoint),
        }
    }

    /// HF_TOKEN, else what `hf auth login` wrote.
    fn token(&self) -> Result<Option<Token>, ConventionError> {
        if self.is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
            return Ok(None);
        }
        let named = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"].into_iter();
        if let Some((name, secret)) = named.filter_map(|name| Some((name, self.text(name)?))).next() {
            return token(secret, name.to_owned()).map(Some);
        }
        let beside = || Some(self.hf_home()?.join("token"));
        let Some(path) = self.path("HF_TOKEN_PATH").or_else(beside) else { return Ok(None) };
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().is_empty() => Ok(None),
            Ok(text) => token(text.trim().to_owned(), format!("`{}`", path.display())).map(Some),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(source) => Err(ConventionError::TokenFile { path, source }),
        }
    }
}

fn token(secret: String, source: String) -> Result<Token, ConventionError> {
    match secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(Token { secret, source }),
        false => Err(ConventionError::Token { source_name: source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(variables: &[(&str, &str)], home: Option<&Path>) -> Result<Access, ConventionError> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        Environment { variable: &variable, home }.access(None)
    }

    fn folder(variables: &[(&str, &str)]) -> String {
        let access = access(variables, Some(Path::new("/home/me"))).unwrap();
        access.folder.root().display().to_string()
    }

    #[test]
    fn the_folder_is_that_of_the_hubs_own_tools() {
        assert_eq!(folder(&[]), "/home/me/.cache/huggingface/hub");
        assert_eq!(folder(&[("XDG_CACHE_HOME", "/x")]), "/x/huggingface/hub");
        assert_eq!(folder(&[("XDG_CACHE_HOME", "/x"), ("HF_HOME", "~/hf")]), "/home/me/hf/hub");
        assert_eq!(folder(&[("HF_HOME", "/hf"), ("HF_HUB_CACHE", "/models")]), "/models");
        assert_eq!(folder(&[("HF_HOME", ""), ("HF_HUB_CACHE", "")]), "/home/me/.cache/huggingface/hub");
        assert!(matches!(access(&[], None), Err(ConventionError::NoFolder)));
    }

    #[test]
    fn the_token_is_found_and_never_shown() {
        let home = tempfile::tempdir().unwrap();
        let of = |variables: &[(&str, &str)]| access(variables, Some(home.path())).map(|access| access.token);
        assert_eq!(of(&[]).unwrap(), None);
        fs::create_dir_all(home.path().join(".cache/huggingface")).unwrap();
        fs::write(home.path().join(".cache/huggingface/token"), "hf_file\n").unwrap();
        let found = of(&[]).unwrap().unwrap();
        assert_eq!(found.bearer(), "Bearer hf_file");
        assert!(!format!("{found:?}").contains("hf_file"));
        let found = of(&[("HF_TOKEN", " hf_variable\r\n")]).unwrap().unwrap();
        assert_eq!((found.bearer().as_str(), found.source.as_str()), ("Bearer hf_variable", "HF_TOKEN"));
        fs::write(home.path().join("other"), "hf_other").unwrap();
        let found = of(&[("HF_TOKEN_PATH", "~/other")]).unwrap().unwrap();
        assert_eq!(found.bearer(), "Bearer hf_other");
        assert_eq!(of(&[("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]).unwrap(), None);
        let said = of(&[("HF_TOKEN", "hf_a b")]).unwrap_err().to_string();
        assert!(said.contains("HF_TOKEN") && !said.contains("hf_a"), "{said}");
    }

    #[test]
    fn the_endpoint_is_an_address_without_secrets() {
        let home = Some(Path::new("/h"));
        let of =
            |text: &str| access(&[("HF_ENDPOINT", text)], home).map(|access| access.endpoint.to_string());
        assert_eq!(of("").unwrap(), "https://huggingface.co/");
        assert_eq!(of("http://localhost:80/hub/").unwrap(), "http://localhost/hub");
        for bad in ["huggingface.co", "ftp://host", "https://me:pass@host", "https://host?x", "https://"] {
            let said = of(bad).unwrap_err().to_string();
            assert!(said.starts_with("HF_ENDPOINT is no") && !said.contains("pass@"), "{bad}: {said}");
        }
        assert!(access(&[("HF_HUB_OFFLINE", "yes")], home).unwrap().offline);
        assert!(!access(&[("HF_HUB_OFFLINE", "0")], home).unwrap().offline);
        let idle = |text| access(&[("HF_HUB_DOWNLOAD_TIMEOUT", text)], home).unwrap().idle;
        assert_eq!((idle("0.5"), idle("x"), idle("-1")), (Duration::from_millis(500), IDLE, IDLE));
    }
}
