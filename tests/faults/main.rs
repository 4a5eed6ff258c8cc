//! Kills, refused writes, damage, full disks and many processes at once: whatever happens to a cache, the next `run` ends
//! with the bytes of an undisturbed one.
//!
//! Seeded: each test prints its seed, and `ABLATRIX_FAULTS_SEED` replays it. `ABLATRIX_FAULTS=full` (`cargo xtask
//! faults --full`) tries about ten times as much.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may end so, and says what it did")]

mod at_once;
mod collecting;
mod damage;
mod dice;
mod failpoints;
mod full_disk;
#[path = "../end_to_end/harness.rs"]
#[expect(dead_code, reason = "other targets use more of it")]
mod harness;
mod kills;
mod locks;
mod names;
mod no_wait;
mod power;
mod read_only;
mod rot;
mod ruin;
mod schedules;
mod secrets;
#[path = "../remote/server.rs"]
#[expect(dead_code, reason = "tests of remotes use more of it")]
mod server;
mod signals;
mod soak;
#[path = "../end_to_end/stored.rs"]
mod stored;
mod truth;
