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
