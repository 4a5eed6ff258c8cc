//! Number formats of the forward pass.

use std::ffi::{CStr, c_char, c_int, c_ulong};
use std::marker::PhantomData;

use ablatrix::spec::settings::Precision;
use tch::Device;

unsafe extern "C" {
    fn ablatrix_autocast_enter(is_cuda: c_int);
    fn ablatrix_autocast_leave(is_cuda: c_int);
    fn ablatrix_autocast_pause_cpu() -> c_int;
    fn ablatrix_autocast_resume_cpu();
    fn ablatrix_allow_tf32(allowed: c_int);
    fn ablatrix_cpu_capability(text: *mut c_char, size: c_ulong);
}

/// While it lives, this thread's operations that gain from it compute in bfloat16, the rest in 32-bit floats, as under
/// PyTorch's `torch.autocast`; parameters, gradients and sums of the optimizer stay 32-bit floats.
#[derive(Debug)]
pub struct Autocast {
    is_cuda: bool,
    /// The setting is the thread's own.
    _of_this_thread: PhantomData<*const ()>,
}

impl Autocast {
    /// Begins, where `precision` asks for it.
    pub fn enter(precision: Precision, device: Device) -> Option<Self> {
        if precision != Precision::Bf16 {
            return None;
        }
        let is_cuda = device.is_cuda();
        // SAFETY: sets flags of this thread; left again when the guard is dropped.
        unsafe { ablatrix_autocast_enter(c_int::from(is_cuda)) };
        Some(Autocast { is_cuda, _of_this_thread: PhantomData })
    }
}

impl Drop for Autocast {
    fn drop(&mut self) {
        // SAFETY: on the thread that entered, once.
        unsafe { ablatrix_autocast_leave(c_int::from(self.is_cuda)) };
    }
}

/// While it lives, this thread's operations on the processor compute in 32-bit floats in spite of [`Autocast`].
#[derive(Debug)]
pub struct Paused {
    _of_this_thread: PhantomData<*const ()>,
}

impl Paused {
    /// Begins, where autocast is on for the processor.
    pub fn enter() -> Option<Self> {
        // SAFETY: sets a flag of this thread; set back when the guard is dropped.
        let was_on = unsafe { ablatrix_autocast_pause_cpu() } != 0;
        was_on.then(|| Paused { _of_this_thread: PhantomData })
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        // SAFETY: on the thread that paused it, once.
        unsafe { ablatrix_autocast_resume_cpu() };
    }
}

/// Sets how 32-bit floats are multiplied on a GPU: libtorch by itself rounds them to TF32 in convolutions. To be called
/// for each job.
pub fn prepare(precision: Precision) {
    // SAFETY: sets two flags.
    unsafe { ablatrix_allow_tf32(c_int::from(precision == Precision::Tf32)) };
}

/// The widest vector instructions of this processor that libtorch uses, as `AVX512`.
pub fn cpu_capability() -> String {
    let mut text: [c_char; 64] = [0; 64];
    // SAFETY: at most 64 bytes are written, the last one NUL.
    unsafe {
        ablatrix_cpu_capability(text.as_mut_ptr(), text.len() as c_ulong);
        CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use tch::{Kind, Tensor};

    use super::*;

    /// Products of 1 + 2^-12 by 1: bfloat16 has 8 bits.
    fn product() -> (Kind, f64) {
        let a = Tensor::full([4, 4], 1.0 + 2f64.powi(-12), (Kind::Float, Device::Cpu));
        let product = a.matmul(&Tensor::eye(4, (Kind::Float, Device::Cpu)));
        (product.kind(), product.double_value(&[0, 0]))
    }

    #[test]
    fn bf16_holds_as_long_as_its_guard_and_no_other_asks_for_it() {
        let exact = (Kind::Float, 1.0 + 2f64.powi(-12));
        assert_eq!(product(), exact);
        {
            let _outer = Autocast::enter(Precision::Bf16, Device::Cpu);
            assert_eq!(product(), (Kind::BFloat16, 1.0));
        }
        assert_eq!(product(), exact);
        for precision in [Precision::Fp32, Precision::Tf32] {
            assert!(Autocast::enter(precision, Device::Cpu).is_none());
        }
    }

    #[test]
    fn a_pause_is_over_with_its_guard_and_there_is_none_without_autocast() {
        assert!(Paused::enter().is_none());
        let _autocast = Autocast::enter(Precision::Bf16, Device::Cpu);
        {
            let paused = Paused::enter();
            assert!(paused.is_some() && Paused::enter().is_none());
            assert_eq!(product().0, Kind::Float);
        }
        assert_eq!(product().0, Kind::BFloat16);
    }

    #[test]
    fn weights_that_changed_are_cast_anew() {
        let weight = Tensor::full([2, 2], 1.0, (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let input = Tensor::eye(2, (Kind::Float, Device::Cpu));
        let first = || {
            let _autocast = Autocast::enter(Precision::Bf16, Device::Cpu);
            input.matmul(&weight).double_value(&[0, 0])
        };
        assert_eq!(first(), 1.0);
        tch::no_grad(|| {
            let _ = weight.shallow_clone().fill_(3.0);
        });
        assert_eq!(first(), 3.0);
    }

    #[test]
    fn the_processor_is_named() {
        assert!(!cpu_capability().is_empty());
    }
}
