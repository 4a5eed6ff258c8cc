//! The settings about the network and how it is trained.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Loss, Optimizer, Schedule, ValMetric};

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
    /// Rows of a batch.
    pub batch_size: u32,
    /// Batches of a step: their gradients are gathered.
    pub accumulate: u32,
    /// The loss.
    pub loss: Loss,
    /// Number format of the forward and backward pass.
    pub precision: Precision,
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
