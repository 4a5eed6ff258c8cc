//! The networks, one architecture per file, under the names and shapes that timm and torchvision give their
//! weights.
//!
//! Takes the checked `[model]` settings, a number of labels and a seed; gives a [`Network`] that turns
//! pictures into logits. Knows nothing of losses, optimizers, data sets or the cache.
//!
//! ```text
//! network   what the rest of the worker sees
//! weights   why a weights file is refused, and what became of it
//! load, save   safetensors in and out
//! body      what an architecture must offer
//! resnet, mobilenet_v3, squeezenet   the architectures
//! head      hidden layers and the classifier
//! layers    convolution, batch norm, linear: thin skins over libtorch's operators
//! libtorch  its complaints in one line
//! assembly  names, order and initial values of tensors
//! ```

mod network;
mod weights;
mod load;
mod save;
mod body;
mod resnet;
mod mobilenet_v3;
mod squeezenet;
mod head;
mod layers;
mod libtorch;
mod assembly;

pub use libtorch::Libtorch;
pub use network::{ModelError, Network, Normalisation, TrainedParameter};
pub use weights::{Faults, LoadReport, WeightsError};
