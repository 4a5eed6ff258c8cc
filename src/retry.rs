//! Whether a server is worth asking again, and how long to wait before.

use std::io;
use std::time::Duration;

use crate::seed::Key;

/// No wait is longer, whatever a server asks for.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Whether it is an error of rustls: so they come through its stream, and a socket never gives this kind.
pub fn is_tls(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

/// Whether there was a connection, which broke.
pub fn is_broken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::NotConnected
    )
}

/// The wait before try number `n` + 1, `n` from 1: `first` doubled each time, at most a minute, of which `key`'s
/// draw takes up to a half away, so that many images do not come back in one moment.
pub fn backoff(first: Duration, n: u32, key: Key) -> Duration {
    let doubled = first.saturating_mul(2u32.saturating_pow(n.saturating_sub(1)));
    let whole = doubled.min(Duration::from_secs(60));
    whole.mul_f64(1.0 - 0.5 * key.index(u64::from(n)).draws().f64())
}

/// The wait that a `Retry-After` header asks for, in seconds or as a date (RFC 9110, 10.2.3), cut to
/// [`LONGEST_WAIT`]. `None` where it says neither.
pub fn retry_after(value: &str, now_unix_ms: i64) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are longer than any wait.
        return Some(value.parse().map_or(LONGEST_WAIT, Duration::from_secs).min(LONGEST_WAIT));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let until = until.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = Duration::from_millis(u64::try_from(now_unix_ms).unwrap_or_default());
    Some(until.saturating_sub(now).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_differ_by_image() {
        let first = Duration::from_secs(1);
        for (n, whole) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60), (u32::MAX, 60)] {
            for image in 0..50 {
                let wait = backoff(first, n, Key::root(image));
                let whole = Duration::from_secs(whole);
                assert!(wait <= whole && wait * 2 >= whole, "{n}: {wait:?}");
                assert_eq!(wait, backoff(first, n, Key::root(image)));
            }
        }
        assert_ne!(backoff(first, 1, Key::root(1)), backoff(first, 1, Key::root(2)));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = 784_111_777_000; // Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("86400", Some(300)),
            ("99999999999999999999999", Some(300)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:50:07 GMT", Some(30)),
            ("Sun Nov  6 08:50:07 1994", Some(30)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(300)),
            ("soon", None),
            ("-1", None),
            ("1.5", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
