//! The worker's command line, and nothing else: see `ablatrix_worker::serve`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ablatrix_worker::patience::ensure();
    ablatrix_worker::serve::main()
}
