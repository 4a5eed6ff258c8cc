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
        ("gaussian_blur", "c1da811c1a82", gaussian([0.0, 16.0], [0, 0])),
        ("gaussian_blur_kernel", "6d6b72de2c7d", gaussian([16.0, 16.0], [126, 127])),
        ("motion_blur", "566585509ea8", motion([3, 99], true)),
        ("motion_blur_middle", "ebef02e68b77", motion([3, 7], false)),
        ("median_blur_3", "9d8238573204", median(3)),
        ("median_blur_5", "9f3cff42ec2a", median(5)),
        ("median_blur_15", "e93253719500", median(15)),
        ("glass_blur", "85063ea3be19", glass(0.7, 4, 2, GlassMode::Fast)),
        ("glass_blur_exact", "753fdc66f0c0", glass(0.0, 20, 3, GlassMode::Exact)),
        ("glass_blur_far", "87055e9f22fc", glass(16.0, 100, 1, GlassMode::Fast)),
        ("defocus", "a4d252e48c90", defocus([1, 10], [0.0, 0.5])),
        ("defocus_wide", "4e536ccafabd", defocus([50, 50], [10.0, 10.0])),
        ("image_compression_1", "d8067e5f9d59", compression(1)),
        ("image_compression_90", "c2f0aeea53fe", compression(90)),
        ("image_compression_100", "7bf542d51b66", compression(100)),
        ("downscale", "bbb32b9f68eb", Quality::Downscale { scale_range: [0.01, 1.0] }),
        ("downscale_least", "2e1c68a8a13a", Quality::Downscale { scale_range: [0.01, 0.01] }),
    ];
    ops.into_iter().map(|(name, digest, op)| Extreme(name, digest, Action::Quality(op))).collect()
}
