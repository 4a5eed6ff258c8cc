//! How libtorch's threads wait for each other: asleep, not spinning.
//!
//! Libgomp's threads spin for milliseconds before they sleep. Alone on a machine that costs nothing; beside other
//! workers, a spinning thread holds the core that the thread it waits for needs. Measured with two threads on
//! two busy cores: 6 to 20 images per second spinning, 110 asleep.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Either says how threads wait; who has set one has chosen.
const CHOICES: [&str; 2] = ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"];

/// Makes threads sleep while they wait, unless the environment says how they are to wait. Libgomp reads the
/// environment when it is loaded, before `main`: so the program is started once more in its own place, with
/// the same process id. Whoever starts many workers spares them this by setting the variable.
pub fn ensure() {
    if CHOICES.iter().any(|name| std::env::var_os(name).is_some()) {
        return;
    }
    // Where it cannot be started again it goes on as it is, only slower on a busy machine.
    if let Ok(program) = std::env::current_exe() {
        let _ = Command::new(program).args(std::env::args_os().skip(1)).env(CHOICES[0], "0").exec();
    }
}
