//! Brings libtorch: the user's own, that of an installed Python torch, or the PyPI wheel.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::say;
use crate::steps::{StepError, output, run};

/// The version that `tch` 0.24 binds.
const VERSION: &str = "2.11.0";

/// What the wheel needs beside it on a machine without an NVIDIA GPU: libtorch's CUDA part is linked against them.
const CPU_PARTS: [&str; 2] = ["nvidia-cuda-runtime==13.0.96", "nvidia-cuda-cupti==13.0.85"];

/// The folder with `lib` and `include`.
///
/// # Errors
/// Where there is none and none can be installed.
pub fn bring(root: &Path) -> Result<PathBuf, StepError> {
    let ours = root.join(".libtorch/torch");
    // Cargo sets LIBTORCH to `ours` unless the user has set another.
    if let Some(named) = std::env::var_os("LIBTORCH").map(PathBuf::from).filter(|named| *named != ours) {
        return match has_library(&named) {
            true => Ok(named),
            false => Err(StepError::Other(format!(
                "LIBTORCH names `{}`, which has no `lib/libtorch_cpu.so`: point it at a libtorch {VERSION}, or unset it",
                named.display()
            ))),
        };
    }
    if has_library(&ours) {
        return Ok(ours);
    }
    if let Some(installed) = of_python() {
        say(&format!("using the libtorch of Python's torch in {}", installed.display()));
        std::fs::create_dir_all(root.join(".libtorch"))
            .and_then(|()| std::os::unix::fs::symlink(&installed, &ours))
            .map_err(|error| StepError::Other(format!("cannot link `{}`: {error}", ours.display())))?;
        return Ok(ours);
    }
    install(root)?;
    Ok(ours)
}

fn has_library(folder: &Path) -> bool {
    folder.join("lib/libtorch_cpu.so").is_file() && folder.join("include").is_dir()
}

/// The folder of an installed Python torch of the right version.
fn of_python() -> Option<PathBuf> {
    let code = "import torch, pathlib; print(torch.__version__.split('+')[0]); print(pathlib.Path(torch.__file__).parent)";
    let text = output(Command::new("python3").args(["-c", code])).ok()?;
    let (version, folder) = text.trim().split_once('\n')?;
    let folder = PathBuf::from(folder.trim());
    (version.trim() == VERSION && has_library(&folder)).then_some(folder)
}

fn install(root: &Path) -> Result<(), StepError> {
    let pip = output(Command::new("python3").args(["-m", "pip", "--version"]));
    if pip.is_err() {
        return Err(StepError::Other(format!(
            "libtorch {VERSION} is installed by Python's pip, which was not found: `apt-get install python3-pip`, or set LIBTORCH"
        )));
    }
    say(&format!("installing libtorch {VERSION} into .libtorch/ (1.2 GB on disk, about a minute)"));
    // Made aside and renamed, so that an interrupted download is never taken for whole.
    let aside = root.join(".libtorch.part");
    let place = root.join(".libtorch");
    for folder in [&aside, &place] {
        if folder.exists() {
            std::fs::remove_dir_all(folder)
                .map_err(|error| StepError::Other(format!("cannot remove `{}`: {error}", folder.display())))?;
        }
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]).arg(&aside);
    pip.arg(format!("torch=={VERSION}"));
    if has_gpu() {
        say("an NVIDIA GPU is there: its libraries come too");
    } else {
        pip.arg("--no-deps").args(CPU_PARTS);
    }
    run(&mut pip)?;
    std::fs::rename(&aside, &place)
        .map_err(|error| StepError::Other(format!("cannot rename to `{}`: {error}", place.display())))
}

fn has_gpu() -> bool {
    Path::new("/dev/nvidiactl").exists()
}
