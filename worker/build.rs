//! Compiles the few C++ functions that `tch` lacks, and lets the worker find libtorch at run time: an rpath to
//! the `lib` folder that it was linked with.

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    for name in ["LIBTORCH", "LIBTORCH_INCLUDE", "LIBTORCH_LIB", "LIBTORCH_CXX11_ABI"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=native");
    let Ok(libtorch) = env::var("LIBTORCH") else {
        // torch-sys has said what is missing, unless the system's own libtorch is used.
        compile(&[PathBuf::from("/usr/include")]);
        return;
    };
    let include = env::var("LIBTORCH_INCLUDE").unwrap_or_else(|_| libtorch.clone());
    let include = Path::new(&include).join("include");
    compile(&[include.join("torch/csrc/api/include"), include]);

    // An absolute path, so that the worker starts from any folder.
    let lib = env::var("LIBTORCH_LIB").unwrap_or(libtorch);
    let lib = Path::new(&lib).join("lib");
    let lib = lib.canonicalize().unwrap_or(lib);
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
}

fn compile(includes: &[PathBuf]) {
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .warnings(false)
        .includes(includes)
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        .file("native/optimizers.cpp")
        .file("native/torch_extras.cpp")
        .file("native/precision.cpp")
        .file("native/script_module.cpp")
        .file("native/script_trace.cpp")
        .compile("ablatrix_torch_extras");
}
