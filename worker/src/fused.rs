//! Steps of optimizers that libtorch takes over many tensors in one call, and the gradients that they go along.
//!
//! `tch` has no fused kernels, and leaves gradients where `backward` put them.

use std::ffi::{c_char, c_void};
use std::ptr;

use tch::Tensor;

use crate::torch::{TorchError, first_line, take_message};

unsafe extern "C" {
    fn ablatrix_take_gradients(
        parameters: *const *const c_void,
        n: usize,
        gradients: *mut *mut c_void,
    ) -> *mut c_char;
    fn ablatrix_adam_step(
        parameters: *const *const c_void,
        gradients: *const *const c_void,
        means: *const *const c_void,
        squares: *const *const c_void,
        n: usize,
        step: *const c_void,
        lr: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        epsilon: f64,
        decoupled: bool,
    ) -> *mut c_char;
    fn ablatrix_sgd_step(
        parameters: *const *const c_void,
        gradients: *const *const c_void,
        momenta: *const *const c_void,
        n: usize,
        lr: f64,
        weight_decay: f64,
        momentum: f64,
        nesterov: bool,
    ) -> *mut c_char;
}

/// Takes the gradients off the parameters; `None` for one that `backward` did not reach. Each lies in memory as its parameter
/// does.
///
/// # Errors
/// Where libtorch has no memory for another layout.
pub fn take_gradients(parameters: &[Tensor]) -> Result<Vec<Option<Tensor>>, TorchError> {
    let mut taken = vec![ptr::null_mut::<c_void>(); parameters.len()];
    let list = pointers(parameters);
    // SAFETY: both lists have as many entries; the call reads live tensors, and fills `taken` with tensors that are ours.
    let message =
        unsafe { take_message(ablatrix_take_gradients(list.as_ptr(), list.len(), taken.as_mut_ptr())) };
    // SAFETY: each that is not null is a tensor of its own, made for us and owned by nobody else.
    let own =
        |pointer: *mut c_void| (!pointer.is_null()).then(|| unsafe { Tensor::from_ptr(pointer.cast()) });
    let gradients = taken.into_iter().map(own).collect();
    result(message).map(|()| gradients)
}

/// What a step goes over: lists of as many tensors, of the same shapes and layout, in the same order.
#[derive(Clone, Copy, Debug)]
pub struct Lists<'a> {
    /// Changed in place.
    pub parameters: &'a [Tensor],
    /// As [`take_gradients`] gives them; a parameter without one keeps its value and its state.
    pub gradients: &'a [Option<Tensor>],
}

/// The state that Adam keeps; changed in place.
#[derive(Clone, Copy, Debug)]
pub struct AdamState<'a> {
    /// Running means of the gradients.
    pub means: &'a [Tensor],
    /// Running means of their squares.
    pub squares: &'a [Tensor],
    /// A scalar f32 tensor that already counts this step.
    pub step: &'a Tensor,
}

/// The numbers that Adam works with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamNumbers {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the means and of the squares.
    pub betas: [f64; 2],
    /// Times the parameter, added to its gradient; with `decoupled`, times parameter and rate, taken off the parameter.
    pub weight_decay: f64,
    /// Added to the denominator.
    pub epsilon: f64,
    /// AdamW.
    pub decoupled: bool,
}

/// One step of Adam or AdamW.
///
/// # Errors
/// Where libtorch refuses the tensors.
///
/// # Panics
/// Where the lists are not equally long: a mistake of the caller.
pub fn adam_step(lists: Lists, state: AdamState, numbers: AdamNumbers) -> Result<(), TorchError> {
    let n = lists.parameters.len();
    let lengths = [lists.gradients.len(), state.means.len(), state.squares.len()];
    assert!(
        lengths.iter().all(|&length| length == n),
        "bug: adam's lists differ in length: {n}, {lengths:?}"
    );
    let (parameters, gradients) = (pointers(lists.parameters), optional(lists.gradients));
    let (means, squares) = (pointers(state.means), pointers(state.squares));
    let [beta1, beta2] = numbers.betas;
    // SAFETY: each list holds `n` pointers to live tensors, null only among the gradients; the call changes them in place
    // as libtorch does for any in-place operation.
    result(unsafe {
        take_message(ablatrix_adam_step(
            parameters.as_ptr(),
            gradients.as_ptr(),
            means.as_ptr(),
            squares.as_ptr(),
            n,
            state.step.as_ptr().cast(),
            numbers.lr,
            beta1,
            beta2,
            numbers.weight_decay,
            numbers.epsilon,
            numbers.decoupled,
        ))
    })
}

/// The numbers that stochastic gradient descent works with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdNumbers {
    /// Learning rate.
    pub lr: f64,
    /// Times the parameter, added to its gradient.
    pub weight_decay: f64,
    /// Share of the last step that is made once more.
    pub momentum: f64,
    /// Nesterov's momentum.
    pub nesterov: bool,
}

/// One step of stochastic gradient descent. `momenta` are as many as parameters, zeros before the first step, or none where
/// `momentum` is 0.
///
/// # Errors
/// Where libtorch refuses the tensors.
///
/// # Panics
/// Where the lists are not equally long: a mistake of the caller.
pub fn sgd_step(lists: Lists, momenta: &[Tensor], numbers: SgdNumbers) -> Result<(), TorchError> {
    let n = lists.parameters.len();
    let n_momenta = if numbers.momentum == 0.0 { 0 } else { n };
    let lengths = [lists.gradients.len(), momenta.len()];
    assert!(lengths == [n, n_momenta], "bug: sgd's lists differ in length: {n}, {lengths:?}");
    let (parameters, gradients) = (pointers(lists.parameters), optional(lists.gradients));
    let momenta = pointers(momenta);
    // SAFETY: as of `adam_step`; `momenta` is read only where there are `n`.
    result(unsafe {
        take_message(ablatrix_sgd_step(
            parameters.as_ptr(),
            gradients.as_ptr(),
            momenta.as_ptr(),
            n,
            numbers.lr,
            numbers.weight_decay,
            numbers.momentum,
            numbers.nesterov,
        ))
    })
}

fn result(message: Option<String>) -> Result<(), TorchError> {
    message.map_or(Ok(()), |message| Err(TorchError::Call(first_line(&message))))
}

fn pointers(tensors: &[Tensor]) -> Vec<*const c_void> {
    tensors.iter().map(|tensor| tensor.as_ptr().cast()).collect()
}

fn optional(tensors: &[Option<Tensor>]) -> Vec<*const c_void> {
    tensors
        .iter()
        .map(|tensor| tensor.as_ref().map_or(ptr::null(), |tensor| tensor.as_ptr().cast()))
        .collect()
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    #[test]
    fn gradients_are_taken_off_and_lie_as_their_parameters_do() {
        let reached = Tensor::ones([2, 3], (Kind::Float, tch::Device::Cpu)).set_requires_grad(true);
        let unreached = Tensor::ones([2], (Kind::Float, tch::Device::Cpu)).set_requires_grad(true);
        let turned = Tensor::from_slice(&[1f32, 2.0, 3.0, 4.0, 5.0, 6.0]).view([3, 2]).transpose(0, 1);
        let parameters = [reached, unreached];
        (&parameters[0] * turned).sum(Kind::Float).backward();
        let taken = take_gradients(&parameters).unwrap();
        assert!(taken[1].is_none() && !parameters[0].grad().defined());
        let gradient = taken[0].as_ref().unwrap();
        assert_eq!((gradient.size(), gradient.stride()), (vec![2, 3], vec![3, 1]));
        assert_eq!(Vec::<f32>::try_from(gradient.reshape(-1)).unwrap(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        assert!(take_gradients(&parameters).unwrap().iter().all(Option::is_none));
    }

    #[test]
    fn a_parameter_without_a_gradient_keeps_its_value() {
        let parameters = [Tensor::from_slice(&[1f32]), Tensor::from_slice(&[1f32])];
        let gradients = [None, Some(Tensor::from_slice(&[1f32]))];
        let numbers = SgdNumbers { lr: 0.5, weight_decay: 0.1, momentum: 0.0, nesterov: false };
        sgd_step(Lists { parameters: &parameters, gradients: &gradients }, &[], numbers).unwrap();
        let values = parameters.map(|parameter| parameter.double_value(&[0]));
        assert_eq!(values[0], 1.0);
        assert!((values[1] - 0.45).abs() < 1e-7, "{values:?}");
    }
}
