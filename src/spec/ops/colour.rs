//! Ops that change colours and leave pixels where they are.

use super::domain::{Domain, Flag, Span};
use super::family::{Manual, Parameter, family};
use crate::spec::reader::Table;

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
    }
}
