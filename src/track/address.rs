//! The address of an MLflow server as the spec gives it: checked, and split from the secret it may carry.
//!
//! Takes `http(s)://[user:password@]host[:port][/prefix]`; gives the base for calls, the two halves of the
//! secret, and a text that can be shown. What is shown never holds the secret, also where the address is wrong.

use std::fmt;

use thiserror::Error;
use ureq::http::Uri;

/// A checked address. Displays without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerAddress {
    base: String,
    host: String,
    user: Option<(String, String)>,
}

/// What is wrong with an address.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// Another kind of store.
    #[error("`{found}` is no MLflow server, expected `http://host:port` or `https://host`")]
    NotHttp {
        /// As found, without secrets.
        found: String,
    },
    /// Something that does not parse.
    #[error("`{found}` is not a valid address, expected `http://host:port` or `https://host`")]
    Malformed {
        /// As found, without secrets.
        found: String,
    },
}

impl ServerAddress {
    /// Reads an address; a trailing `/`, a query and a fragment (as in a link copied from a browser) are cut.
    ///
    /// # Errors
    /// When it is not http or https, or has no host.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let scheme = ["http://", "https://"]
            .into_iter()
            .find(|s| text.get(..s.len()).is_some_and(|start| start.eq_ignore_ascii_case(s)))
            .ok_or_else(|| AddressError::NotHttp { found: redact(text) })?;
        let malformed = || AddressError::Malformed { found: redact(text) };

        let rest = &text[scheme.len()..];
        let rest = rest.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, prefix) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        // A `/` in a password would have ended the authority too early.
        if prefix.contains('@') {
            return Err(malformed());
        }
        let base = format!("{scheme}{host}{prefix}");
        let uri: Uri = base.parse().map_err(|_| malformed())?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(malformed)?.to_owned();
        let user = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            (percent_decoded(name), percent_decoded(password))
        });
        Ok(ServerAddress { base, host, user })
    }

    /// The address of `path`, which begins with `/`.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// User and password, where the address has them.
    pub fn user(&self) -> Option<(&str, &str)> {
        self.user.as_ref().map(|(name, password)| (name.as_str(), password.as_str()))
    }

    /// Whether the server is on this machine, where a proxy has no say.
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerAddress({})", self.base)
    }
}

/// `text` without what stands between `://` (or its start) and the last `@`.
fn redact(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    match text[start..].rfind('@') {
        Some(at) => format!("{}***@{}", &text[..start], &text[start + at + 1..]),
        None => text.to_owned(),
    }
}

/// `%41` to `A`; what is no escape stays.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `text` as one segment or more of a path: everything but letters, digits and `-._~/` escaped.
pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_link_becomes_a_base() {
        let address = ServerAddress::parse("https://host:5000/ml/flow//#/experiments/1").unwrap();
        assert_eq!(address.join("/version"), "https://host:5000/ml/flow/version");
        let address = ServerAddress::parse("http://127.0.0.1:5000?x=1").unwrap();
        assert_eq!(address.join("/health"), "http://127.0.0.1:5000/health");
        assert!(address.is_loopback());
        assert!(ServerAddress::parse("http://[::1]:5000").unwrap().is_loopback());
        assert!(!ServerAddress::parse("http://10.0.0.1:5000").unwrap().is_loopback());
    }

    #[test]
    fn the_secret_is_split_off_and_never_shown() {
        let address = ServerAddress::parse("http://ann:p%40ss%25@host:5000/x").unwrap();
        assert_eq!(address.user(), Some(("ann", "p@ss%")));
        assert_eq!(format!("{address} {address:?}"), "http://host:5000/x ServerAddress(http://host:5000/x)");
    }

    #[test]
    fn other_stores_are_named_and_secrets_hidden_in_errors() {
        let found = |text: &str| ServerAddress::parse(text).unwrap_err().to_string();
        assert!(found("databricks").starts_with("`databricks` is no MLflow server"));
        assert!(found("sqlite:///x.db").starts_with("`sqlite:///x.db` is no"));
        assert!(found("./mlruns").starts_with("`./mlruns` is no"));
        for text in
            ["ftp://ann:secret@host", "http://ann:sec/ret@host", "ann:secret@host:5000", "http://ann:secret@"]
        {
            let message = found(text);
            assert!(message.contains("***@") && !message.contains("sec"), "{message}");
        }
    }
}
