//! What a program must know to use the model as its study did.

use serde::{Deserialize, Serialize};

use crate::metrics::Calibration;
use crate::spec::settings::Fit;

/// Version of the folder's form; the key that says that a folder is an export.
pub const FORMAT: u32 = 1;

/// `config.json`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// [`FORMAT`].
    pub ablatrix_export: u32,
    /// Where the model comes from.
    pub origin: Origin,
    /// The labels, in the order of the logits.
    pub labels: Vec<String>,
    /// One per label: a label is said from this calibrated probability on. Tuned on validation.
    pub thresholds: Vec<f64>,
    /// How logits become probabilities: `sigmoid(slope * logit + shift)`. Fitted on validation.
    pub calibration: Lines,
    /// How a photo becomes the network's input.
    pub preprocessing: Preprocessing,
    /// What the module takes.
    pub input: String,
    /// What it gives.
    pub output: String,
}

/// Where the model comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The study.
    pub study: String,
    /// The run: variant, seed and fold.
    pub run: String,
    /// The network as the study's spec calls it.
    pub architecture: String,
    /// The library whose names the weights have, and its name of the network; `None`: nobody else knows it.
    pub elsewhere: Option<[String; 2]>,
    /// The key of the training, which stands for everything that it was made of.
    pub fingerprint: String,
    /// Version of Ablatrix.
    pub ablatrix: String,
    /// Version of libtorch.
    pub libtorch: String,
}

/// A line for each label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lines {
    /// One per label.
    pub slope: Vec<f64>,
    /// One per label.
    pub shift: Vec<f64>,
}

impl Lines {
    /// What `calibration` does to the logits of `n_labels` labels.
    pub fn of(calibration: &Calibration, n_labels: usize) -> Self {
        let lines = (0..n_labels).map(|label_idx| calibration.line(label_idx));
        let (slope, shift) = lines.map(|line| (line.slope, line.shift)).unzip();
        Lines { slope, shift }
    }
}

/// How a photo becomes the network's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Pixels of the square that the photo is brought to.
    pub side: u32,
    /// How.
    pub fit: Fit,
    /// The filter.
    pub filter: String,
    /// Of values in 0 to 1, by channel: red, green, blue.
    pub mean: [f32; 3],
    /// Likewise.
    pub std: [f32; 3],
    /// The same in Pillow, of an RGB `photo`.
    pub pillow: String,
    /// The same in torchvision, where there is such a thing.
    pub torchvision: Option<String>,
}

impl Preprocessing {
    /// Of photos to `side` pixels by `fit`, with what the network wants its values brought to.
    pub fn new(side: u32, fit: Fit, mean: [f32; 3], std: [f32; 3]) -> Self {
        let (pillow, torchvision) = match fit {
            Fit::Stretch => (
                format!("photo.resize(({side}, {side}), Image.BILINEAR)"),
                Some(format!("Resize(({side}, {side}), antialias=True)")),
            ),
            Fit::Crop => (
                format!("ImageOps.fit(photo, ({side}, {side}), Image.BILINEAR)"),
                Some(format!("Compose([Resize({side}, antialias=True), CenterCrop({side})])")),
            ),
            Fit::Pad => (format!("ImageOps.pad(photo, ({side}, {side}), Image.BILINEAR)"), None),
        };
        let filter = "bilinear, antialiased, on 8-bit values".to_owned();
        Preprocessing { side, fit, filter, mean, std, pillow, torchvision }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_know_them() {
        let of = Preprocessing::new(224, Fit::Stretch, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
        let text = serde_json::to_string(&of).unwrap();
        assert!(text.contains("[0.485,0.456,0.406]") && text.contains("\"stretch\""), "{text}");
        assert_eq!(serde_json::from_str::<Preprocessing>(&text).unwrap(), of);
    }

    #[test]
    fn every_label_has_its_line() {
        let lines = Lines::of(&Calibration::Temperature { temperature: 2.0 }, 3);
        assert_eq!(lines, Lines { slope: vec![0.5; 3], shift: vec![0.0; 3] });
    }
}
