//! Each op at the ends of its ranges, for the properties of all ops.

use crate::augment::properties::Extreme;
use crate::spec::ops::{Action, Border, Geometry, NoiseDistribution};

pub(in crate::augment) fn extremes() -> Vec<Extreme> {
    let rotate = |border| Geometry::Rotate { limit: [-400.0, 400.0], border };
    let affine = |keep_ratio, border| Geometry::Affine {
        scale: [0.05, 20.0],
        keep_ratio,
        translate_percent: [-1.0, 1.0],
        rotate: [-360.0, 360.0],
        shear: [-60.0, 60.0],
        border,
    };
    let shift_scale_rotate = |border| Geometry::ShiftScaleRotate {
        shift_limit_x: [-1.0, 1.0],
        shift_limit_y: [-1.0, 1.0],
        scale_limit: [-0.95, 19.0],
        rotate_limit: [-360.0, 360.0],
        border,
    };
    let grid = |num_steps, border| Geometry::GridDistortion { num_steps, distort_limit: [-1.0, 1.0], border };
    let elastic = |alpha, sigma, noise_distribution, border| Geometry::ElasticTransform {
        alpha,
        sigma,
        noise_distribution,
        border,
    };
    let lens = |border| Geometry::OpticalDistortion { distort_limit: [-1.0, 1.0], border };
    let (mirrored, black) = (Border::Reflect101, Border::Constant);
    let (gaussian, uniform) = (NoiseDistribution::Gaussian, NoiseDistribution::Uniform);
    let ops = [
        ("horizontal_flip", "2ac7eb32debe", Geometry::HorizontalFlip {}),
        ("vertical_flip", "e49ef1ac48c0", Geometry::VerticalFlip {}),
        ("rotate_reflect", "4cc162d57848", rotate(mirrored)),
        ("rotate_constant", "0e7b31bce0d5", rotate(black)),
        ("transpose", "", Geometry::Transpose {}),
        ("random_rotate90", "", Geometry::RandomRotate90 {}),
        ("affine_reflect", "", affine(false, mirrored)),
        ("affine_constant", "", affine(true, black)),
        ("shift_scale_rotate_reflect", "", shift_scale_rotate(mirrored)),
        ("shift_scale_rotate_constant", "", shift_scale_rotate(black)),
        ("perspective_reflect", "", Geometry::Perspective { scale: [0.0, 1.0], border: mirrored }),
        ("perspective_constant", "", Geometry::Perspective { scale: [0.0, 1.0], border: black }),
        (
            "random_resized_crop",
            "",
            Geometry::RandomResizedCrop { scale: [0.001, 1.0], ratio: [0.01, 100.0] },
        ),
        (
            "random_resized_crop_middle",
            "",
            Geometry::RandomResizedCrop { scale: [1.0, 1.0], ratio: [0.01, 0.01] },
        ),
        ("random_crop_reflect", "", Geometry::RandomCrop { padding: 1.0, border: mirrored }),
        ("random_crop_constant", "", Geometry::RandomCrop { padding: 0.3, border: black }),
        ("grid_distortion_reflect", "", grid(1, mirrored)),
        ("grid_distortion_constant", "", grid(100, black)),
        ("elastic_transform_reflect", "", elastic(10_000.0, 0.5, gaussian, mirrored)),
        ("elastic_transform_constant", "", elastic(300.0, 100.0, uniform, black)),
        ("optical_distortion_reflect", "", lens(mirrored)),
        ("optical_distortion_constant", "", lens(black)),
    ];
    ops.into_iter().map(|(name, digest, op)| Extreme(name, digest, Action::Geometry(op))).collect()
}
