//! Brings a Python with PyTorch and Pillow for the tests of exported models: the `torch` that libtorch came with, on the processor
//! alone.
//!
//! Its wheel holds all of PyTorch, but is linked against NVIDIA's libraries, which would be three gigabytes more. Nothing on
//! the processor calls them: where they are missing, empty libraries of their names satisfy the loader.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::say;
use crate::steps::{StepError, run};

/// The variable that tells the tests its program; where it is set already, that program is taken.
pub const VARIABLE: &str = "ABLATRIX_TEST_PYTHON";

/// What `import torch` asks for beside its own folder, and what opens pictures.
const PACKAGES: [&str; 3] = ["typing_extensions==4.15.0", "numpy==2.4.6", "pillow==13.0.0"];

/// NVIDIA's libraries that PyTorch 2.11 is linked against, but for the two that always come with it.
const LIBRARIES: [&str; 11] = [
    "libcublas.so.13",
    "libcublasLt.so.13",
    "libcudnn.so.9",
    "libcufft.so.12",
    "libcufile.so.0",
    "libcurand.so.10",
    "libcusolver.so.12",
    "libcusparse.so.12",
    "libcusparseLt.so.0",
    "libnccl.so.2",
    "libnvshmem_host.so.3",
];

/// The program.
///
/// # Errors
/// Where there is no Python, a package cannot be installed, or PyTorch cannot be imported.
pub fn bring(root: &Path, libtorch: &Path) -> Result<PathBuf, StepError> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        return Ok(named.into());
    }
    let place = root.join("target/pytorch");
    let (program, whole) = (place.join("python"), place.join("whole"));
    if whole.is_file() {
        return Ok(program);
    }
    say("preparing a Python with PyTorch for the tests (some seconds)");
    let environment = place.join("env");
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    let python = environment.join("bin/python");
    let mut pip = Command::new(&python);
    run(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES))?;
    // The folder that `torch` lies in, through whatever links.
    let torch = libtorch.canonicalize().unwrap_or_else(|_| libtorch.to_owned());
    let packages = torch.parent().unwrap_or(&torch).to_owned();
    let stubs = place.join("stubs");
    std::fs::create_dir_all(&stubs).map_err(|error| cannot_write(&stubs, &error))?;
    let mut missing = 0;
    for library in LIBRARIES.iter().filter(|library| !is_there(&packages.join("nvidia"), library)) {
        missing += 1;
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-x", "c", "/dev/null", "-o"]).arg(stubs.join(library));
        run(cc.arg(format!("-Wl,-soname,{library}")))?;
    }
    write(&program, &script(&python, &packages, (missing > 0).then_some(stubs.as_path())))?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))
        .map_err(|error| cannot_write(&program, &error))?;
    run(Command::new(&program).args(["-c", "import PIL, torch; assert torch.ones(2).sum() == 2"]))?;
    write(&whole, "")?;
    Ok(program)
}

/// A Python that finds `torch` in `packages`; with `stubs`, in which stand-ins lie for libraries that are not there, it loads
/// PyTorch in the way that does not look for them itself.
fn script(python: &Path, packages: &Path, stubs: Option<&Path>) -> String {
    let stubs = stubs.map_or_else(String::new, |stubs| {
        format!("export TORCH_USE_RTLD_GLOBAL=1 LD_LIBRARY_PATH='{}'\n", stubs.display())
    });
    format!(
        "#!/bin/sh\n{stubs}export PYTHONPATH='{}'\nexec '{}' \"$@\"\n",
        packages.display(),
        python.display()
    )
}

/// Whether a library lies somewhere below a folder.
fn is_there(folder: &Path, library: &str) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        entry.file_name() == library || (is_folder && is_there(&entry.path(), library))
    })
}

fn write(path: &Path, text: &str) -> Result<(), StepError> {
    std::fs::write(path, text).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> StepError {
    StepError::Other(format!("cannot write `{}`: {error}", path.display()))
}
