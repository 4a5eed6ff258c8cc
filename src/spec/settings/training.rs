//! The settings about the network and how it is trained.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[model]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The architecture.
    pub name: Architecture,
    /// Where the initial weights come from.
    pub weights: Weights,
    /// Leading share of the backbone's layers that is not trained, 0 to 1.
    pub freeze: f64,
    /// Sizes of hidden layers between the features and the logits.
    pub head: Vec<u32>,
    /// Dropout before each layer of the head, 0 to below 1.
    pub dropout: f64,
}

/// The architectures that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// MobileNetV3-Small 1.0 (Howard et al. 2019), timm's `mobilenetv3_small_100`.
    MobilenetV3Small,
    /// ResNet-18 (He et al. 2015), timm's `resnet18`.
    Resnet18,
    /// SqueezeNet 1.1 (Iandola et al. 2016), torchvision's `squeezenet1_1`.
    #[serde(rename = "squeezenet1_1")]
    Squeezenet1_1,
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
    /// 32-bit floats whose products a GPU rounds to TF32 (10 bits of mantissa); on the processor the same as `fp32`.
    Tf32,
    /// bfloat16 where it gains (PyTorch's autocast), with 32-bit parameters.
    Bf16,
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
