//! Libtorch as a whole: its version, threads, determinism, devices, and the calls that `tch` does not pass on.

use std::ffi::{CStr, c_char, c_int};

use ablatrix::spec::settings::Device;

unsafe extern "C" {
    fn ablatrix_libtorch_version() -> *const c_char;
    fn ablatrix_free(message: *mut c_char);
    fn ablatrix_set_deterministic(wanted: c_int);
    fn ablatrix_prepare_cublas();
    fn ablatrix_load_cuda() -> *mut c_char;
    fn ablatrix_keep_freed_memory();
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
    // SAFETY: they set flags of libtorch and of the allocator and a variable of the environment, while there is no other
    // thread that reads it, and touch no memory of ours.
    unsafe {
        ablatrix_keep_freed_memory();
        ablatrix_prepare_cublas();
        ablatrix_set_deterministic(1);
    }
    // No operation here runs several others at once; the pool would only cost threads.
    tch::set_num_interop_threads(1);
}

/// Whether the same inputs are to give the same bits on a GPU too; else it may be faster, and cuDNN tries its algorithms on
/// pictures of each new size. On the processor they always do. To be called for each job.
pub fn set_deterministic(wanted: bool) {
    // SAFETY: sets flags of libtorch.
    unsafe { ablatrix_set_deterministic(c_int::from(wanted)) };
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
            usable_gpus().map_err(|reason| TorchError::NoCuda { reason })?;
            Ok(tch::Device::Cuda(0))
        }
    }
}

/// How many GPUs libtorch can use, at least one; else why it can use none.
///
/// # Errors
/// The reason.
pub fn usable_gpus() -> Result<u32, String> {
    // SAFETY: returns null or a message that is ours.
    if let Some(reason) = unsafe { take_message(ablatrix_load_cuda()) } {
        return Err(reason);
    }
    match u32::try_from(tch::Cuda::device_count()) {
        Ok(n) if n > 0 && tch::Cuda::is_available() => Ok(n),
        _ => Err("libtorch finds no usable GPU or driver".to_owned()),
    }
}

/// The first line of a message of libtorch, without the C++ stack that follows it.
pub fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// The text of a message of our own calls.
///
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

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" {
        fn ablatrix_is_deterministic() -> c_int;
    }

    #[test]
    fn determinism_is_set_for_each_job() {
        for wanted in [false, true] {
            set_deterministic(wanted);
            // SAFETY: reads flags.
            assert_eq!(unsafe { ablatrix_is_deterministic() } != 0, wanted);
        }
    }
}
