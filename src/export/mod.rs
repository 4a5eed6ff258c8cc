//! A trained model as a folder that others can use without Ablatrix: the texts in it.
//!
//! ```text
//! config    labels, thresholds, calibration, preprocessing: for programs
//! loader    a short Python program that reads the folder
//! card      what the model is, how good, and what it is not: for people
//! ```
//!
//! Takes plain data, gives texts. Opens no files.

mod card;
mod config;
mod loader;

pub use card::{Card, HIDDEN, LabelScores, Score, Sibling, card_md};
pub use config::{Config, FORMAT, Lines, Origin, Preprocessing};
pub use loader::loader_py;

/// The names of the files.
pub mod file {
    /// The weights, under the names of timm or torchvision where the network is theirs.
    pub const WEIGHTS: &str = "model.safetensors";
    /// The network with its weights.
    pub const MODULE: &str = "model.torchscript.pt";
    /// [`super::Config`] as JSON.
    pub const CONFIG: &str = "config.json";
    /// The model card.
    pub const CARD: &str = "README.md";
    /// The program.
    pub const LOADER: &str = "predict.py";
    /// Digests of all others, as `sha256sum -c` reads them.
    pub const SUMS: &str = "SHA256SUMS";
}
