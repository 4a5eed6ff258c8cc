//! The checked experiment: every value present, in range and of its own type.
//!
//! The TOML face (spans, layers, spellings) is `read`; nothing here knows that there was a file.

mod architecture;
mod augment;
mod data;
mod device;
mod evaluate;
mod explain;
mod hub;
mod layers;
mod loss;
mod optimizer;
mod schedule;
mod seeds;
mod slurm;
mod training;
mod val_metric;
mod workers;

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use architecture::*;
pub use augment::*;
pub use data::*;
pub use device::*;
pub use evaluate::*;
pub use explain::*;
pub use hub::*;
pub use layers::AUTO_LAYER;
pub use loss::*;
pub use optimizer::*;
pub use schedule::*;
pub use seeds::*;
pub use slurm::*;
pub use training::*;
pub use val_metric::*;
pub use workers::*;

use super::ops::NamedOp;

/// One TOML, one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Short name; also the folder of its report.
    pub name: String,
    /// What the study wants to know, shown on top of the report.
    pub question: String,
    /// Variants run on the same seeds, so that comparisons are paired: all of these, or where they are adaptive the first so many.
    pub seeds: Vec<u64>,
    /// Between how many of them a variant has, where more are added until it is decided.
    pub adaptive: Option<AdaptiveSeeds>,
    /// Where the rows and pictures come from.
    pub dataset: Dataset,
    /// How categories become labels.
    pub labels: Labels,
    /// How images are divided into parts.
    pub split: Split,
    /// How rare labels or combinations are made more frequent.
    pub balance: Balance,
    /// How pictures are brought to one size.
    pub images: Images,
    /// The network.
    pub model: Model,
    /// How it is trained.
    pub train: Train,
    /// The ops and the design of the grid.
    pub augment: Augment,
    /// Other settings, crossed with the grid: dotted key to values, in the order of the file.
    pub matrix: IndexMap<String, Vec<serde_json::Value>>,
    /// How runs are scored.
    pub evaluate: Evaluate,
    /// Where models look.
    pub explain: Explain,
    /// What the report compares.
    pub report: Report,
    /// Who does the work; never part of a fingerprint.
    pub workers: Workers,
    /// Where runs are logged; never part of a fingerprint.
    pub tracking: Tracking,
}

/// `[report]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The arm of the grid that effects are measured against.
    pub baseline: String,
    /// The metric that decides.
    pub metric: HeadlineMetric,
    /// Half-width of the region of practical equivalence, as a fraction (0.005 is half a point).
    pub equivalence: f64,
}

/// The metric that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadlineMetric {
    /// Average precision, mean over labels.
    MapMacro,
    /// F1 at the tuned threshold, mean over labels.
    F1Macro,
}

impl HeadlineMetric {
    /// The name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            HeadlineMetric::MapMacro => "map_macro",
            HeadlineMetric::F1Macro => "f1_macro",
        }
    }
}

/// `[tracking]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tracking {
    /// URL of an MLflow server; `None`: nothing is sent.
    pub mlflow: Option<String>,
    /// The MLflow experiment; empty: the study's name.
    pub mlflow_experiment: String,
    /// Refuse to start where the server cannot be reached.
    pub required: bool,
}

/// The settings of one variant: one point of grid x matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Stable, readable name: `flip/lr=0.0001`, or `none`.
    pub name: String,
    /// The grid's part of the name: `none`, `flip`, `flip+noise`, or a policy's name.
    pub arm: String,
    /// The matrix's part: dotted key to value, in spec order.
    pub point: BTreeMap<String, serde_json::Value>,
    /// The ops in the order in which they are applied.
    pub policy: Vec<NamedOp>,
    /// The experiment with this variant's matrix values in place.
    pub experiment: Arc<Experiment>,
}
