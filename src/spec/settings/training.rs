//! The settings about the network and how it is trained.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Architecture;

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
}

/// `[train]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Train {
    /// Passes over the training rows, at most.
    pub epochs: u32,
    /// Rows per step.
    pub batch_size: u32,
    /// The loss.
    pub loss: Loss,
    /// Number format of the forward and backward pass.
    pub precision: Precision,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The learning rate over the epochs.
    pub schedule: Schedule,
    /// When to stop before `epochs`; `None`: never.
    pub early_stopping: Option<EarlyStopping>,
}

/// The loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Binary cross-entropy on logits, mean over batch and labels.
    Bce,
}

/// Number format of the forward and backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats throughout.
    Fp32,
}

/// The optimizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum Optimizer {
    /// Adam (Kingma and Ba 2015) with beta 0.9 and 0.999, epsilon 1e-8.
    Adam {
        /// Learning rate where the schedule is static, and the peak that an exponential one warms up to.
        lr: f64,
        /// L2 penalty added to the gradient.
        weight_decay: f64,
    },
}

impl Optimizer {
    /// The learning rate that the schedule starts from.
    pub fn lr(&self) -> f64 {
        match self {
            Optimizer::Adam { lr, .. } => *lr,
        }
    }
}

/// The learning rate over the epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum Schedule {
    /// The optimizer's rate throughout.
    Static,
    /// The study's `lr_function`: from `start_lr` in a line to the optimizer's rate over `warmup_epochs`,
    /// that rate for `hold_epochs`, then towards `min_lr` by the factor `decay` each epoch.
    Exponential {
        /// Rate of the first epoch.
        start_lr: f64,
        /// Rate that is approached.
        min_lr: f64,
        /// Epochs of the rise.
        warmup_epochs: u32,
        /// Epochs at the peak.
        hold_epochs: u32,
        /// Factor per epoch, 0 to 1.
        decay: f64,
    },
}

/// When to stop before the last epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// What is watched, on the validation part.
    pub metric: StopMetric,
    /// Epochs without improvement that are borne.
    pub patience: u32,
    /// Ends with the weights of the best epoch.
    pub restore_best: bool,
}

/// What early stopping watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopMetric {
    /// The loss; lower is better.
    ValLoss,
    /// Mean average precision over labels; higher is better.
    ValMapMacro,
}
