//! The contract between `ablatrix` and a worker about a network outside of any stage: pictures from anywhere in, the answers of a trained
//! one out; or the network itself, as a TorchScript module; or whether weights fit it.
//!
//! `ablatrix-worker query` reads one [`Query`] as a line of JSON on standard input, behind it the paths of the pictures, each
//! ended by a NUL (any other byte may stand in a path), and writes [`Reply`]s, one JSON object a line. Nothing goes into the cache: what
//! is asked here belongs to no study. `ablatrix-worker fits` reads one [`Fit`] to the end of standard input, and answers with one [`Reply`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::fingerprint::Digest;
use crate::job::Job;
use crate::metrics::{Calibration, Thresholds};
use crate::spec::settings::{ExplainMethod, Model};

/// What is asked of a trained network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// The run's stage `predict`: which network, with which weights, on what. `protocol` is the contract's version.
    pub job: Job,
    /// The labels, in the order of the logits.
    pub labels: Vec<String>,
    /// What is wanted.
    pub wish: Wish,
}

/// What is wanted of a trained network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// What it says of the pictures that follow.
    Answers {
        /// Also where it looks, for the labels that it says.
        maps: Option<MapWish>,
    },
    /// The network as a TorchScript module, in a file of this name.
    Module {
        /// The file; its folder is there.
        path: PathBuf,
    },
}

/// Whether a file of weights fits a network that is built in, as training would start from it: names, shapes and types of its tensors, and
/// whether their values are finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// [`crate::job::PROTOCOL`] of the sender.
    pub protocol: u32,
    /// The network; not a module, which would run.
    pub model: Model,
    /// The file: a safetensors file.
    pub weights: PathBuf,
    /// Logits of the network's head. A whole head of another size is no fault: it would be replaced.
    pub n_labels: usize,
}

/// Maps for the labels that are said of a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapWish {
    /// How they are made.
    pub method: ExplainMethod,
    /// The layer whose activation is weighed.
    pub layer: String,
    /// How logits become probabilities.
    pub calibration: Calibration,
    /// From which probability on a label is said.
    pub thresholds: Thresholds,
}

impl MapWish {
    /// The labels that are said at these logits, by position.
    pub fn said(&self, logits: &[f32]) -> Vec<usize> {
        let is_said = |&(label_idx, &logit): &(usize, &f32)| {
            self.calibration.probability(label_idx, logit) >= self.thresholds.values[label_idx]
        };
        logits.iter().enumerate().filter(is_said).map(|(label_idx, _)| label_idx).collect()
    }
}

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reply")]
pub enum Reply {
    /// Of some pictures, in the order of their paths; the first picture of all comes first.
    Answers {
        /// One for each picture.
        answers: Vec<Answer>,
    },
    /// Something to know about the answers, such as that memory was short.
    Notice {
        /// In words.
        message: String,
    },
    /// The module is written.
    Module {
        /// What pictures are brought to, by channel: `(value / 255 - mean) / std`.
        mean: [f32; 3],
        /// Likewise.
        std: [f32; 3],
        /// The largest difference of a logit of the module, read again from its file, from the network's own.
        difference: f64,
    },
    /// All is answered; or the weights fit.
    Done,
    /// The weights do not fit, or hold what is no number.
    Misfit {
        /// The tensors, and what was expected of them.
        message: String,
    },
    /// A stop was requested.
    Interrupted,
    /// It cannot be done.
    Failed {
        /// What was wrong, and where.
        message: String,
    },
}

/// What a network says of one picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was read.
    Picture {
        /// blake3 of the file.
        digest: Digest,
        /// The bits of the 32-bit floats: one logit per label, exactly as they were computed, also where they are no numbers.
        logit_bits: Vec<u32>,
        /// Where it looks; empty where that was not asked for.
        maps: Vec<Map>,
    },
    /// It could not be read.
    Bad {
        /// Why, in words.
        why: String,
    },
}

/// Where a network looks for one label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// The label's position.
    pub label_idx: usize,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Row by row, 255 where the map is strongest.
    pub values: Vec<u8>,
}

/// Logits on their way.
pub fn to_bits(logits: &[f32]) -> Vec<u32> {
    logits.iter().map(|logit| logit.to_bits()).collect()
}

/// Logits as they were.
pub fn from_bits(bits: &[u32]) -> Vec<f32> {
    bits.iter().map(|&bits| f32::from_bits(bits)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_travel_bit_by_bit() {
        let logits = [0.1f32, -0.0, f32::MIN_POSITIVE / 8.0, f32::NAN, f32::INFINITY, 16_777_217.0];
        let answer =
            Answer::Picture { digest: Digest::of(b"x"), logit_bits: to_bits(&logits), maps: Vec::new() };
        let line = serde_json::to_string(&Reply::Answers { answers: vec![answer] }).unwrap();
        let Ok(Reply::Answers { answers }) = serde_json::from_str(&line) else { panic!("{line}") };
        let Answer::Picture { logit_bits, .. } = &answers[0] else { panic!("{line}") };
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&from_bits(logit_bits)), bits(&logits));
    }

    #[test]
    fn a_label_is_said_from_its_threshold_on() {
        let wish = MapWish {
            method: ExplainMethod::GradCam,
            layer: "layer4.1".into(),
            calibration: Calibration::Temperature { temperature: 2.0 },
            thresholds: Thresholds { values: vec![0.5, 0.5, 0.8], fallbacks: vec![], below_floor: vec![] },
        };
        assert_eq!(wish.said(&[0.0, -0.1, 2.0]), [0]);
        assert_eq!(wish.said(&[0.0, 0.1, 3.0]), [0, 1, 2]);
        assert!(wish.said(&[f32::NAN; 3]).is_empty());
    }
}
