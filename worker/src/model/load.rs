//! A safetensors file into a network.
//!
//! A file is judged by its content, never by its name: pickles and TorchScript archives can run code when
//! they are read, so they are not read, under whatever name they come. Everything is checked before the
//! first tensor of the network is touched.

use std::collections::BTreeMap;
use std::path::Path;

use ablatrix::weights::Code;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tch::{Kind, TchError, Tensor};

use super::head::HIDDEN;
use super::network::Network;
use super::weights::{Faults, LoadReport, WeightsError};

/// What is asked of a file's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Another size is replaced.
    MayDiffer,
    /// Another size is an error.
    MustFit,
}

/// The tensors of a file by name.
type Views<'a> = BTreeMap<String, TensorView<'a>>;

/// Copies the file's tensors into `network`; faults name it `shown`. See [`Network::load_weights`].
pub(super) fn load(
    network: &mut Network,
    path: &Path,
    shown: &Path,
    head: Head,
) -> Result<LoadReport, WeightsError> {
    let bytes = std::fs::read(path).map_err(|source| WeightsError::Io {
        doing: "read",
        path: path.to_owned(),
        source,
    })?;
    let path = shown;
    if let Some(code) = Code::of_whole(&bytes) {
        let (found, command) = (code.found, code.conversion(path));
        return Err(WeightsError::RunsCode { path: path.to_owned(), found, command });
    }
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|source| WeightsError::NotSafetensors { path: path.to_owned(), source })?;
    let views: Views<'_> = file.tensors().into_iter().collect();

    let is_replaced = head == Head::MayDiffer && is_other_head(network, &views);
    let faults = faults(network, &views, is_replaced);
    if !faults.is_empty() {
        let architecture = network.architecture_name();
        return Err(WeightsError::Misfit { path: path.to_owned(), architecture, faults: Box::new(faults) });
    }
    let mut replaced = Vec::new();
    let mut copies = Vec::new();
    for named in network.tensors() {
        match views.get(&named.name) {
            Some(view) if !(is_replaced && network.in_head(named)) => {
                copies.push((named.tensor.shallow_clone(), &named.name, finite(view, &named.name, path)?));
            }
            _ => replaced.push(named.name.clone()),
        }
    }
    for (mut target, name, values) in copies {
        tch::no_grad(|| target.f_copy_(&values)).map_err(|source| moving(name, path, source))?;
    }
    Ok(LoadReport { replaced })
}

/// Whether the file's head is a whole one of another size, or there is none at all.
fn is_other_head(network: &Network, views: &Views<'_>) -> bool {
    let head: Vec<_> = network.tensors().iter().filter(|named| network.in_head(named)).collect();
    let in_file: Vec<&str> = views.keys().map(String::as_str).filter(|name| is_head(network, name)).collect();
    let is_same = in_file.len() == head.len()
        && head.iter().all(|n| views.get(&n.name).is_some_and(|view| shape(view) == n.tensor.size()));
    // Half a layer is damage, not another head.
    let has_partner = |name: &&str| match name.rsplit_once('.') {
        Some((layer, "weight")) => views.contains_key(&format!("{layer}.bias")),
        Some((layer, "bias")) => views.contains_key(&format!("{layer}.weight")),
        _ => false,
    };
    let is_whole =
        views.contains_key(&format!("{}.weight", network.classifier())) && in_file.iter().all(has_partner);
    !is_same && (in_file.is_empty() || is_whole)
}

fn is_head(network: &Network, name: &str) -> bool {
    let layer = name.rsplit_once('.').map_or(name, |(layer, _)| layer);
    layer == network.classifier() || name.starts_with(HIDDEN)
}

fn faults(network: &Network, views: &Views<'_>, is_replaced: bool) -> Faults {
    let mut faults = Faults::default();
    let mut known = BTreeMap::new();
    for named in network.tensors() {
        known.insert(named.name.as_str(), named);
        if is_replaced && network.in_head(named) {
            continue;
        }
        let Some(view) = views.get(&named.name) else {
            faults.missing.push(named.name.clone());
            continue;
        };
        let (found, expected) = (shape(view), named.tensor.size());
        if found != expected {
            faults.misshapen.push((named.name.clone(), found, expected));
        } else if kind(view.dtype()).is_none() {
            faults.unreadable.push((named.name.clone(), format!("{:?}", view.dtype())));
        }
    }
    for name in views.keys() {
        // PyTorch counts a batch norm's steps; nothing here reads the number.
        let is_counter = name
            .strip_suffix("num_batches_tracked")
            .is_some_and(|stem| known.contains_key(format!("{stem}running_mean").as_str()));
        let is_ignored =
            is_counter || network.is_passed_over(name) || (is_replaced && is_head(network, name));
        if !known.contains_key(name.as_str()) && !is_ignored {
            faults.unexpected.push(name.clone());
        }
    }
    faults
}

/// The values as 32-bit floats, none of them NaN or infinite.
fn finite(view: &TensorView<'_>, name: &str, path: &Path) -> Result<Tensor, WeightsError> {
    let read = || -> Result<(Tensor, bool), TchError> {
        let kind = kind(view.dtype()).unwrap_or(Kind::Float);
        let values = Tensor::f_from_data_size(view.data(), &shape(view), kind)?.f_to_kind(Kind::Float)?;
        let is_finite = values.f_isfinite()?.f_all()?.f_int64_value(&[])? != 0;
        Ok((values, is_finite))
    };
    match read() {
        Ok((values, true)) => Ok(values),
        Ok((_, false)) => Err(WeightsError::NotFinite { path: path.to_owned(), tensor: name.to_owned() }),
        Err(source) => Err(moving(name, path, source)),
    }
}

fn moving(name: &str, path: &Path, source: TchError) -> WeightsError {
    WeightsError::Tensor { path: path.to_owned(), tensor: name.to_owned(), source: source.into() }
}

fn shape(view: &TensorView<'_>) -> Vec<i64> {
    view.shape().iter().map(|&side| side as i64).collect()
}

/// The number formats that are read.
fn kind(dtype: Dtype) -> Option<Kind> {
    match dtype {
        Dtype::F32 => Some(Kind::Float),
        Dtype::F16 => Some(Kind::Half),
        Dtype::BF16 => Some(Kind::BFloat16),
        _ => None,
    }
}
