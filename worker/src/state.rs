//! Tensors by name: copies of them, and their bytes.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, TensorView};
use tch::{Kind, TchError, Tensor};

/// A network's or an optimizer's tensors.
pub type Named = Vec<(String, Tensor)>;

/// A copy that shares no memory with `state`.
///
/// # Errors
/// Where there is no memory for it.
pub fn copied(state: &Named) -> Result<Named, TchError> {
    let _no_grad = tch::no_grad_guard();
    state.iter().map(|(name, tensor)| Ok((name.clone(), tensor.f_detach_copy()?))).collect()
}

/// The same tensors once more: they share memory with `state`.
pub fn shared(state: &Named) -> Named {
    state.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect()
}

/// Whether there is no NaN and no infinity in it.
///
/// # Errors
/// Where libtorch has no memory for the answer.
pub fn is_finite(state: &Named) -> Result<bool, TchError> {
    for (_, tensor) in state {
        if tensor.detach().f_isfinite()?.f_all()?.f_int64_value(&[])? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What keeps `values` from being written into the tensors of `state`: both must have the same names, shapes and kinds, in
/// any order.
pub fn misfit(state: &Named, values: &Named) -> Option<String> {
    let values = by_name(values);
    if values.len() != state.len() {
        return Some(format!("`{}` tensors, expected `{}`", values.len(), state.len()));
    }
    state.iter().find_map(|(name, tensor)| match values.get(name.as_str()) {
        None => Some(format!("no tensor `{name}`")),
        Some(value) if value.size() != tensor.size() || value.kind() != tensor.kind() => {
            let (found, expected) = (value.size(), tensor.size());
            Some(format!("tensor `{name}` of shape `{found:?}`, expected `{expected:?}`"))
        }
        Some(_) => None,
    })
}

/// Writes `values` into the tensors of `state`, or changes nothing and says what does not fit: see [`misfit`].
///
/// # Errors
/// Where libtorch cannot copy.
pub fn overwrite(state: &Named, values: &Named) -> Result<Result<(), String>, TchError> {
    let _no_grad = tch::no_grad_guard();
    if let Some(reason) = misfit(state, values) {
        return Ok(Err(reason));
    }
    let values = by_name(values);
    for (name, tensor) in state {
        if let Some(value) = values.get(name.as_str()) {
            tensor.shallow_clone().f_copy_(value)?;
        }
    }
    Ok(Ok(()))
}

fn by_name(state: &Named) -> HashMap<&str, &Tensor> {
    state.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect()
}

/// A tensor's bytes, row-major and little-endian, with what is needed to read them.
#[derive(Debug)]
pub struct Bytes {
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
}

impl Bytes {
    /// Of this tensor, on whichever device it lives.
    ///
    /// # Errors
    /// For a kind that no state here has, or where libtorch cannot copy.
    pub fn of(tensor: &Tensor) -> Result<Self, TchError> {
        let dtype = match tensor.kind() {
            Kind::Float => Dtype::F32,
            Kind::Double => Dtype::F64,
            Kind::Int64 => Dtype::I64,
            kind => return Err(TchError::Kind(format!("no state is of kind {kind:?}"))),
        };
        let tensor = tensor.detach().f_to_device(tch::Device::Cpu)?.f_contiguous()?;
        let shape = tensor.size().iter().map(|&n| n as usize).collect();
        let numel = tensor.numel();
        let mut data = vec![0; numel * dtype.bitsize() / 8];
        tensor.f_copy_data_u8(&mut data, numel)?;
        Ok(Bytes { dtype, shape, data })
    }

    /// As safetensors wants it.
    pub fn view(&self) -> Result<TensorView<'_>, safetensors::SafeTensorError> {
        TensorView::new(self.dtype, self.shape.clone(), &self.data)
    }
}

/// The tensor of a view.
///
/// # Errors
/// For a kind that no state here has.
pub fn tensor_of(view: &TensorView<'_>) -> Result<Tensor, TchError> {
    let kind = match view.dtype() {
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
        Dtype::I64 => Kind::Int64,
        dtype => return Err(TchError::Kind(format!("no state is of type {dtype:?}"))),
    };
    let shape: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
    Tensor::f_from_data_size(view.data(), &shape, kind)
}
