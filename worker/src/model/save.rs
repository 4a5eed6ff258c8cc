//! A network into a safetensors file.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView, serialize};
use tch::{Device, Kind, TchError, Tensor};

use super::assembly::Named;
use super::weights::WeightsError;

/// Writes `tensors` to a temporary name beside `path`, then renames. See [`super::Network::save`].
pub(super) fn save(tensors: &[Named], path: &Path) -> Result<(), WeightsError> {
    let bytes = bytes(tensors, path)?;
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let failed = |doing| {
        let path = path.to_owned();
        move |source| WeightsError::Io { doing, path, source }
    };
    let mut file = std::fs::File::create(&partial).map_err(failed("create"))?;
    file.write_all(&bytes).map_err(failed("write"))?;
    file.sync_all().map_err(failed("write"))?;
    std::fs::rename(&partial, path).map_err(failed("rename"))
}

/// The file's content. The order of tensors is that of their names, and there is one line of metadata, so
/// the same values give the same bytes.
fn bytes(tensors: &[Named], path: &Path) -> Result<Vec<u8>, WeightsError> {
    let mut values = Vec::with_capacity(tensors.len());
    for named in tensors {
        let data = raw(&named.tensor).map_err(|source| WeightsError::Tensor {
            path: path.to_owned(),
            tensor: named.name.clone(),
            source: source.into(),
        })?;
        let shape = named.tensor.size().iter().map(|&side| side as usize).collect();
        values.push((&named.name, shape, data));
    }
    let views: Result<Vec<_>, _> = values
        .iter()
        .map(|(name, shape, data): &(&String, Vec<usize>, Vec<u8>)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data)?))
        })
        .collect();
    // The Hugging Face libraries look for this line.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    views
        .and_then(|views| serialize(views, Some(metadata)))
        .map_err(|source| WeightsError::NotSafetensors { path: path.to_owned(), source })
}

/// The values in row order as little-endian 32-bit floats.
fn raw(tensor: &Tensor) -> Result<Vec<u8>, TchError> {
    let tensor = tensor.f_detach()?.f_to(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let mut data = vec![0; tensor.numel() * 4];
    tensor.f_copy_data_u8(&mut data, tensor.numel())?;
    Ok(data)
}
