//! Ops that move pixels.

use super::Border;
use super::domain::{Choice, Domain, Span};
use super::family::{Manual, Parameter, family};
use crate::spec::reader::Table;

const BORDER: Choice<Border> = Choice(&[("reflect_101", Border::Reflect101), ("constant", Border::Constant)]);

family! {
    /// Ops that move pixels, and with them masks and boxes.
    Geometry {
        /// Mirrors left and right.
        HorizontalFlip = "horizontal_flip" {}
        /// Mirrors top and bottom.
        VerticalFlip = "vertical_flip" {}
        /// Rotates about the centre, bilinear; the size is kept.
        Rotate = "rotate" {
            /// Angle, counter-clockwise.
            limit: [f64; 2] = Span { least: -360.0, most: 360.0, unit: "degrees" },
            /// What lies beyond the border: the picture mirrored, or black.
            border: Border = BORDER,
        }
    }
}
