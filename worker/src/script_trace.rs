//! Writing a forward pass down as a TorchScript module.

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::Path;

use tch::{TchError, Tensor};

use crate::script::{ScriptFault, ScriptModule, ScriptTensor, result};
use crate::torch;

unsafe extern "C" {
    fn ablatrix_script_trace(
        names: *const *const c_char,
        tensors: *const *const c_void,
        are_parameters: *const c_int,
        n: usize,
        backbone: *mut c_void,
        input: *const c_void,
        context: *mut c_void,
        forward: Forward,
        path: *const c_char,
    ) -> *mut c_char;
}

type Forward = extern "C" fn(*mut c_void, *mut c_void, *mut *mut c_void) -> c_int;

/// What a module is made of.
pub struct Traced<'a> {
    /// Its parameters and buffers, by their names. All that the pass reads, but what `backbone` has.
    pub tensors: &'a [ScriptTensor],
    /// A module that the pass calls; it becomes the part `backbone`.
    pub backbone: Option<&'a ScriptModule>,
    /// An example of what it is given. The shape of a batch may be another one later, its pictures may not.
    pub input: &'a Tensor,
}

/// A pass under way, and why it failed.
struct Call<'a> {
    forward: &'a mut dyn FnMut(&Tensor) -> Result<Tensor, TchError>,
    fault: Option<TchError>,
}

/// Runs `forward` once and writes the operations that it makes of its input and of the tensors to the file `path`, as the method
/// `forward` of a module. What `forward` decides by itself (sides of pictures, modes) is decided for good.
///
/// # Errors
/// What `forward` fails with; what libtorch complains of: a tensor that is not among those that were named, a file that cannot be written.
pub fn trace(
    traced: Traced<'_>,
    path: &Path,
    forward: &mut dyn FnMut(&Tensor) -> Result<Tensor, TchError>,
) -> Result<(), ScriptFault> {
    extern "C" fn run(call: *mut c_void, input: *mut c_void, output: *mut *mut c_void) -> c_int {
        // SAFETY: the call below, which is alive; an input that becomes ours; a place for the output.
        let (call, input) = unsafe { (&mut *call.cast::<Call<'_>>(), Tensor::from_ptr(input.cast())) };
        match (call.forward)(&input) {
            Ok(mut made) => {
                // SAFETY: the place is valid, and the tensor becomes the caller's.
                unsafe { *output = made.as_mut_ptr().cast() };
                std::mem::forget(made);
                0
            }
            Err(error) => {
                call.fault = Some(error);
                1
            }
        }
    }
    let text = |bytes: &[u8]| {
        CString::new(bytes)
            .map_err(|_| ScriptFault(format!("`{}` holds a NUL", String::from_utf8_lossy(bytes))))
    };
    let names = traced.tensors.iter().map(|tensor| text(tensor.name.as_bytes()));
    let names: Vec<CString> = names.collect::<Result<_, _>>()?;
    let name_pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let tensors: Vec<*const c_void> =
        traced.tensors.iter().map(|tensor| tensor.tensor.as_ptr().cast()).collect();
    let are_parameters: Vec<c_int> =
        traced.tensors.iter().map(|tensor| c_int::from(tensor.is_parameter)).collect();
    let path = text(path.as_os_str().as_encoded_bytes())?;
    let mut call = Call { forward, fault: None };
    let _no_grad = tch::no_grad_guard();
    // SAFETY: all lists have as many entries, and all that is pointed at is alive during the call.
    let message = unsafe {
        torch::take_message(ablatrix_script_trace(
            name_pointers.as_ptr(),
            tensors.as_ptr(),
            are_parameters.as_ptr(),
            tensors.len(),
            traced.backbone.map_or(std::ptr::null_mut(), ScriptModule::as_ptr),
            traced.input.as_ptr().cast(),
            (&raw mut call).cast(),
            run,
            path.as_ptr(),
        ))
    };
    match call.fault {
        Some(fault) => Err(ScriptFault(torch::first_line(&fault.to_string()))),
        None => result(message),
    }
}
