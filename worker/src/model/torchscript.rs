//! A TorchScript module as a network: the module is the backbone, or all of it.
//!
//! It gives features of each picture, [N, F] or a map [N, C, h, w] that is averaged over its places, and a head as the
//! settings say stands behind it; or it gives the logits. Its tensors keep their names, so that a weights file of
//! the same network fits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ablatrix::spec::settings::Gives;
use tch::{Device, Kind, TchError, Tensor};

use super::assembly::{Adopted, Assembly};
use super::body::{Body, Mode};
use super::head::{HIDDEN, Head, HeadSettings};
use super::layers::Linear;
use super::libtorch::Libtorch;
use super::tap::Tap;
use crate::script::{ScriptFault, ScriptModule, ScriptTensor};

/// The name of the classifier: one that modules do not have.
pub(super) const CLASSIFIER: &str = "logits";

/// Pictures of the call that shows what a module gives.
const PROBES: i64 = 2;

/// Why a module is no network.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// No TorchScript archive, or one that cannot be run here.
    #[error("cannot read the TorchScript module `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ScriptFault,
    },
    /// Its code failed.
    #[error("the module `{path}` fails on pictures of `[{PROBES}, 3, {side}, {side}]`")]
    Run {
        /// The file.
        path: PathBuf,
        /// The side of the pictures.
        side: i64,
        /// Why.
        #[source]
        source: ScriptFault,
    },
    /// What it gives is neither features nor logits.
    #[error(
        "the module `{path}` gives `{found:?}` for `{PROBES}` pictures, expected `[{PROBES}, features]` or \
         `[{PROBES}, channels, rows, columns]`"
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The shape of its output.
        found: Vec<i64>,
    },
    /// Too many logits, or too few.
    #[error(
        "the module `{path}` gives `{found:?}` for `{PROBES}` pictures, expected logits `[{PROBES}, {labels}]`, one \
         for each label; with `gives = \"features\"` in `[model]` a head is put behind it"
    )]
    Width {
        /// The file.
        path: PathBuf,
        /// The shape of its output.
        found: Vec<i64>,
        /// Logits that are wanted.
        labels: i64,
    },
    /// Another number format.
    #[error(
        "tensor `{tensor}` of the module `{path}` is of kind `{kind:?}`, expected 32-bit floats: export it after `.float()`"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its format.
        kind: Kind,
    },
    /// A name that the head needs.
    #[error("the module `{path}` has a tensor `{tensor}`, which is the name of one of the head's")]
    Clash {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// No room, for instance.
    #[error("cannot put a head behind the module `{path}`")]
    Head {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Libtorch,
    },
}

/// Where a module lies, and how it is to be used.
#[derive(Clone, Copy, Debug)]
pub struct ScriptFile<'a> {
    /// The file to read.
    pub path: &'a Path,
    /// What errors call it.
    pub shown: &'a Path,
    /// What it gives.
    pub gives: Gives,
    /// The side of the pictures in pixels.
    pub side: u32,
}

/// A module, with a head or without.
pub(super) struct Script {
    module: ScriptModule,
    head: Option<Head<Linear>>,
}

impl Script {
    /// Adds the module and its head to `assembly`.
    pub fn build(
        assembly: &mut Assembly,
        file: ScriptFile<'_>,
        device: Device,
        head: HeadSettings<'_>,
    ) -> Result<Self, ScriptError> {
        let path = || file.shown.to_owned();
        let module = ScriptModule::load(file.path, device)
            .map_err(|source| ScriptError::Read { path: path(), source })?;
        let tensors = module.tensors().map_err(|source| ScriptError::Read { path: path(), source })?;
        adopt(assembly, tensors, file.shown)?;
        assembly.begin_head();

        let side = i64::from(file.side);
        let output = {
            let _no_grad = tch::no_grad_guard();
            let pictures = Tensor::zeros([PROBES, 3, side, side], (Kind::Float, device));
            module.forward(&pictures, false).map_err(|source| ScriptError::Run {
                path: path(),
                side,
                source,
            })?
        };
        let found = output.size();
        let head = match (file.gives, found.as_slice()) {
            (Gives::Logits, &[PROBES, width]) if width == head.labels => None,
            (Gives::Logits, _) => {
                return Err(ScriptError::Width { path: path(), found, labels: head.labels });
            }
            (Gives::Features, &[PROBES, features] | &[PROBES, features, _, _]) if features > 0 => {
                let built = Head::linear(assembly, CLASSIFIER, features, head);
                Some(built.map_err(|source| ScriptError::Head { path: path(), source: source.into() })?)
            }
            (Gives::Features, _) => return Err(ScriptError::Shape { path: path(), found }),
        };
        Ok(Script { module, head })
    }
}

/// Adds the module's tensors. Whole numbers among its buffers (counters, indices) are part of the file alone: training does
/// not change what depends on them.
fn adopt(assembly: &mut Assembly, tensors: Vec<ScriptTensor>, shown: &Path) -> Result<(), ScriptError> {
    // A module whose weight has more than one dimension is a layer; one without is a norm or a factor.
    let layers: BTreeSet<String> = tensors
        .iter()
        .filter(|tensor| tensor.is_parameter && tensor.tensor.dim() > 1)
        .map(|tensor| owner(&tensor.name).to_owned())
        .collect();
    for ScriptTensor { name, tensor, is_parameter } in tensors {
        if !is_parameter && !tensor.is_floating_point() {
            continue;
        }
        if tensor.kind() != Kind::Float {
            let kind = tensor.kind();
            return Err(ScriptError::Format { path: shown.to_owned(), tensor: name, kind });
        }
        if name.starts_with(HIDDEN) || owner(&name) == CLASSIFIER {
            return Err(ScriptError::Clash { path: shown.to_owned(), tensor: name });
        }
        let begins_layer = is_parameter && tensor.dim() > 1;
        let is_norm = !layers.contains(owner(&name));
        assembly.adopt(Adopted { name, tensor, is_parameter, is_norm, begins_layer });
    }
    Ok(())
}

/// The module that a tensor belongs to.
fn owner(tensor: &str) -> &str {
    tensor.rsplit_once('.').map_or("", |(owner, _)| owner)
}

impl Body for Script {
    fn features(&self, images_nchw: &Tensor, mode: Mode, _: &Tap<'_>) -> Result<Tensor, TchError> {
        self.module.forward(images_nchw, mode.train).map_err(|ScriptFault(message)| TchError::Torch(message))
    }

    fn module(&self) -> Option<&ScriptModule> {
        Some(&self.module)
    }

    fn classify(&self, features: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let Some(head) = &self.head else { return Ok(features.shallow_clone()) };
        if features.dim() == 4 {
            return head.forward(&features.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?, mode);
        }
        head.forward(features, mode)
    }
}
