//! A URL that may be asked for: http or https, with a host, without a secret.
//!
//! Takes what a record or a redirect says; gives an address in its one standard form (WHATWG's, as browsers read
//! it), so that `http://2130706433/` is known as 127.0.0.1 here and wherever it is connected to.

use std::net::IpAddr;

use url::{Host, Url};

use super::address::local_kind;

/// A checked URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(Url);

/// Why a URL is not asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It does not parse.
    #[error("its URL cannot be read: {0}")]
    Malformed(url::ParseError),
    /// Another kind of URL, or none that is absolute.
    #[error("its URL begins with `{scheme}:`, expected `https:` or `http:`")]
    Scheme {
        /// As found.
        scheme: String,
    },
    /// It would send a secret to whoever answers.
    #[error("its URL holds a user name or a password, which are not sent")]
    Credentials,
    /// A redirect that gives up the encryption.
    #[error("`{host}` leads from https to http")]
    Downgrade {
        /// Who says so.
        host: String,
    },
    /// It leads to this machine or its network.
    #[error(
        "`{host}` is {kind}{}; `--allow-local` permits it",
        address.map(|address| format!(" ({address})")).unwrap_or_default()
    )]
    Local {
        /// As the URL has it.
        host: String,
        /// What it stands for, where that is not the same.
        address: Option<IpAddr>,
        /// As in "a private address".
        kind: &'static str,
    },
}

impl Target {
    /// Reads the URL of a record.
    ///
    /// # Errors
    /// Where it may not be asked for.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        Url::parse(text).map_err(TargetError::Malformed).and_then(Self::checked)
    }

    /// Where a redirect from here leads.
    ///
    /// # Errors
    /// Where that may not be asked for.
    pub fn redirected(&self, location: &str) -> Result<Self, TargetError> {
        let next = self.0.join(location).map_err(TargetError::Malformed).and_then(Self::checked)?;
        if self.0.scheme() == "https" && next.0.scheme() == "http" {
            return Err(TargetError::Downgrade { host: self.host().to_owned() });
        }
        Ok(next)
    }

    fn checked(mut url: Url) -> Result<Self, TargetError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TargetError::Scheme { scheme: url.scheme().to_owned() });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        url.set_fragment(None);
        Ok(Target(url))
    }

    /// Fails where the host is written as an address of this machine or its network, or as `localhost`. What a name
    /// stands for is checked when it is looked up.
    ///
    /// # Errors
    /// See above.
    pub fn check_public(&self) -> Result<(), TargetError> {
        let kind = match self.0.host() {
            Some(Host::Ipv4(address)) => local_kind(address.into()),
            Some(Host::Ipv6(address)) => local_kind(address.into()),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                (name == "localhost" || name.ends_with(".localhost")).then_some("this machine")
            }
            None => None,
        };
        match kind {
            Some(kind) => Err(TargetError::Local { host: self.host().to_owned(), address: None, kind }),
            None => Ok(()),
        }
    }

    /// The host as the URL has it.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The whole URL.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The last piece of the path.
    pub fn file_name(&self) -> &str {
        self.0.path().rsplit('/').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Target::parse(text).and_then(|target| target.check_public()).unwrap_err().to_string()
    }

    #[test]
    fn urls_of_pictures_are_read() {
        let target = Target::parse(" https://farm66.staticflickr.com/65535/4_o.png?x=1#y\n").unwrap();
        assert_eq!(target.as_str(), "https://farm66.staticflickr.com/65535/4_o.png?x=1");
        assert_eq!((target.host(), target.file_name()), ("farm66.staticflickr.com", "4_o.png"));
        target.check_public().unwrap();
    }

    #[test]
    fn other_schemes_and_secrets_are_refused() {
        for text in ["file:///etc/passwd", "ftp://host/x.jpg", "data:image/png;base64,AA", "gopher://host/"] {
            assert!(refused(text).contains("expected `https:` or `http:`"), "{text}");
        }
        for text in ["images/x.jpg", "", "//host/x.jpg", "http://", "http://[::1", "http://a b/"] {
            assert!(refused(text).starts_with("its URL cannot be read"), "{text}: {}", refused(text));
        }
        for text in ["http://me:secret@host/x.jpg", "http://me@host/x.jpg", "https://:secret@host/"] {
            let said = refused(text);
            assert!(said.contains("password") && !said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn local_hosts_are_refused_however_they_are_written() {
        for text in [
            "http://127.0.0.1/x",
            "http://127.1/x",
            "http://2130706433/x",
            "http://0x7f.0.0.1/x",
            "http://0177.0.0.1/x",
            "http://[::1]:80/x",
            "http://[::ffff:10.0.0.1]/x",
            "http://169.254.169.254/latest/meta-data",
            "http://localhost:8080/x",
            "http://LOCALHOST./x",
            "http://photos.localhost/x",
            "http://0/x",
        ] {
            assert!(refused(text).ends_with("`--allow-local` permits it"), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn redirects_are_read_from_where_they_come() {
        let from = Target::parse("https://host/a/b.jpg?x").unwrap();
        let to = |location| from.redirected(location).map(|target| target.as_str().to_owned());
        assert_eq!(to("c.jpg").unwrap(), "https://host/a/c.jpg");
        assert_eq!(to("/c.jpg").unwrap(), "https://host/c.jpg");
        assert_eq!(to("//other/c.jpg").unwrap(), "https://other/c.jpg");
        assert_eq!(to("http://host/c.jpg"), Err(TargetError::Downgrade { host: "host".to_owned() }));
        assert_eq!(to("file:///c.jpg"), Err(TargetError::Scheme { scheme: "file".to_owned() }));
        let plain = Target::parse("http://host/a").unwrap();
        assert_eq!(plain.redirected("https://host/a").unwrap().as_str(), "https://host/a");
    }
}
