//! The networks, one architecture per file, under the names and shapes that timm and torchvision give their
//! weights.
//!
//! Takes the checked `[model]` settings, a number of labels and a seed; gives a [`Network`] that turns
//! pictures into logits. Knows nothing of losses, optimizers, data sets or the cache.
//!
//! ```text
//! network   what the rest of the worker sees
//! freeze    which of its layers do not train
//! normalisation   what pictures are brought to
//! weights   why a weights file is refused, and what became of it
//! load, save   safetensors in and out
//! architectures   each by its name
//! body      what one must offer
//! convnext, efficientnet, inception_v3, mobilenet_v3, resnet, squeezenet, vgg   one family each
//! torchscript   a network from a file
//! module   a network into a TorchScript file
//! inverted_residual   the blocks that MobileNetV3 and the EfficientNets share
//! head      hidden layers and the classifier
//! tap       listening to one layer
//! layers    convolution, norms, linear: thin skins over libtorch's operators
//! libtorch  its complaints in one line
//! assembly  names, order and initial values of tensors
//! ```

mod network;
mod freeze;
mod normalisation;
mod weights;
mod load;
mod save;
mod architectures;
mod body;
mod convnext;
mod efficientnet;
mod inception_v3;
mod mobilenet_v3;
mod resnet;
mod squeezenet;
mod torchscript;
mod module;
mod vgg;
mod inverted_residual;
mod head;
mod layers;
mod tap;
mod libtorch;
mod assembly;

pub use freeze::UnknownLayers;
pub use libtorch::Libtorch;
pub use module::ModuleError;
pub use network::{ModelError, Network, Tapped, TrainedParameter};
pub use normalisation::Normalisation;
pub use torchscript::{ScriptError, ScriptFile};
pub use weights::{Faults, LoadReport, WeightsError};
