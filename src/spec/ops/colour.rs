//! Ops that change colours and leave pixels where they are.

use serde::{Deserialize, Serialize};

use super::domain::{Choice, Domain, Ends, Flag, Number, Span, Whole, WholeSpan};
use super::family::{Manual, Parameter, family};
use super::fit::Fit;
use crate::spec::reader::Table;

/// How the one value of a grey pixel comes from three channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrayMethod {
    /// 0.299 red + 0.587 green + 0.114 blue.
    WeightedAverage,
    /// L of L*a*b*.
    FromLab,
    /// The middle between the strongest and the weakest channel.
    Desaturation,
    /// A third of the sum.
    Average,
    /// The strongest channel.
    Max,
}

/// How levels are spread between the darkest and the brightest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContrastMethod {
    /// So that all are about as frequent.
    Cdf,
    /// Evenly.
    Pil,
}

const GRAY: Choice<GrayMethod> = Choice(&[
    ("weighted_average", GrayMethod::WeightedAverage),
    ("from_lab", GrayMethod::FromLab),
    ("desaturation", GrayMethod::Desaturation),
    ("average", GrayMethod::Average),
    ("max", GrayMethod::Max),
]);

const CONTRAST: Choice<ContrastMethod> =
    Choice(&[("cdf", ContrastMethod::Cdf), ("pil", ContrastMethod::Pil)]);

/// A factor; 1 changes nothing.
const FACTOR: Span = Span { least: 0.0, most: 10.0, unit: "" };

/// Levels that are added to a channel.
const SHIFT: Span = Span { least: -255.0, most: 255.0, unit: "levels" };

family! {
    /// Ops that change colours and leave pixels where they are.
    Colour {
        /// `out = contrast x in + brightness x 255`, with `contrast = 1 + c`.
        RandomBrightnessContrast = "random_brightness_contrast" {
            /// Added brightness as a share of 255, or of the mean.
            brightness_limit: [f64; 2] = Span { least: -1.0, most: 1.0, unit: "" },
            /// Added contrast.
            contrast_limit: [f64; 2] = Span { least: -1.0, most: 1.0, unit: "" },
            /// Brightness as a share of 255 (true) or of the picture's mean (false).
            brightness_by_max: bool = Flag,
        }
        /// Shifts hue, saturation and value in OpenCV's 8-bit HSV.
        HueSaturationValue = "hue_saturation_value" {
            /// Hue shift, in units of 2 degrees.
            hue_shift_limit: [f64; 2] = Span { least: -180.0, most: 180.0, unit: "2 degrees" },
            /// Saturation shift.
            sat_shift_limit: [f64; 2] = Span { least: -255.0, most: 255.0, unit: "levels" },
            /// Value shift.
            val_shift_limit: [f64; 2] = Span { least: -255.0, most: 255.0, unit: "levels" },
        }
        /// Puts the three channels into a random order.
        ChannelShuffle = "channel_shuffle" {}
        /// Brightness, contrast, saturation and hue, in a random order.
        ColorJitter = "color_jitter" {
            /// Factor on each value.
            brightness: [f64; 2] = FACTOR,
            /// Factor on the differences to the picture's mean luma.
            contrast: [f64; 2] = FACTOR,
            /// Factor on the differences to the pixel's luma.
            saturation: [f64; 2] = FACTOR,
            /// How far the hue is turned.
            hue: [f64; 2] = Span { least: -0.5, most: 0.5, unit: "turns" },
        }
        /// Takes the colour away.
        ToGray = "to_gray" {
            /// How grey comes from the three channels.
            method: GrayMethod = GRAY,
        }
        /// Equalizes lightness tile by tile, with limited contrast (CLAHE).
        Clahe = "clahe" {
            /// How many times its even share a level may count; higher is stronger.
            clip_limit: [f64; 2] = Span { least: 1.0, most: 256.0, unit: "" },
            /// Tiles along each side.
            tile_grid_size: i64 = Whole { least: 1, most: 64, unit: "tiles" }.fitting(Fit::Parts),
        }
        /// `out = 255 x (in / 255)^gamma`.
        RandomGamma = "random_gamma" {
            /// The exponent; above 100 darkens, below 100 brightens.
            gamma_limit: [f64; 2] = Span { least: 1.0, most: 1000.0, unit: "percent" },
        }
        /// Adds a number of levels to each channel.
        RgbShift = "rgb_shift" {
            /// Added to red.
            r_shift_limit: [f64; 2] = SHIFT,
            /// Added to green.
            g_shift_limit: [f64; 2] = SHIFT,
            /// Added to blue.
            b_shift_limit: [f64; 2] = SHIFT,
        }
        /// Spreads the levels so that all are about as frequent.
        Equalize = "equalize" {
            /// Each channel for itself (true), or brightness alone (false).
            by_channels: bool = Flag,
        }
        /// Stretches each channel from its darkest to its brightest level over all levels.
        AutoContrast = "auto_contrast" {
            /// Share of a channel's pixels that is cut off at each end.
            cutoff: f64 = Number { least: 0.0, most: 100.0, unit: "percent" },
            /// How levels are spread: `cdf`, so that all are about as frequent, or `pil`, evenly.
            method: ContrastMethod = CONTRAST,
        }
        /// Keeps the highest bits of each value.
        Posterize = "posterize" {
            /// Bits that are kept.
            num_bits: [i64; 2] = WholeSpan { least: 1, most: 7, odd: false, unit: "bits" },
        }
        /// Turns over what is at least as bright as a threshold.
        Solarize = "solarize" {
            /// The threshold as a share of 255.
            threshold_range: [f64; 2] = Span { least: 0.0, most: 1.0, unit: "" },
        }
        /// `out = 255 - in`.
        Invert = "invert" {}
        /// Mixes the picture with its differences to the eight neighbours.
        Sharpen = "sharpen" {
            /// Share of the sharpened picture.
            alpha: [f64; 2] = Span { least: 0.0, most: 1.0, unit: "" },
            /// Weight of the pixel itself beyond its neighbours'; 1 keeps the brightness.
            lightness: [f64; 2] = Span { least: 0.0, most: 10.0, unit: "" },
        }
        /// Bends the tones along a random curve from black to white.
        RandomToneCurve = "random_tone_curve" {
            /// Standard deviation of the curve's two middle points.
            scale: f64 = Number { least: 0.0, most: 1.0, unit: "" },
            /// A curve for each channel (true) or one for all (false).
            per_channel: bool = Flag,
        }
    }
}
