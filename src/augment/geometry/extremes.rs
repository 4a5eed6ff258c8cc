//! Each op at the ends of its ranges, for the properties of all ops.

use crate::augment::properties::Extreme;
use crate::spec::ops::{Action, Border, Geometry};

pub(in crate::augment) fn extremes() -> Vec<Extreme> {
    let rotate = |border| Geometry::Rotate { limit: [-400.0, 400.0], border };
    let ops = [
        ("horizontal_flip", "2ac7eb32debe", Geometry::HorizontalFlip {}),
        ("vertical_flip", "e49ef1ac48c0", Geometry::VerticalFlip {}),
        ("rotate_reflect", "4cc162d57848", rotate(Border::Reflect101)),
        ("rotate_constant", "0e7b31bce0d5", rotate(Border::Constant)),
    ];
    ops.into_iter().map(|(name, digest, op)| Extreme(name, digest, Action::Geometry(op))).collect()
}
