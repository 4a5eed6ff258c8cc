//! Ops that add noise or take pixels away.

use super::domain::{Domain, Flag, Span};
use super::family::{Manual, Parameter, family};
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
    }
}
