//! Each op at the ends of its ranges, for the properties of all ops.

use crate::augment::properties::Extreme;
use crate::spec::ops::{Action, Border, Geometry, NoiseDistribution};

pub(in crate::augment) fn extremes() -> Vec<Extreme> {
    let rotate = |border| Geometry::Rotate { limit: [-400.0, 400.0], border };
    let affine = |keep_ratio, border| Geometry::Affine {
        scale: [0.05, 2.0],
        keep_ratio,
        translate_percent: [-1.0, 1.0],
        rotate: [-360.0, 360.0],
        shear: [-60.0, 60.0],
        border,
    };
    let shift_scale_rotate = |border| Geometry::ShiftScaleRotate {
        shift_limit_x: [-1.0, 1.0],
        shift_limit_y: [-1.0, 1.0],
        scale_limit: [-0.95, 1.0],
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
        ("transpose", "c84060003bae", Geometry::Transpose {}),
        ("random_rotate90", "0a4689e01a76", Geometry::RandomRotate90 {}),
        ("affine_reflect", "fea338fb10a0", affine(false, mirrored)),
        ("affine_constant", "fc6f8c2e5616", affine(true, black)),
        (
            "affine_magnified",
            "bba3f13ac71b",
            Geometry::Affine {
                scale: [20.0, 20.0],
                keep_ratio: true,
                translate_percent: [0.0, 0.0],
                rotate: [0.0, 0.0],
                shear: [60.0, 60.0],
                border: black,
            },
        ),
        ("shift_scale_rotate_reflect", "d05495c3a36d", shift_scale_rotate(mirrored)),
        ("shift_scale_rotate_constant", "d1df6ae33622", shift_scale_rotate(black)),
        ("perspective", "917babd036ca", Geometry::Perspective { scale: [0.0, 1.0] }),
        (
            "random_resized_crop",
            "0c24811ad7ad",
            Geometry::RandomResizedCrop { scale: [0.001, 1.0], ratio: [0.01, 100.0] },
        ),
        (
            "random_resized_crop_middle",
            "81e8d12be35b",
            Geometry::RandomResizedCrop { scale: [1.0, 1.0], ratio: [0.01, 0.01] },
        ),
        ("random_crop_reflect", "905273cac80c", Geometry::RandomCrop { padding: 1.0, border: mirrored }),
        ("random_crop_constant", "5024043dfa65", Geometry::RandomCrop { padding: 0.3, border: black }),
        ("grid_distortion_reflect", "61336c9f0010", grid(1, mirrored)),
        ("grid_distortion_constant", "f17cfff8cf10", grid(100, black)),
        ("elastic_transform_reflect", "bbf305f26012", elastic(10_000.0, 0.5, gaussian, mirrored)),
        ("elastic_transform_constant", "a4b4a098a99f", elastic(300.0, 100.0, uniform, black)),
        ("optical_distortion_reflect", "68170dc80922", lens(mirrored)),
        ("optical_distortion_constant", "2f4342bec738", lens(black)),
    ];
    ops.into_iter().map(|(name, digest, op)| Extreme(name, digest, Action::Geometry(op))).collect()
}
