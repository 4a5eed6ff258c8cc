//! The report in a real browser: Debian's chromium, driven through its WebDriver, opens pages that the real programs wrote.
//!
//! The studies are run once for all tests; each test has a browser of its own. Without `chromedriver` the tests say that they skip.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may end so, and says that it skips")]

mod accessible;
mod browser;
mod filtered;
#[expect(dead_code, reason = "the tests of this crate need a part of it")]
#[path = "../end_to_end/harness.rs"]
mod harness;
mod hostile;
mod keyboard;
mod marks;
mod numbers;
mod shown;
mod sorted;
mod studies;
mod theme;
mod webdriver;
