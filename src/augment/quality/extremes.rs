//! Each op at the ends of its ranges, for the properties of all ops.

use crate::augment::properties::Extreme;
use crate::spec::ops::{Action, GlassMode, Quality};

pub(in crate::augment) fn extremes() -> Vec<Extreme> {
    let gaussian = |sigma_limit, blur_limit| Quality::GaussianBlur { sigma_limit, blur_limit };
    let motion = |blur_limit, allow_shifted| Quality::MotionBlur {
        blur_limit,
        allow_shifted,
        angle_range: [0.0, 360.0],
        direction_range: [-1.0, 1.0],
    };
    let median = |size| Quality::MedianBlur { blur_limit: [size, size] };
    let glass =
        |sigma, max_delta, iterations, mode| Quality::GlassBlur { sigma, max_delta, iterations, mode };
    let defocus = |radius, alias_blur| Quality::Defocus { radius, alias_blur };
    let compression = |quality| Quality::ImageCompression { quality_range: [quality, quality] };
    let ops = [
        ("gaussian_blur", "", gaussian([0.0, 16.0], [0, 0])),
        ("gaussian_blur_kernel", "", gaussian([16.0, 16.0], [126, 127])),
        ("motion_blur", "", motion([3, 99], true)),
        ("motion_blur_middle", "", motion([3, 7], false)),
        ("median_blur_3", "", median(3)),
        ("median_blur_5", "", median(5)),
        ("median_blur_15", "", median(15)),
        ("glass_blur", "", glass(0.7, 4, 2, GlassMode::Fast)),
        ("glass_blur_exact", "", glass(0.0, 20, 3, GlassMode::Exact)),
        ("glass_blur_far", "", glass(16.0, 100, 1, GlassMode::Fast)),
        ("defocus", "", defocus([1, 10], [0.0, 0.5])),
        ("defocus_wide", "", defocus([50, 50], [10.0, 10.0])),
        ("image_compression_1", "", compression(1)),
        ("image_compression_90", "", compression(90)),
        ("image_compression_100", "", compression(100)),
        ("downscale", "", Quality::Downscale { scale_range: [0.01, 1.0] }),
        ("downscale_least", "", Quality::Downscale { scale_range: [0.01, 0.01] }),
    ];
    ops.into_iter().map(|(name, digest, op)| Extreme(name, digest, Action::Quality(op))).collect()
}
