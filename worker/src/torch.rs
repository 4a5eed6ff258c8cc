//! Libtorch as a whole: its version, threads, determinism, devices, and the calls that `tch` does not pass on.

use std::ffi::{CStr, c_char, c_void};

use ablatrix::spec::settings::Device;
use tch::Tensor;

unsafe extern "C" {
    fn ablatrix_libtorch_version() -> *const c_char;
    fn ablatrix_free(message: *mut c_char);
    fn ablatrix_set_deterministic();
    fn ablatrix_load_cuda() -> *mut c_char;
    fn ablatrix_keep_freed_memory();
    fn ablatrix_adam_step(
        parameters: *const *const c_void,
        means: *const *const c_void,
        squares: *const *const c_void,
        n: usize,
        step: *const c_void,
        lr: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        epsilon: f64,
    ) -> *mut c_char;
}

/// What libtorch refuses.
#[derive(Debug, thiserror::Error)]
pub enum TorchError {
    /// A GPU was asked for and there is none.
    #[error("device `cuda` is not available: {reason}")]
    NoCuda {
        /// Why.
        reason: String,
    },
    /// A call of our own failed.
    #[error("libtorch: {0}")]
    Call(String),
}

/// The version of libtorch that this worker was built with, as `2.11.0`.
pub fn version() -> String {
    // SAFETY: a static, NUL-terminated string.
    let version = unsafe { CStr::from_ptr(ablatrix_libtorch_version()) };
    version.to_string_lossy().into_owned()
}

/// Sets what holds for the whole process. To be called once, before the first tensor.
pub fn prepare_process() {
    // SAFETY: both set flags of libtorch and of the allocator and touch no memory of ours.
    unsafe {
        ablatrix_keep_freed_memory();
        ablatrix_set_deterministic();
    }
    // No operation here runs several others at once; the pool would only cost threads.
    tch::set_num_interop_threads(1);
}

/// Where a job's tensors live, its threads set.
///
/// # Errors
/// [`TorchError::NoCuda`] where a GPU is asked for and libtorch sees none.
pub fn open_device(device: Device, threads: u32) -> Result<tch::Device, TorchError> {
    let threads = i32::try_from(threads.max(1)).unwrap_or(i32::MAX);
    if tch::get_num_threads() != threads {
        tch::set_num_threads(threads);
    }
    match device {
        Device::Cpu => Ok(tch::Device::Cpu),
        Device::Cuda => {
            // SAFETY: returns null or a message that is ours.
            if let Some(reason) = unsafe { take_message(ablatrix_load_cuda()) } {
                return Err(TorchError::NoCuda { reason });
            }
            if !tch::Cuda::is_available() {
                let reason = "libtorch finds no usable GPU or driver".to_owned();
                return Err(TorchError::NoCuda { reason });
            }
            Ok(tch::Device::Cuda(0))
        }
    }
}

/// The lists that Adam works on: as many of each, of the same shapes and layout, in the same order.
pub struct AdamLists<'a> {
    /// With the gradients that `backward` left on them; changed in place.
    pub parameters: &'a [Tensor],
    /// Running means of the gradients; changed in place.
    pub means: &'a [Tensor],
    /// Running means of their squares; changed in place.
    pub squares: &'a [Tensor],
}

/// The numbers that Adam works with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamNumbers {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the means.
    pub beta1: f64,
    /// Decay of the squares.
    pub beta2: f64,
    /// Times the parameter, added to its gradient.
    pub weight_decay: f64,
    /// Added to the denominator.
    pub epsilon: f64,
}

/// One step of Adam over all lists in one call; the gradients are dropped. `step` is a scalar f32 tensor that
/// already counts this step. A parameter without a gradient keeps its value.
///
/// # Errors
/// Where libtorch refuses the tensors.
///
/// # Panics
/// Where the lists are not equally long: a mistake of the caller.
pub fn adam_step(lists: &AdamLists, step: &Tensor, numbers: AdamNumbers) -> Result<(), TorchError> {
    let n = lists.parameters.len();
    assert!(lists.means.len() == n && lists.squares.len() == n, "bug: adam's lists differ in length");
    let parameters = pointers(lists.parameters);
    let (means, squares) = (pointers(lists.means), pointers(lists.squares));
    // SAFETY: each list holds `n` pointers to live tensors, which the call changes in place as libtorch does
    // for any in-place operation.
    let message = unsafe {
        take_message(ablatrix_adam_step(
            parameters.as_ptr(),
            means.as_ptr(),
            squares.as_ptr(),
            n,
            step.as_ptr().cast(),
            numbers.lr,
            numbers.beta1,
            numbers.beta2,
            numbers.weight_decay,
            numbers.epsilon,
        ))
    };
    message.map_or(Ok(()), |message| Err(TorchError::Call(first_line(&message))))
}

/// The first line of a message of libtorch, without the C++ stack that follows it.
pub fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

fn pointers(tensors: &[Tensor]) -> Vec<*const c_void> {
    tensors.iter().map(|tensor| tensor.as_ptr().cast::<c_void>()).collect()
}

/// # Safety
/// `message` is null, or a string that `ablatrix_free` may free.
pub(crate) unsafe fn take_message(message: *mut c_char) -> Option<String> {
    if message.is_null() {
        return None;
    }
    // SAFETY: as the caller promises; freed once, after it was copied.
    unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        ablatrix_free(message);
        Some(text)
    }
}
