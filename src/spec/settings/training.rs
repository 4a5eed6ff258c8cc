//! The settings about the network and how it is trained.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Architecture, HubModel, Loss, Optimizer, Schedule, ValMetric};

/// `[model]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The architecture.
    pub name: Architecture,
    /// The TorchScript module, where the architecture is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<Module>,
    /// Where the initial weights come from.
    pub weights: Weights,
    /// What of the backbone is not trained.
    pub freeze: Freeze,
    /// Epochs after which all of it is; 0: never.
    pub unfreeze_after: u32,
    /// What pictures are brought to before the first layer.
    pub normalise: Normalise,
    /// Sizes of hidden layers between the features and the logits.
    pub head: Vec<u32>,
    /// Dropout before each layer of the head, 0 to below 1.
    pub dropout: f64,
}

/// A network in a TorchScript file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// The file.
    pub path: PathBuf,
    /// What its output is.
    pub gives: Gives,
}

/// What a TorchScript module gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gives {
    /// Features of a picture, or a map of them; a head stands behind it.
    Features,
    /// One logit per label.
    Logits,
}

/// What of the backbone is not trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Freeze {
    /// The leading share of its convolutions and linear layers, 0 to 1.
    Share(f64),
    /// All that lies under these names.
    Names(Vec<String>),
}

impl Freeze {
    /// Whether everything is trained from the first epoch on.
    pub fn is_none(&self) -> bool {
        match self {
            Freeze::Share(share) => *share == 0.0,
            Freeze::Names(names) => names.is_empty(),
        }
    }
}

/// What pictures are brought to before the first layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalise {
    /// What the weights that timm gives by default expect of the architecture.
    Auto,
    /// ImageNet's mean and deviation per channel.
    Imagenet,
    /// Mean and deviation 0.5: values in -1 to 1.
    Symmetric,
    /// Values stay in 0 to 1.
    None,
}

/// Where the initial weights come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// Random, from the run's seed.
    None,
    /// A safetensors file.
    Path(PathBuf),
    /// The safetensors file of a repository of the Hugging Face hub.
    Hub(HubModel),
}

/// `[train]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Train {
    /// Passes over the training rows, at most.
    pub epochs: u32,
    /// Rows of a batch.
    pub batch_size: u32,
    /// Batches of a step: their gradients are gathered.
    pub accumulate: u32,
    /// Where memory is out, smaller batches are gathered to the same steps.
    pub shrink_batches: bool,
    /// The loss.
    pub loss: Loss,
    /// Number format of the forward and backward pass.
    pub precision: Precision,
    /// Whether a GPU gives the same bits each time too.
    pub deterministic: bool,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Largest norm of all gradients together; 0: any.
    pub clip_norm: f64,
    /// The learning rate over the training.
    pub schedule: Schedule,
    /// Decay of the moving average of the weights that is scored and kept, 0 to below 1; 0: the weights themselves are.
    pub ema: f64,
    /// When to stop before `epochs`; `None`: never.
    pub early_stopping: Option<EarlyStopping>,
}

impl Train {
    /// Whether the validation part decides about the course of the training.
    pub fn needs_validation(&self) -> bool {
        self.early_stopping.is_some() || self.schedule.needs_validation()
    }
}

/// Number format of the forward and backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats throughout.
    Fp32,
    /// 32-bit floats whose products a GPU rounds to TF32 (10 bits of mantissa); on the processor the same as `fp32`.
    Tf32,
    /// bfloat16 where it gains (PyTorch's autocast), with 32-bit parameters.
    Bf16,
}

/// When to stop before the last epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// What is watched, on the validation part.
    pub metric: ValMetric,
    /// Epochs without improvement that are borne.
    pub patience: u32,
    /// Ends with the weights of the best epoch.
    pub restore_best: bool,
}
