//! The one place that reads the clock. Times are news for people; no result depends on them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 (UTC).
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn unix_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}
