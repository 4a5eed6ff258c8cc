//! How politely and how patiently images are asked for. Nothing here changes an image's bytes.

use std::time::Duration;

use ureq::Proxy;

/// How images are asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Images at once.
    pub parallel: usize,
    /// Images at once of one host.
    pub per_host: usize,
    /// Tries after the first one, where another may help.
    pub retries: u32,
    /// The wait before the first of them; doubled each time.
    pub first_wait: Duration,
    /// One try, from the name's look-up to the last byte.
    pub timeout: Duration,
    /// A larger image is refused.
    pub max_bytes: u64,
    /// Also ask addresses of this machine and its network.
    pub allow_local: bool,
    /// Go through this proxy, which then looks names up itself.
    pub proxy: Option<Proxy>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            parallel: 8,
            per_host: 4,
            retries: 5,
            first_wait: Duration::from_secs(1),
            timeout: Duration::from_secs(120),
            max_bytes: 100 << 20,
            allow_local: false,
            proxy: None,
        }
    }
}
