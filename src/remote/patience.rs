//! How long a remote is waited for, and how often it is asked again.

use std::time::Duration;

use object_store::{BackoffConfig, ClientOptions, RetryConfig};

/// Before the second try.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// How patient we are with a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Tries after the first, where another may help: no connection, a broken one, 429 and 5xx.
    pub retries: usize,
    /// The longest wait between two tries; the first is a tenth of a second, and each is longer than the one before.
    pub longest_wait: Duration,
    /// All tries of one request together begin within this.
    pub all_tries: Duration,
    /// For a connection.
    pub connect: Duration,
    /// For the next byte.
    pub silence: Duration,
    /// For one result that a study waits for, beside the time that its bytes take at 100 kB/s; `None`: however long it
    /// takes.
    pub per_result: Option<Duration>,
}

impl Patience {
    /// Of a command whose whole purpose is the transfer.
    pub fn of_transfer(retries: usize) -> Self {
        Patience {
            retries,
            longest_wait: Duration::from_secs(15),
            all_tries: Duration::from_secs(180),
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(120),
            per_result: None,
        }
    }

    /// Of a study, which can compute what does not come.
    pub fn of_study() -> Self {
        Patience {
            retries: 3,
            longest_wait: Duration::from_secs(2),
            all_tries: Duration::from_secs(20),
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(20),
            per_result: Some(Duration::from_secs(30)),
        }
    }

    /// How long a result of so many bytes may take.
    pub(super) fn with(&self, bytes: u64) -> Option<Duration> {
        self.per_result.map(|base| base + Duration::from_secs(bytes / 100_000))
    }

    /// The wait before try number `n` + 1, `n` from 1: doubled each time.
    pub(super) fn wait(&self, n: usize) -> Duration {
        let doubled =
            FIRST_WAIT.saturating_mul(2u32.saturating_pow(u32::try_from(n - 1).unwrap_or(u32::MAX)));
        doubled.min(self.longest_wait)
    }

    pub(super) fn retry(&self) -> RetryConfig {
        let backoff = BackoffConfig { init_backoff: FIRST_WAIT, max_backoff: self.longest_wait, base: 2.0 };
        RetryConfig { backoff, max_retries: self.retries, retry_timeout: self.all_tries }
    }

    pub(super) fn client(&self) -> ClientOptions {
        // No limit for a whole transfer: it may be large. One that goes silent is ended.
        ClientOptions::new()
            .with_timeout_disabled()
            .with_connect_timeout(self.connect)
            .with_read_timeout(self.silence)
    }
}
