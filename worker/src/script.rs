//! A TorchScript module: its tensors, and what it makes of an input.
//!
//! `tch` has such a module too, but does not show its buffers, and running statistics are part of a state.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};

use tch::{Device, Tensor};

use crate::torch;

unsafe extern "C" {
    fn ablatrix_script_load(path: *const c_char, gpu: c_int, module: *mut *mut c_void) -> *mut c_char;
    fn ablatrix_script_free(module: *mut c_void);
    fn ablatrix_script_tensors(module: *mut c_void, context: *mut c_void, visit: Visit) -> *mut c_char;
    fn ablatrix_script_forward(
        module: *mut c_void,
        input: *const c_void,
        train: c_int,
        output: *mut *mut c_void,
    ) -> *mut c_char;
}

type Visit = extern "C" fn(*mut c_void, *const c_char, *mut c_void, c_int);

/// Libtorch's complaint about a module, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("libtorch: {0}")]
pub struct ScriptFault(pub String);

/// A parameter or buffer; shares memory with its module.
#[derive(Debug)]
pub struct ScriptTensor {
    /// As in PyTorch's `state_dict`.
    pub name: String,
    /// The values.
    pub tensor: Tensor,
    /// False for buffers.
    pub is_parameter: bool,
}

/// A module that was read from a file.
#[derive(Debug)]
pub struct ScriptModule {
    module: *mut c_void,
}

// SAFETY: libtorch's modules may be used from any thread, by one at a time.
unsafe impl Send for ScriptModule {}

impl ScriptModule {
    /// Reads the file at `path` onto `device`. Its code is libtorch's own, which knows tensors and no files; it can
    /// still take all memory and time, so it should come from someone who is trusted.
    ///
    /// # Errors
    /// Where it is no TorchScript archive, a damaged one, or one that this libtorch cannot run.
    pub fn load(path: &Path, device: Device) -> Result<Self, ScriptFault> {
        let text = CString::new(path.as_os_str().as_encoded_bytes())
            .map_err(|_| ScriptFault(format!("the path `{}` holds a NUL", PathBuf::from(path).display())))?;
        let gpu = match device {
            Device::Cuda(index) => index as c_int,
            _ => -1,
        };
        let mut module = std::ptr::null_mut();
        // SAFETY: a NUL-terminated path and a place for the module, both alive during the call.
        let message =
            unsafe { torch::take_message(ablatrix_script_load(text.as_ptr(), gpu, &raw mut module)) };
        result(message)?;
        Ok(ScriptModule { module })
    }

    /// Parameters and buffers in the order of PyTorch's `state_dict`, each once.
    ///
    /// # Errors
    /// Libtorch's.
    pub fn tensors(&self) -> Result<Vec<ScriptTensor>, ScriptFault> {
        extern "C" fn visit(
            list: *mut c_void,
            name: *const c_char,
            tensor: *mut c_void,
            is_parameter: c_int,
        ) {
            // SAFETY: the list of the call below, a NUL-terminated name, and a tensor that becomes ours.
            unsafe {
                (*list.cast::<Vec<ScriptTensor>>()).push(ScriptTensor {
                    name: CStr::from_ptr(name).to_string_lossy().into_owned(),
                    tensor: Tensor::from_ptr(tensor.cast()),
                    is_parameter: is_parameter != 0,
                });
            }
        }
        let mut list: Vec<ScriptTensor> = Vec::new();
        // SAFETY: the module is alive, and the list outlives the call.
        let message = unsafe {
            torch::take_message(ablatrix_script_tensors(self.module, (&raw mut list).cast(), visit))
        };
        result(message)?;
        Ok(list)
    }

    /// What the module makes of `input`. With `train`, all of its parts train but batch norms whose weight does not
    /// ask for a gradient.
    ///
    /// # Errors
    /// What the module's own code complains of; an output that is no tensor.
    pub fn forward(&self, input: &Tensor, train: bool) -> Result<Tensor, ScriptFault> {
        let mut output = std::ptr::null_mut();
        // SAFETY: module and input are alive; the output becomes ours.
        unsafe {
            let input = input.as_ptr().cast();
            let call = ablatrix_script_forward(self.module, input, c_int::from(train), &raw mut output);
            result(torch::take_message(call))?;
            Ok(Tensor::from_ptr(output.cast()))
        }
    }
}

impl ScriptModule {
    /// For calls of our own; alive as long as the module.
    pub(crate) fn as_ptr(&self) -> *mut c_void {
        self.module
    }
}

impl Drop for ScriptModule {
    fn drop(&mut self) {
        // SAFETY: made by `load`, freed once.
        unsafe { ablatrix_script_free(self.module) }
    }
}

pub(crate) fn result(message: Option<String>) -> Result<(), ScriptFault> {
    match message {
        None => Ok(()),
        Some(message) => Err(ScriptFault(complaint(&message))),
    }
}

/// The line that says what is wrong: libtorch puts the module's own code before it, under a heading of its own.
fn complaint(message: &str) -> String {
    let lines = || message.lines().map(str::trim).filter(|line| !line.is_empty());
    let heading = "The following operation failed in the TorchScript interpreter.";
    match lines().next() {
        Some(first) if first == heading => lines().next_back().unwrap_or_default().to_owned(),
        first => first.unwrap_or_default().to_owned(),
    }
}
