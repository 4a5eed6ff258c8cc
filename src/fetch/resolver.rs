//! Names to addresses, without those of this machine and its network.
//!
//! The check stands between the look-up and the connection, which is made to the very address that was checked: a
//! name that stands for another address a moment later (DNS rebinding) gains nothing. ureq keeps this interface out of
//! its promise to stay compatible, which is why `Cargo.toml` holds it at one minor version.

use std::net::IpAddr;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::address::local_kind;

/// Looks names up as usual, and keeps only addresses of the public internet.
#[derive(Debug)]
pub(super) struct PublicOnly {
    /// Keep the others too.
    pub allow_local: bool,
    /// The proxy that the user has chosen; it may stand anywhere.
    pub proxy: Option<Uri>,
    /// What does the look-up.
    pub inner: DefaultResolver,
}

/// A name that stands for local addresses only.
#[derive(Debug, thiserror::Error)]
#[error("`{host}` is {kind} ({address})")]
pub(super) struct LocalName {
    /// The name.
    pub host: String,
    /// One of its addresses.
    pub address: IpAddr,
    /// As in "a private address".
    pub kind: &'static str,
}

impl Resolver for PublicOnly {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        if self.allow_local || self.proxy.as_ref() == Some(uri) {
            return Ok(found);
        }
        let mut public = self.empty();
        let mut local = None;
        for address in &found {
            match local_kind(address.ip()) {
                Some(kind) => local = Some((address.ip(), kind)),
                None => public.push(*address),
            }
        }
        match local {
            Some((address, kind)) if public.is_empty() => {
                let host = uri.host().unwrap_or_default().to_owned();
                Err(ureq::Error::Other(Box::new(LocalName { host, address, kind })))
            }
            _ => Ok(public),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(uri: &str, allow_local: bool, proxy: Option<&str>) -> Result<usize, ureq::Error> {
        let proxy = proxy.map(|proxy| proxy.parse().unwrap());
        let resolver = PublicOnly { allow_local, proxy, inner: DefaultResolver::default() };
        let found = resolver.resolve(&uri.parse().unwrap(), &Config::default(), NextTimeout::default());
        found.map(|addresses| addresses.len())
    }

    #[test]
    fn local_addresses_are_refused_unless_allowed() {
        let error = resolve("http://127.0.0.1:9/x", false, None).unwrap_err();
        let ureq::Error::Other(inner) = error else { panic!("{error}") };
        let local = inner.downcast::<LocalName>().unwrap();
        assert_eq!(local.to_string(), "`127.0.0.1` is a loopback address (127.0.0.1)");
        assert!(matches!(resolve("http://[::1]:9/x", false, None), Err(ureq::Error::Other(_))));
        assert_eq!(resolve("http://127.0.0.1:9/x", true, None).unwrap(), 1);
        assert_eq!(resolve("http://1.1.1.1/x", false, None).unwrap(), 1);
    }

    #[test]
    fn the_chosen_proxy_may_be_local() {
        assert_eq!(resolve("http://10.0.0.1:3128/", false, Some("http://10.0.0.1:3128/")).unwrap(), 1);
        assert!(resolve("http://10.0.0.1:3129/", false, Some("http://10.0.0.1:3128/")).is_err());
    }
}
