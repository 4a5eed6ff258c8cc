//! Ops that move pixels.

use serde::{Deserialize, Serialize};

use super::Border;
use super::domain::{Choice, Domain, Ends, Flag, Number, Span, Whole};
use super::family::{Manual, Parameter, family};
use super::fit::Fit;
use crate::spec::reader::Table;

const BORDER: Choice<Border> = Choice(&[("reflect_101", Border::Reflect101), ("constant", Border::Constant)]);
const NOISE: Choice<NoiseDistribution> =
    Choice(&[("gaussian", NoiseDistribution::Gaussian), ("uniform", NoiseDistribution::Uniform)]);
const ANGLE: Span = Span { least: -360.0, most: 360.0, unit: "degrees" };
const SHIFT: Span = Span { least: -1.0, most: 1.0, unit: "" };

/// How the noise of `elastic_transform` is distributed before it is smoothed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoiseDistribution {
    /// Normally, divided by the largest absolute value.
    Gaussian,
    /// Uniformly in -1 to 1.
    Uniform,
}

family! {
    /// Ops that move pixels, and with them masks and boxes.
    Geometry {
        /// Mirrors left and right.
        HorizontalFlip = "horizontal_flip" {}
        /// Mirrors top and bottom.
        VerticalFlip = "vertical_flip" {}
        /// Swaps rows and columns.
        Transpose = "transpose" {}
        /// Turns by 0, 1, 2 or 3 quarters, each as likely as the others.
        RandomRotate90 = "random_rotate90" {}
        /// Rotates about the centre, bilinear; the size is kept.
        Rotate = "rotate" {
            /// Angle, counter-clockwise.
            limit: [f64; 2] = ANGLE,
            /// What lies beyond the border: the picture mirrored, or black.
            border: Border = BORDER,
        }
        /// Scales, rotates, shears and shifts, about the centre and bilinear; the size is kept. With the
        /// defaults it changes nothing.
        Affine = "affine" {
            /// Factors of width and height, a draw for each.
            scale: [f64; 2] = Span { least: 0.05, most: 20.0, unit: "" },
            /// One factor for both.
            keep_ratio: bool = Flag,
            /// Shift to the right and down as a share of the side, a draw for each; whole pixels are moved.
            translate_percent: [f64; 2] = SHIFT,
            /// Angle, counter-clockwise.
            rotate: [f64; 2] = ANGLE,
            /// Angles of the shears along x and along y, a draw for each.
            shear: [f64; 2] = Span { least: -60.0, most: 60.0, unit: "degrees" },
            /// What lies beyond the border: the picture mirrored, or black.
            border: Border = BORDER,
        }
        /// Shifts, scales and rotates: an `affine` without shear.
        ShiftScaleRotate = "shift_scale_rotate" {
            /// Shift to the right as a share of the width.
            shift_limit_x: [f64; 2] = SHIFT,
            /// Shift down as a share of the height.
            shift_limit_y: [f64; 2] = SHIFT,
            /// What is added to the factor 1 of width and height, a draw for each.
            scale_limit: [f64; 2] = Span { least: -0.95, most: 19.0, unit: "" },
            /// Angle, counter-clockwise.
            rotate_limit: [f64; 2] = ANGLE,
            /// What lies beyond the border: the picture mirrored, or black.
            border: Border = BORDER,
        }
        /// Moves the corners inwards at random and stretches what lies between them to the whole picture,
        /// bilinear.
        Perspective = "perspective" {
            /// Standard deviation of the corners' way, as a share of the side.
            scale: [f64; 2] = Span { least: 0.0, most: 1.0, unit: "" },
        }
        /// Crops a random part and enlarges it to the size of the picture, bilinear.
        RandomResizedCrop = "random_resized_crop" {
            /// Area of the part as a share of the picture's.
            scale: [f64; 2] = Span { least: 0.001, most: 1.0, unit: "" },
            /// Width through height of the part; its logarithm is drawn uniformly.
            ratio: [f64; 2] = Span { least: 0.01, most: 100.0, unit: "" },
        }
        /// Pads every side and crops the size of the picture from a random place.
        RandomCrop = "random_crop" {
            /// Padding as a share of the side, on each end.
            padding: f64 = Number { least: 0.0, most: 1.0, unit: "" },
            /// What the padding is: the picture mirrored, or black.
            border: Border = BORDER,
        }
        /// Stretches and presses the columns and rows of a grid, bilinear.
        GridDistortion = "grid_distortion" {
            /// Cells along each side.
            num_steps: i64 = Whole { least: 1, most: 100, unit: "" }.fitting(Fit::Parts),
            /// What is added to the length 1 of what a cell shows, a draw for each column and row of cells.
            distort_limit: [f64; 2] = SHIFT,
            /// What lies beyond the border: the picture mirrored, or black.
            border: Border = BORDER,
        }
        /// Moves each pixel by smoothed noise, bilinear.
        ElasticTransform = "elastic_transform" {
            /// Factor of the smoothed noise.
            alpha: f64 = Number { least: 0.0, most: 10_000.0, unit: "px" },
            /// Standard deviation of the Gaussian that smooths it.
            sigma: f64 = Number { least: 0.5, most: 100.0, unit: "px" },
            /// The noise: normal, divided by its largest absolute value, or uniform in -1 to 1.
            noise_distribution: NoiseDistribution = NOISE,
            /// What lies beyond the border: the picture mirrored, or black.
            border: Border = BORDER,
        }
        /// Distorts as a lens does, bilinear.
        OpticalDistortion = "optical_distortion" {
            /// Coefficient of the lens, `k1` and `k2` of OpenCV's camera.
            distort_limit: [f64; 2] = SHIFT,
            /// What lies beyond the border: the picture mirrored, or black.
            border: Border = BORDER,
        }
    }
}
