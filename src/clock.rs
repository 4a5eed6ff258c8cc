//! The one place that reads the clock. Times are news for people; no result depends on them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// What has passed since `time`; nothing where the clock was set back.
pub fn since(time: SystemTime) -> Duration {
    now().duration_since(time).unwrap_or_default()
}

/// Milliseconds since 1970 (UTC).
pub fn unix_ms() -> i64 {
    now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}

/// A time as people read it: `2026-11-24 10:15:02 UTC`. `unix_ms`: milliseconds since 1970 (UTC); earlier ones are shown as 1970.
pub fn readable(unix_ms: i64) -> String {
    let since_1970 = Duration::from_millis(u64::try_from(unix_ms).unwrap_or(0));
    let text = humantime::format_rfc3339_seconds(UNIX_EPOCH + since_1970).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        assert_eq!(readable(1_795_860_905_123), "2026-11-28 10:15:05 UTC");
        assert_eq!(readable(-5), "1970-01-01 00:00:00 UTC");
    }
}
