//! A trained network as a TorchScript module, for programs that do not know it.

use std::path::Path;

use tch::{Device, Kind, TchError, Tensor};

use super::Network;
use super::libtorch::Libtorch;
use crate::script::{ScriptFault, ScriptModule, ScriptTensor};
use crate::script_trace::{Traced, trace};

/// How far a logit of the module may be from the network's own.
const TOLERANCE: f64 = 1e-4;

/// Rows that the pass is written down with, and those that the module is tried with.
const TRACED_ROWS: i64 = 2;
const TRIED_ROWS: [i64; 2] = [1, 5];

/// Why a network cannot be had as a module.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// It cannot be written down, or not be read again.
    #[error("the model cannot be written as a TorchScript module")]
    Script(#[from] ScriptFault),
    /// The network failed.
    #[error("the model cannot be run")]
    Run(#[from] Libtorch),
    /// It is another network then.
    #[error(
        "the model written as a TorchScript module gives logits that differ by {difference:e} from its own, expected {TOLERANCE:e} \
         at most: it decides something by the batch that it sees"
    )]
    Differs {
        /// The largest difference.
        difference: f64,
    },
}

impl Network {
    /// Writes the network as a TorchScript module to `path`: of pictures [N, 3, side, side], normalised, it gives logits [N, L], in
    /// 32-bit floats and in evaluation mode. Parameters and running statistics keep their names; those of a network that came as a
    /// module stand under `backbone`. The file is read again and tried with batches of other sizes. Returns the largest difference of a
    /// logit from the network's own.
    ///
    /// The network must live on the processor and compute in 32-bit floats.
    ///
    /// # Errors
    /// See [`ModuleError`].
    pub fn write_module(&self, side: u32, path: &Path) -> Result<f64, ModuleError> {
        let run = |source: TchError| ModuleError::Run(source.into());
        let of_backbone = self.backbone_module();
        let is_own = |is_in_head: bool| of_backbone.is_none() || is_in_head;
        let own = self.tensors().iter().filter(|named| is_own(self.in_head(named)));
        let tensors: Vec<ScriptTensor> = own
            .map(|named| ScriptTensor {
                name: named.name.clone(),
                tensor: named.tensor.shallow_clone(),
                is_parameter: named.is_parameter,
            })
            .collect();
        let input = pictures(TRACED_ROWS, side).map_err(run)?;
        let traced = Traced { tensors: &tensors, backbone: of_backbone, input: &input };
        trace(traced, path, &mut |images| self.forward_t(images, false))?;

        let _no_grad = tch::no_grad_guard();
        let module = ScriptModule::load(path, Device::Cpu)?;
        let mut difference = 0.0f64;
        for rows in TRIED_ROWS {
            let images = pictures(rows, side).map_err(run)?;
            let expected = self.forward_t(&images, false).map_err(run)?;
            let found = module.forward(&images, false)?;
            if found.size() != expected.size() {
                return Err(ModuleError::Differs { difference: f64::INFINITY });
            }
            let largest = found.f_sub(&expected).and_then(|by| by.f_abs()?.f_max());
            difference = difference.max(largest.and_then(f64::try_from).map_err(run)?);
        }
        // A difference that is no number is none that can be borne.
        if difference <= TOLERANCE { Ok(difference) } else { Err(ModuleError::Differs { difference }) }
    }
}

/// Pictures without meaning, [rows, 3, side, side], each another one, in the range of normalised values.
fn pictures(rows: i64, side: u32) -> Result<Tensor, TchError> {
    let side = i64::from(side);
    let places = Tensor::f_arange(rows * 3 * side * side, (Kind::Double, Device::Cpu))?;
    let waves = places.f_mul_scalar(0.7123)?.f_sin()?.f_mul_scalar(2.0)?;
    waves.f_to_kind(Kind::Float)?.f_view([rows, 3, side, side])
}

#[cfg(test)]
mod tests {
    use ablatrix::spec::settings::{Architecture, Freeze, Model, Normalise, Weights};

    use super::*;

    fn network(name: Architecture, head: &[u32]) -> Network {
        let model = Model {
            name,
            weights: Weights::None,
            freeze: Freeze::Share(0.5),
            unfreeze_after: 0,
            module: None,
            normalise: Normalise::Auto,
            head: head.to_vec(),
            dropout: 0.2,
        };
        Network::new(&model, 3, 7, Device::Cpu).unwrap()
    }

    /// Of each way to compute: padding as TensorFlow's, layer norms, pools that round up; and the names of all tensors.
    #[test]
    fn a_network_and_its_module_say_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("module.pt");
        for (name, side, head) in [
            (Architecture::MobilenetV3Small, 32, &[][..]),
            (Architecture::EfficientnetV2B0, 33, &[8, 4]),
            (Architecture::Resnet18, 32, &[]),
            (Architecture::Squeezenet1_1, 32, &[]),
            (Architecture::ConvnextTiny, 32, &[]),
        ] {
            let network = network(name, head);
            let difference = network.write_module(side, &path).unwrap();
            assert!(difference <= TOLERANCE, "{name:?}: {difference}");
            let sorted = |mut names: Vec<String>| {
                names.sort_unstable();
                names
            };
            let tensors = ScriptModule::load(&path, Device::Cpu).unwrap().tensors().unwrap();
            let found = sorted(tensors.into_iter().map(|tensor| tensor.name).collect());
            let expected = sorted(network.named_state().into_iter().map(|(name, _)| name).collect());
            assert_eq!(found, expected, "{name:?}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_fault() {
        let network = network(Architecture::MobilenetV3Small, &[]);
        let error = network.write_module(32, Path::new("/nonexistent/module.pt")).unwrap_err();
        assert!(matches!(error, ModuleError::Script(_)), "{error:?}");
    }
}
