//! Augmentation ops as settings: what is drawn, from which range, how often.
//!
//! Names and parameters are albumentations' (2.0), in snake_case. Every range is `[low, high]`, both ends
//! included, and is drawn uniformly. The pixels are moved in `augment`; here are only the values.

use serde::{Deserialize, Serialize};

/// An op with the probability that it is applied to an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Op {
    /// Probability that the op is applied, 0 to 1.
    pub p: f64,
    /// What is done when it is.
    pub action: Action,
}

/// What an op does to the pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "op")]
pub enum Action {
    /// Mirrors left and right.
    HorizontalFlip,
    /// Mirrors top and bottom.
    VerticalFlip,
    /// Rotates about the centre, bilinear, the size kept; what comes in from outside is the picture
    /// reflected at its border (OpenCV's `BORDER_REFLECT_101`) or black.
    Rotate {
        /// Angle in degrees, counter-clockwise.
        limit: [f64; 2],
        /// What lies beyond the border.
        border: Border,
    },
    /// `out = contrast x in + brightness x 255` (or `x mean` where `brightness_by_max` is false), with
    /// `contrast = 1 + c`, as albumentations' RandomBrightnessContrast.
    RandomBrightnessContrast {
        /// Added brightness as a share of the largest value, -1 to 1.
        brightness_limit: [f64; 2],
        /// Added contrast, -1 to 1.
        contrast_limit: [f64; 2],
        /// Brightness in shares of 255 (true) or of the picture's mean (false).
        brightness_by_max: bool,
    },
    /// Shifts hue, saturation and value in OpenCV's 8-bit HSV (hue 0 to 180).
    HueSaturationValue {
        /// Hue shift in OpenCV's units of 2 degrees, -180 to 180.
        hue_shift_limit: [f64; 2],
        /// Saturation shift, -255 to 255.
        sat_shift_limit: [f64; 2],
        /// Value shift, -255 to 255.
        val_shift_limit: [f64; 2],
    },
    /// Puts the three channels into a random order.
    ChannelShuffle,
    /// Adds normal noise.
    GaussNoise {
        /// Standard deviation as a share of 255, 0 to 1.
        std: [f64; 2],
        /// Mean as a share of 255, -1 to 1.
        mean: [f64; 2],
        /// A draw for each channel (true) or one for all three (false).
        per_channel: bool,
    },
    /// Applies exactly one of several ops, chosen in proportion to their `p`.
    OneOf {
        /// The ops to choose from, by name; each one's `p` is its weight.
        ops: Vec<NamedOp>,
    },
}

impl Action {
    /// The op's name in specs; it keys the op's draws, so that another name for it in a spec changes no pixel.
    pub fn kind(&self) -> &'static str {
        match self {
            Action::HorizontalFlip => "horizontal_flip",
            Action::VerticalFlip => "vertical_flip",
            Action::Rotate { .. } => "rotate",
            Action::RandomBrightnessContrast { .. } => "random_brightness_contrast",
            Action::HueSaturationValue { .. } => "hue_saturation_value",
            Action::ChannelShuffle => "channel_shuffle",
            Action::GaussNoise { .. } => "gauss_noise",
            Action::OneOf { .. } => "one_of",
        }
    }
}

/// An op under the name that it has in the spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedOp {
    /// The name in `[augment.ops]`, which is for people; inside `one_of` the op's own kind (`rotate#2` for the second
    /// of one kind), which keys its draws.
    pub name: String,
    /// The op.
    pub op: Op,
}

/// What lies beyond the border of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Border {
    /// The picture mirrored, the border pixel not repeated (`gfedcb|abcdefgh|gfedcba`).
    Reflect101,
    /// Black.
    Constant,
}
