//! Who we are to the server and whom we trust: the one place of this room that reads the environment.
//!
//! The names are those of MLflow's Python client: `MLFLOW_TRACKING_USERNAME` and `_PASSWORD`, else
//! what `~/.mlflow/credentials` says, else `MLFLOW_TRACKING_TOKEN`; `MLFLOW_TRACKING_INSECURE_TLS`, `_SERVER_CERT_PATH`, `_CLIENT_CERT_PATH`; and
//! `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`. Secrets never stand in the spec and are never shown.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use ureq::Proxy;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::address::ServerAddress;
use super::credentials_file::{self, Saved};

/// What the environment says about the server; the default is nobody, with the usual trust.
#[derive(Clone, Default)]
pub struct Credentials {
    login: Option<Login>,
    token_ignored: bool,
    insecure_tls: bool,
    server_cert: Option<PathBuf>,
    client_cert: Option<PathBuf>,
    proxy: Option<Proxy>,
}

#[derive(Clone)]
enum Login {
    Basic { user: String, password: String, from_file: bool },
    Bearer { token: String },
}

/// What is wrong with the credentials.
#[derive(Debug, Error)]
pub enum CredentialsError {
    /// Both ask for something else.
    #[error(
        "`MLFLOW_TRACKING_INSECURE_TLS` and `MLFLOW_TRACKING_SERVER_CERT_PATH` are both set, expected one"
    )]
    InsecureWithCertificate,
    /// The file cannot be read.
    #[error("cannot read `{variable}` `{path}`")]
    Unreadable {
        /// The variable that names it.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("`{variable}` `{path}` holds no {expected} in PEM format")]
    NotPem {
        /// The variable that names it.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// `certificate` or `certificate with its key`.
        expected: &'static str,
    },
}

const SERVER_CERT: &str = "MLFLOW_TRACKING_SERVER_CERT_PATH";
const CLIENT_CERT: &str = "MLFLOW_TRACKING_CLIENT_CERT_PATH";

impl Credentials {
    /// From this process's environment, and the login that is kept in the user's home.
    pub fn from_env() -> Self {
        let saved = std::env::home_dir().map(|home| credentials_file::read(&home)).unwrap_or_default();
        let mut credentials = Self::from_parts(|name| std::env::var(name).ok(), saved);
        credentials.proxy = Proxy::try_from_env();
        credentials
    }

    /// From `get`, which gives a variable's value.
    pub fn from_lookup(get: impl Fn(&str) -> Option<String>) -> Self {
        Self::from_parts(get, Saved::default())
    }

    /// Where a variable is missing, `saved` takes its place, as in MLflow's client.
    fn from_parts(get: impl Fn(&str) -> Option<String>, saved: Saved) -> Self {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        let token = get("MLFLOW_TRACKING_TOKEN");
        let (user, password) = (get("MLFLOW_TRACKING_USERNAME"), get("MLFLOW_TRACKING_PASSWORD"));
        let from_file = user.is_none() || password.is_none();
        let basic = user.or(saved.username).zip(password.or(saved.password));
        let token_ignored = basic.is_some() && token.is_some();
        let login = match (basic, token) {
            (Some((user, password)), _) => Some(Login::Basic { user, password, from_file }),
            (None, Some(token)) => Some(Login::Bearer { token }),
            (None, None) => None,
        };
        let truth =
            |value: String| matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on");
        Credentials {
            login,
            token_ignored,
            insecure_tls: get("MLFLOW_TRACKING_INSECURE_TLS").is_some_and(truth),
            server_cert: get(SERVER_CERT).map(PathBuf::from),
            client_cert: get(CLIENT_CERT).map(PathBuf::from),
            proxy: None,
        }
    }

    /// What the user should know before anything is sent.
    pub(super) fn warning(&self) -> Option<String> {
        self.token_ignored.then(|| {
            "`MLFLOW_TRACKING_TOKEN` is ignored, since `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD` \
             are set, or stand in `~/.mlflow/credentials`"
                .to_owned()
        })
    }

    /// Where the login comes from, in words that hold no secret.
    pub fn origin(&self) -> &'static str {
        match &self.login {
            Some(Login::Basic { from_file: true, .. }) => "the login of `~/.mlflow/credentials`",
            Some(Login::Basic { .. }) => "the login of `MLFLOW_TRACKING_USERNAME`",
            Some(Login::Bearer { .. }) => "`MLFLOW_TRACKING_TOKEN`",
            None => "no login",
        }
    }

    /// The `Authorization` header. The environment wins over what the address carries.
    pub(super) fn authorization(&self, server: &ServerAddress) -> Option<String> {
        let basic =
            |user: &str, password: &str| format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
        match &self.login {
            Some(Login::Basic { user, password, .. }) => Some(basic(user, password)),
            Some(Login::Bearer { token }) => Some(format!("Bearer {token}")),
            None => server.user().map(|(user, password)| basic(user, password)),
        }
    }

    /// The proxy to go through; none to this machine itself.
    pub(super) fn proxy_to(&self, server: &ServerAddress) -> Option<Proxy> {
        self.proxy.clone().filter(|_| !server.is_loopback())
    }

    /// Whom to trust and how to prove who we are.
    pub(super) fn tls(&self) -> Result<TlsConfig, CredentialsError> {
        let mut tls = TlsConfig::builder().disable_verification(self.insecure_tls);
        if let Some(path) = &self.server_cert {
            if self.insecure_tls {
                return Err(CredentialsError::InsecureWithCertificate);
            }
            let (certificates, _) = read_pem(SERVER_CERT, path)?;
            tls = tls.root_certs(RootCerts::from(certificates));
        }
        if let Some(path) = &self.client_cert {
            let (certificates, key) = read_pem(CLIENT_CERT, path)?;
            let key = key.ok_or_else(|| CredentialsError::NotPem {
                variable: CLIENT_CERT,
                path: path.clone(),
                expected: "certificate with its key",
            })?;
            tls = tls.client_cert(Some(ClientCert::new_with_certs(&certificates, key)));
        }
        Ok(tls.build())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = match &self.login {
            Some(Login::Basic { .. }) => "basic",
            Some(Login::Bearer { .. }) => "bearer",
            None => "none",
        };
        f.debug_struct("Credentials")
            .field("login", &login)
            .field("insecure_tls", &self.insecure_tls)
            .field("server_cert", &self.server_cert)
            .field("client_cert", &self.client_cert)
            .finish_non_exhaustive()
    }
}

type Pem = (Vec<Certificate<'static>>, Option<PrivateKey<'static>>);

fn read_pem(variable: &'static str, path: &Path) -> Result<Pem, CredentialsError> {
    let bytes = std::fs::read(path).map_err(|source| CredentialsError::Unreadable {
        variable,
        path: path.to_owned(),
        source,
    })?;
    let not_pem = || CredentialsError::NotPem { variable, path: path.to_owned(), expected: "certificate" };
    let mut certificates = Vec::new();
    let mut key = None;
    for item in parse_pem(&bytes) {
        match item.map_err(|_| not_pem())? {
            PemItem::Certificate(certificate) => certificates.push(certificate),
            PemItem::PrivateKey(found) => key = Some(found),
            _ => {}
        }
    }
    if certificates.is_empty() { Err(not_pem()) } else { Ok((certificates, key)) }
}

/// Standard base64 with padding (RFC 4648), for the `Basic` header.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0u32, |word, (i, &b)| word | u32::from(b) << (16 - 8 * i));
        for place in 0..4 {
            let index = (word >> (18 - 6 * place)) & 63;
            out.push(if place <= chunk.len() { char::from(ALPHABET[index as usize]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Credentials {
        Credentials::from_lookup(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn header(credentials: &Credentials, address: &str) -> Option<String> {
        credentials.authorization(&ServerAddress::parse(address).unwrap())
    }

    #[test]
    fn base64_matches_rfc_4648() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("ÿ", "w78=")];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn user_and_password_win_over_token_and_address() {
        let user = [("MLFLOW_TRACKING_USERNAME", "ann"), ("MLFLOW_TRACKING_PASSWORD", "pw")];
        let token = [("MLFLOW_TRACKING_TOKEN", "t0k3n")];
        let all = with(&[user[0], user[1], token[0]]);
        assert_eq!(header(&all, "http://bob:x@host").unwrap(), "Basic YW5uOnB3");
        assert!(all.warning().unwrap().contains("TOKEN` is ignored"));
        assert_eq!(header(&with(&token), "http://bob:x@host").unwrap(), "Bearer t0k3n");
        assert_eq!(header(&with(&[]), "http://bob:x@host").unwrap(), "Basic Ym9iOng=");
        assert_eq!(header(&with(&[("MLFLOW_TRACKING_USERNAME", "ann")]), "http://host"), None);
    }

    #[test]
    fn a_login_that_is_kept_fills_in_what_the_variables_lack() {
        let saved = || Saved { username: Some("kept".into()), password: Some("pw".into()) };
        let kept = Credentials::from_parts(|_| None, saved());
        assert_eq!(header(&kept, "http://host").unwrap(), "Basic a2VwdDpwdw==");
        assert_eq!(kept.origin(), "the login of `~/.mlflow/credentials`");
        let ann = |name: &str| (name == "MLFLOW_TRACKING_USERNAME").then(|| "ann".to_owned());
        assert_eq!(header(&Credentials::from_parts(ann, saved()), "http://host").unwrap(), "Basic YW5uOnB3");
        let half = Saved { password: None, ..saved() };
        assert_eq!(Credentials::from_parts(|_| None, half).origin(), "no login");
    }

    #[test]
    fn secrets_are_not_in_the_debug_form() {
        let text = format!(
            "{:?}",
            with(&[("MLFLOW_TRACKING_USERNAME", "ann"), ("MLFLOW_TRACKING_PASSWORD", "s3cret")])
        );
        assert!(!text.contains("s3cret") && !text.contains("ann"), "{text}");
    }

    #[test]
    fn certificates_are_checked_before_anything_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none.pem");
        let error = with(&[(SERVER_CERT, missing.to_str().unwrap())]).tls().unwrap_err();
        assert!(error.to_string().starts_with("cannot read `MLFLOW_TRACKING_SERVER_CERT_PATH`"), "{error}");
        let wrong = folder.path().join("wrong.pem");
        std::fs::write(&wrong, "hello").unwrap();
        let error = with(&[(SERVER_CERT, wrong.to_str().unwrap())]).tls().unwrap_err();
        assert!(error.to_string().ends_with("holds no certificate in PEM format"), "{error}");
        let both = with(&[(SERVER_CERT, "x"), ("MLFLOW_TRACKING_INSECURE_TLS", "true")]).tls().unwrap_err();
        assert!(matches!(both, CredentialsError::InsecureWithCertificate));
    }
}
