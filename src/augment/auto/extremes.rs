//! Each policy at the ends of its ranges, for the properties of all ops.

use crate::augment::properties::Extreme;
use crate::spec::ops::{Action, Auto, AutoPolicy, Interpolation};

pub(in crate::augment) fn extremes() -> Vec<Extreme> {
    let (nearest, bilinear) = (Interpolation::Nearest, Interpolation::Bilinear);
    let rand = |num_ops, magnitude, interpolation| Auto::RandAugment {
        num_ops,
        magnitude,
        num_magnitude_bins: 31,
        interpolation,
    };
    let trivial =
        |num_magnitude_bins, interpolation| Auto::TrivialAugmentWide { num_magnitude_bins, interpolation };
    let learnt = |policy, interpolation| Auto::AutoAugment { policy, interpolation };
    let mix = |severity, chain_depth, alpha, all_ops, interpolation| Auto::AugMix {
        severity,
        mixture_width: if all_ops { 10 } else { 1 },
        chain_depth,
        alpha,
        all_ops,
        interpolation,
    };
    let ops = [
        ("rand_strong", "5dbaa72f5f0a", rand(16, 30, nearest)),
        ("rand_strong_bilinear", "b6e1caa2454b", rand(16, 30, bilinear)),
        ("rand_weak", "df8c91437573", rand(16, 0, nearest)),
        ("trivial", "bfce401c6cbe", trivial(2, nearest)),
        ("trivial_bilinear", "51c2c670469b", trivial(256, bilinear)),
        ("auto_imagenet", "3e163771ef4b", learnt(AutoPolicy::Imagenet, nearest)),
        ("auto_cifar10", "3c36cb8fa38f", learnt(AutoPolicy::Cifar10, bilinear)),
        ("auto_svhn", "e0463f6c95dc", learnt(AutoPolicy::Svhn, nearest)),
        ("mix_strong", "c17af8914544", mix(10, 10, 100.0, true, bilinear)),
        ("mix_unequal", "4001585aa45b", mix(1, -1, 0.01, false, nearest)),
    ];
    ops.into_iter().map(|(name, digest, op)| Extreme(name, digest, Action::Auto(op))).collect()
}
