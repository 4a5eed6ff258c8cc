//! The network that the rest of the worker sees.

use std::path::Path;

use ablatrix::seed::Key;
use ablatrix::spec::settings::{Architecture, Freeze, Model, Precision};
use tch::{Device, Kind, TchError, Tensor};

use super::assembly::{Assembly, Named};
use super::body::{Body, Mode};
use super::freeze::{self, UnknownLayers};
use super::head::HeadSettings;
use super::libtorch::Libtorch;
use super::normalisation::Normalisation;
use super::tap::Tap;
use super::torchscript::{Script, ScriptError, ScriptFile};
use super::weights::{LoadReport, WeightsError};
use super::{architectures, load, save};
use crate::precision::Autocast;
use crate::script::ScriptModule;

/// Why there is no network.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Nothing to predict.
    #[error("a model of `0` labels, expected at least `1`")]
    NoLabels,
    /// A hidden layer without units.
    #[error("`model.head` has a layer of size `0`, expected at least `1`")]
    EmptyLayer,
    /// Libtorch refused, for want of memory for instance.
    #[error("cannot place the model on `{device:?}`")]
    Place {
        /// Where its tensors were to live.
        device: Device,
        /// Why.
        #[source]
        source: Libtorch,
    },
    /// What is to be frozen.
    #[error(transparent)]
    Freeze(#[from] UnknownLayers),
    /// A TorchScript module, of which the settings alone know nothing.
    #[error("the model is a TorchScript module, of which there is no file")]
    NoModule,
    /// Its file.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// The weights file.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// A parameter that an optimizer moves.
#[derive(Debug)]
pub struct TrainedParameter {
    /// As in [`Network::named_state`].
    pub name: String,
    /// Shares memory with the network.
    pub tensor: Tensor,
    /// Layers from its own to the head, counted as for freezing; 0 for the head's.
    pub layers_to_head: usize,
}

/// A forward pass that was listened to.
#[derive(Debug)]
pub struct Tapped {
    /// [N, L].
    pub logits_nl: Tensor,
    /// Behind the layer, [N, C, h, w]; logits depend on it.
    pub activation_nchw: Tensor,
}

/// A network of one of the known architectures.
pub struct Network {
    architecture: Architecture,
    body: Box<dyn Body>,
    tensors: Vec<Named>,
    backbone_layers: usize,
    normalisation: Normalisation,
    device: Device,
    precision: Precision,
}

impl Network {
    /// Builds the architecture with `n_labels` outputs and random weights.
    ///
    /// Each tensor's initial values are a function of `seed` and the tensor's name alone: the same seed gives
    /// the same bits whatever libtorch's generator was used for before, and variants with another head share
    /// the rest. What `settings.freeze` says is frozen: of a share, the leading `floor(share * n)` of the backbone's `n`
    /// convolutions and linear layers (in forward order, the head not counted); of names, all that lies under them.
    /// Parameters of frozen layers and of their norms do not train, and those batch norms use their running
    /// statistics always, until [`Network::unfreeze`].
    ///
    /// `settings.weights` is not read here: see [`Network::load_weights`].
    ///
    /// # Errors
    /// No labels, a hidden layer of size 0, unknown names of layers, or a device without room.
    pub fn new(settings: &Model, n_labels: usize, seed: u64, device: Device) -> Result<Self, ModelError> {
        if settings.name == Architecture::Torchscript {
            return Err(ModelError::NoModule);
        }
        Self::build(settings, n_labels, seed, device, |assembly, head| {
            architectures::build(settings.name, assembly, head)
                .map_err(|source| ModelError::Place { device, source: source.into() })
        })
    }

    /// The network of a TorchScript module, with the module's weights; the head's are as in [`Network::new`]. A layer is a
    /// tensor of more than one dimension, in the order of the module's `state_dict`.
    ///
    /// # Errors
    /// As [`Network::new`]; a file that is no such module, or gives what is neither features nor the right number of
    /// logits.
    pub fn of_module(
        settings: &Model,
        file: ScriptFile<'_>,
        n_labels: usize,
        seed: u64,
        device: Device,
    ) -> Result<Self, ModelError> {
        Self::build(settings, n_labels, seed, device, |assembly, head| {
            Ok(Box::new(Script::build(assembly, file, device, head)?))
        })
    }

    fn build(
        settings: &Model,
        n_labels: usize,
        seed: u64,
        device: Device,
        add: impl FnOnce(&mut Assembly, HeadSettings<'_>) -> Result<Box<dyn Body>, ModelError>,
    ) -> Result<Self, ModelError> {
        if n_labels == 0 {
            return Err(ModelError::NoLabels);
        }
        if settings.head.contains(&0) {
            return Err(ModelError::EmptyLayer);
        }
        let mut assembly = Assembly::new(Key::root(seed).child("initial weights"), device);
        let head =
            HeadSettings { hidden: &settings.head, labels: n_labels as i64, dropout: settings.dropout };
        let body = add(&mut assembly, head)?;
        let architecture = settings.name;
        let network = Network {
            architecture,
            body,
            backbone_layers: assembly.backbone_layers(),
            normalisation: Normalisation::of(architecture, settings.normalise),
            tensors: assembly.tensors,
            device,
            precision: Precision::Fp32,
        };
        network.unfreeze();
        network.freeze(&settings.freeze)?;
        Ok(network)
    }

    fn freeze(&self, freeze: &Freeze) -> Result<(), UnknownLayers> {
        let backbone: Vec<_> = self.tensors.iter().filter(|named| !self.in_head(named)).collect();
        let is_frozen = freeze::frozen(freeze, self.architecture_name(), &backbone, self.backbone_layers)?;
        for (named, is_frozen) in backbone.into_iter().zip(is_frozen) {
            if is_frozen {
                let _ = named.tensor.set_requires_grad(false);
            }
        }
        Ok(())
    }

    /// Lets every parameter train from now on, and every batch norm.
    pub fn unfreeze(&self) {
        for named in self.tensors.iter().filter(|named| named.is_parameter) {
            let _ = named.tensor.set_requires_grad(true);
        }
    }

    /// From now on computes logits in this number format.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// Starts from the weights of a safetensors file, under timm's or torchvision's names.
    ///
    /// A head that the file lacks as a whole, or holds with other sizes, keeps its random values and is
    /// reported in [`LoadReport::replaced`]. 32-bit, 16-bit and bfloat16 floats are read;
    /// `num_batches_tracked` may be there or not. Nothing is changed where an error is returned.
    ///
    /// # Errors
    /// See [`WeightsError`]: every reason names the file and the tensors.
    pub fn load_weights(&mut self, path: &Path) -> Result<LoadReport, ModelError> {
        self.load_weights_of(path, path)
    }

    /// As [`Network::load_weights`], from a copy at `path` of the user's file `named`, which errors name.
    ///
    /// # Errors
    /// As [`Network::load_weights`].
    pub fn load_weights_of(&mut self, path: &Path, named: &Path) -> Result<LoadReport, ModelError> {
        Ok(load::load(self, path, named, load::Head::MayDiffer)?)
    }

    /// Takes over a model that was saved by [`Network::save`], head included.
    ///
    /// # Errors
    /// As [`Network::load_weights`]; a head of another size is an error too.
    pub fn load_trained(&mut self, path: &Path) -> Result<(), ModelError> {
        load::load(self, path, path, load::Head::MustFit)?;
        Ok(())
    }

    /// Logits, [N, L], 32-bit floats and without sigmoid, of normalised pictures, [N, 3, H, W] and 32-bit floats.
    ///
    /// NHWC strides of the input (a permuted [N, H, W, 3]) are kept throughout and are the faster layout on
    /// the CPU.
    /// With `train`, batch norm uses and updates the batch's statistics and dropout draws from libtorch's
    /// generator: seed it (`tch::manual_seed`) before each step for steps that can be repeated. Gradients
    /// are recorded unless the caller forbids it (`tch::no_grad`).
    ///
    /// # Errors
    /// Libtorch's: memory is out, or the pictures are too small for the architecture. [`Libtorch`] makes one
    /// line of it.
    pub fn forward_t(&self, images_nchw: &Tensor, train: bool) -> Result<Tensor, TchError> {
        let autocast = Autocast::enter(self.precision, self.device);
        let logits_nl = self.classify(&self.features(images_nchw, train)?, train)?;
        drop(autocast);
        logits_nl.f_to_kind(Kind::Float)
    }

    /// Logits in evaluation mode, and the activation behind `layer`, one of
    /// [`Architecture::layers`]: gradients of the logits with respect to it can be asked for, and parameters take none where
    /// [`Network::freeze_all`] was called. `None`: the network has no such layer.
    ///
    /// # Errors
    /// As [`Network::forward_t`].
    pub fn forward_tapped(&self, images_nchw: &Tensor, layer: &str) -> Result<Option<Tapped>, TchError> {
        let (mode, tap) = (self.mode(false), Tap::on(layer));
        let features_nchw = self.body.features(images_nchw, mode, &tap)?;
        let Some(activation_nchw) = tap.into_caught() else { return Ok(None) };
        Ok(Some(Tapped { logits_nl: self.body.classify(&features_nchw, mode)?, activation_nchw }))
    }

    /// Lets no parameter take a gradient from now on.
    pub fn freeze_all(&self) {
        for named in &self.tensors {
            let _ = named.tensor.set_requires_grad(false);
        }
    }

    /// The last convolutional feature map, [N, C, h, w].
    ///
    /// # Errors
    /// As [`Network::forward_t`].
    pub fn features(&self, images_nchw: &Tensor, train: bool) -> Result<Tensor, TchError> {
        self.body.features(images_nchw, self.mode(train), &Tap::none())
    }

    /// Logits, [N, L], of a feature map as [`Network::features`] gives it. The map is left as it is, so that
    /// gradients with respect to it can be asked for.
    ///
    /// # Errors
    /// As [`Network::forward_t`].
    pub fn classify(&self, features_nchw: &Tensor, train: bool) -> Result<Tensor, TchError> {
        self.body.classify(features_nchw, self.mode(train))
    }

    /// The parameters that are trained, in the order of [`Network::named_state`], with their names and how far before the
    /// head each is.
    pub fn trained_parameters(&self) -> Vec<TrainedParameter> {
        self.parameters_where(|named| self.is_trained(named))
    }

    /// Likewise all parameters, trained or not.
    pub fn all_parameters(&self) -> Vec<TrainedParameter> {
        self.parameters_where(|named| named.is_parameter)
    }

    fn parameters_where(&self, is_meant: impl Fn(&Named) -> bool) -> Vec<TrainedParameter> {
        let parameter = |named: &Named| TrainedParameter {
            name: named.name.clone(),
            tensor: named.tensor.shallow_clone(),
            layers_to_head: self.backbone_layers.saturating_sub(named.layer_idx),
        };
        self.tensors.iter().filter(|named| is_meant(named)).map(parameter).collect()
    }

    /// Parameters and running statistics, in the order of PyTorch's `state_dict` (without
    /// `num_batches_tracked`). The tensors share memory with the network: writing into them under
    /// `tch::no_grad` changes it.
    pub fn named_state(&self) -> Vec<(String, Tensor)> {
        self.tensors.iter().map(|named| (named.name.clone(), named.tensor.shallow_clone())).collect()
    }

    /// Writes parameters and running statistics as safetensors, to a temporary name beside `path` first. The
    /// same values give the same bytes.
    ///
    /// # Errors
    /// The file cannot be written, or libtorch cannot hand out the values.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        Ok(save::save(&self.tensors, path)?)
    }

    /// What pictures are brought to before the first layer.
    pub fn normalisation(&self) -> Normalisation {
        self.normalisation
    }

    /// Numbers that are trained, and all parameters (running statistics are none).
    pub fn parameters(&self) -> (u64, u64) {
        let count = |named: &Named| named.tensor.numel() as u64;
        let parameters = || self.tensors.iter().filter(|named| named.is_parameter);
        let trained = parameters().filter(|named| self.is_trained(named));
        (trained.map(count).sum(), parameters().map(count).sum())
    }

    /// Which architecture this is.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// All tensors, for the weights file.
    pub(super) fn tensors(&self) -> &[Named] {
        &self.tensors
    }

    /// The module that the backbone came as.
    pub(super) fn backbone_module(&self) -> Option<&ScriptModule> {
        self.body.module()
    }

    /// Whether `named` belongs to the head.
    pub(super) fn in_head(&self, named: &Named) -> bool {
        named.layer_idx >= self.backbone_layers
    }

    /// The name of the classifier, the last layer.
    pub(super) fn classifier(&self) -> &'static str {
        architectures::classifier(self.architecture)
    }

    /// Whether a file's tensor of this name is passed over.
    pub(super) fn is_passed_over(&self, name: &str) -> bool {
        architectures::passed_over(self.architecture).is_some_and(|prefix| name.starts_with(prefix))
    }

    /// The architecture as the spec spells it.
    pub(super) fn architecture_name(&self) -> &'static str {
        self.architecture.name()
    }

    fn mode(&self, train: bool) -> Mode {
        Mode { train }
    }

    fn is_trained(&self, named: &Named) -> bool {
        named.is_parameter && named.tensor.requires_grad()
    }
}
