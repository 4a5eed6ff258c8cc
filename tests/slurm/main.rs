//! Studies on a real cluster: `cluster.sh` starts Slurm's daemons on this machine, and the real programs are driven.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may end so, and says that it skips")]

mod accounts;
mod failures;
#[path = "../end_to_end/harness.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod harness;
mod how_to;
mod lab;
#[path = "../docs/page.rs"]
#[expect(dead_code, reason = "the tests of the book use the rest")]
mod page;
mod recovery;
mod results;
#[path = "../docs/script.rs"]
mod script;
mod seen;
mod time;
