//! Ops that lose detail, as lenses, motion and compression do.

use serde::{Deserialize, Serialize};

use super::domain::{Choice, Domain, Ends, Flag, Number, Span, Whole, WholeSpan};
use super::family::{Manual, Parameter, family};
use super::fit::Fit;
use crate::spec::reader::Table;

/// How glass blur exchanges pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GlassMode {
    /// All at once: each takes the value that its partner had, and the last of those that meet in a place stays.
    Fast,
    /// One after the other: no value is lost.
    Exact,
}

const GLASS_MODE: Choice<GlassMode> = Choice(&[("fast", GlassMode::Fast), ("exact", GlassMode::Exact)]);

family! {
    /// Ops that lose detail and leave objects where they are.
    Quality {
        /// Blurs by a normal distribution.
        GaussianBlur = "gaussian_blur" {
            /// Standard deviation.
            sigma_limit: [f64; 2] = Span { least: 0.0, most: 16.0, unit: "px" },
            /// Side of the kernel; an even one grows by 1, and 0 takes 3.5 standard deviations to each side.
            blur_limit: [i64; 2] = WholeSpan { least: 0, most: 127, odd: false, unit: "px" }.fitting(Fit::Kernel),
        }
        /// Blurs along a line.
        MotionBlur = "motion_blur" {
            /// Length of the line.
            blur_limit: [i64; 2] = WholeSpan { least: 3, most: 99, odd: true, unit: "px" }.fitting(Fit::Kernel),
            /// Whether the line may lie off the middle.
            allow_shifted: bool = Flag,
            /// Its angle; downwards from the right.
            angle_range: [f64; 2] = Span { least: 0.0, most: 360.0, unit: "degrees" },
            /// -1: only behind the middle, 0: to both sides, 1: only ahead.
            direction_range: [f64; 2] = Span { least: -1.0, most: 1.0, unit: "" },
        }
        /// Puts the median of the square around it in place of each value.
        MedianBlur = "median_blur" {
            /// Side of the square.
            blur_limit: [i64; 2] = WholeSpan { least: 3, most: 15, odd: true, unit: "px" }.fitting(Fit::Kernel),
        }
        /// Exchanges neighbouring pixels between two blurs, as ribbed glass does.
        GlassBlur = "glass_blur" {
            /// Standard deviation of both blurs.
            sigma: f64 = Number { least: 0.0, most: 16.0, unit: "px" },
            /// The furthest that a pixel goes.
            max_delta: i64 = Whole { least: 1, most: 100, unit: "px" }.fitting(Fit::Reach),
            /// How often each pixel is exchanged.
            iterations: i64 = Whole { least: 1, most: 20, unit: "" },
            /// `fast`: all exchanges of a round at once, some values are lost; `exact`: one after the other.
            mode: GlassMode = GLASS_MODE,
        }
        /// Blurs by a disc, as a lens out of focus does.
        Defocus = "defocus" {
            /// Radius of the disc.
            radius: [i64; 2] = WholeSpan { least: 1, most: 50, odd: false, unit: "px" }.fitting(Fit::Reach),
            /// Standard deviation of the blur of the disc's edge.
            alias_blur: [f64; 2] = Span { least: 0.0, most: 10.0, unit: "px" },
        }
        /// Compresses as JPEG, with the losses that this brings.
        ImageCompression = "image_compression" {
            /// Quality, as libjpeg counts it.
            quality_range: [i64; 2] = WholeSpan { least: 1, most: 100, odd: false, unit: "" },
        }
        /// Makes the picture smaller and large again, each time with the nearest pixel.
        Downscale = "downscale" {
            /// Its smaller side as a share of the larger one.
            scale_range: [f64; 2] = Span { least: 0.01, most: 1.0, unit: "" }.fitting(Fit::Share),
        }
    }
}
