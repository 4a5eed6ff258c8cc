//! Each op at the ends of its ranges, for the properties of all ops.

use crate::augment::properties::Extreme;
use crate::spec::ops::{Action, Noise};

pub(in crate::augment) fn extremes() -> Vec<Extreme> {
    let gauss = |per_channel| Noise::GaussNoise { std: [0.0, 0.5], mean: [-0.5, 0.5], per_channel };
    let ops =
        [("gauss_noise", "0e92f40a8bd8", gauss(true)), ("gauss_noise_shared", "1d0c2114e03c", gauss(false))];
    ops.into_iter().map(|(name, digest, op)| Extreme(name, digest, Action::Noise(op))).collect()
}
