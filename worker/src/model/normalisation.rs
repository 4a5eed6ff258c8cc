//! What pictures are brought to before the first layer.

use ablatrix::spec::settings::{Architecture, Normalise};

/// `(value - mean) / std` per channel, with values in 0 to 1 and channels in the order red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalisation {
    /// Subtracted.
    pub mean: [f32; 3],
    /// Divided by.
    pub std: [f32; 3],
}

/// ImageNet's channel means and deviations.
const IMAGENET: Normalisation = Normalisation { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/// Values in -1 to 1.
const SYMMETRIC: Normalisation = Normalisation { mean: [0.5; 3], std: [0.5; 3] };

/// Values stay in 0 to 1.
const NONE: Normalisation = Normalisation { mean: [0.0; 3], std: [1.0; 3] };

impl Normalisation {
    /// What the spec asks for; with [`Normalise::Auto`], what the weights that timm gives `architecture` by default
    /// were trained with.
    pub(super) fn of(architecture: Architecture, normalise: Normalise) -> Self {
        match (normalise, architecture) {
            (Normalise::Auto, Architecture::InceptionV3 | Architecture::EfficientnetV2B3) => SYMMETRIC,
            (Normalise::Auto | Normalise::Imagenet, _) => IMAGENET,
            (Normalise::Symmetric, _) => SYMMETRIC,
            (Normalise::None, _) => NONE,
        }
    }
}
