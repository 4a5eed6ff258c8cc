//! Ops that add noise or take pixels away.

use super::Fill;
use super::domain::{Domain, Flag, Number, Span, WholeSpan};
use super::family::{Manual, Parameter, family};
use super::fill::Filling;
use crate::spec::reader::Table;

family! {
    /// Ops that add noise or take pixels away, with draws for each pixel.
    Noise {
        /// Adds normal noise.
        GaussNoise = "gauss_noise" {
            /// Standard deviation as a share of 255.
            std: [f64; 2] = Span { least: 0.0, most: 1.0, unit: "" },
            /// Mean as a share of 255.
            mean: [f64; 2] = Span { least: -1.0, most: 1.0, unit: "" },
            /// A draw for each channel (true) or one for all three (false).
            per_channel: bool = Flag,
        }
        /// The grain of a camera's sensor in poor light: lighter and shifted pixels, more of them in pictures of high contrast.
        IsoNoise = "iso_noise" {
            /// Standard deviation of each pixel's shift of hue, in degrees at intensity 1.
            color_shift: [f64; 2] = Span { least: 0.0, most: 1.0, unit: "degrees" },
            /// How many pixels become lighter, and by how much.
            intensity: [f64; 2] = Span { least: 0.0, most: 10.0, unit: "" },
        }
        /// Multiplies values.
        MultiplicativeNoise = "multiplicative_noise" {
            /// The factor.
            multiplier: [f64; 2] = Span { least: 0.0, most: 10.0, unit: "" },
            /// A factor for each channel (true) or one for all three (false).
            per_channel: bool = Flag,
            /// A factor for each pixel (true) or one for the picture (false).
            elementwise: bool = Flag,
        }
        /// Takes single pixels away.
        PixelDropout = "pixel_dropout" {
            /// Probability that a pixel is taken.
            dropout_prob: f64 = Number { least: 0.0, most: 1.0, unit: "" },
            /// Each channel by itself (true) or whole pixels (false).
            per_channel: bool = Flag,
            /// What stands in their place: a level, values drawn for each (`random`) or one drawn colour (`random_uniform`).
            drop_value: Fill = Filling,
        }
        /// Cuts holes, anywhere within the picture.
        CoarseDropout = "coarse_dropout" {
            /// How many.
            num_holes_range: [i64; 2] = WholeSpan { least: 1, most: 1000, odd: false, unit: "" },
            /// Height of each hole as a share of the picture's.
            hole_height_range: [f64; 2] = Span { least: 0.0, most: 1.0, unit: "" },
            /// Width of each hole as a share of the picture's.
            hole_width_range: [f64; 2] = Span { least: 0.0, most: 1.0, unit: "" },
            /// What stands in it: a level, values drawn for each pixel (`random`) or a colour for each hole (`random_uniform`).
            fill: Fill = Filling,
        }
        /// Cuts one hole whose area and shape are drawn.
        RandomErasing = "random_erasing" {
            /// Area of the hole as a share of the picture's.
            scale: [f64; 2] = Span { least: 0.0, most: 1.0, unit: "" },
            /// Its height divided by its width, drawn uniformly in the logarithm.
            ratio: [f64; 2] = Span { least: 0.01, most: 100.0, unit: "" },
            /// What stands in it: a level, values drawn for each pixel (`random`) or one drawn colour (`random_uniform`).
            fill: Fill = Filling,
        }
    }
}
