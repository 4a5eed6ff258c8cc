//! Published policies, which choose by themselves what is done to a picture and how much of it.

use serde::{Deserialize, Serialize};

use super::domain::{Choice, Domain, Flag, Number, Whole};
use super::family::{Manual, Parameter, family};
use crate::spec::fault::Fault;
use crate::spec::reader::Table;

const BINS: Whole = Whole { least: 2, most: 256, unit: "" };

const INTERPOLATION: Choice<Interpolation> =
    Choice(&[("nearest", Interpolation::Nearest), ("bilinear", Interpolation::Bilinear)]);

const POLICY: Choice<AutoPolicy> = Choice(&[
    ("imagenet", AutoPolicy::Imagenet),
    ("cifar10", AutoPolicy::Cifar10),
    ("svhn", AutoPolicy::Svhn),
]);

family! {
    /// Published policies, as torchvision defines them.
    Auto {
        /// RandAugment: `num_ops` of 14 changes, drawn with replacement, each with the same magnitude.
        RandAugment = "rand_augment" {
            /// How many changes follow each other.
            num_ops: i64 = Whole { least: 1, most: 16, unit: "" },
            /// How strong they are, of `num_magnitude_bins` steps that begin with 0.
            magnitude: i64 = Whole { least: 0, most: 255, unit: "" },
            /// Steps from no change to the strongest.
            num_magnitude_bins: i64 = BINS,
            /// How pixels are read where the change moves them.
            interpolation: Interpolation = INTERPOLATION,
        }
        /// TrivialAugment (wide): one of 14 changes with a magnitude drawn from all steps.
        TrivialAugmentWide = "trivial_augment_wide" {
            /// Steps from no change to the strongest.
            num_magnitude_bins: i64 = BINS,
            /// How pixels are read where the change moves them.
            interpolation: Interpolation = INTERPOLATION,
        }
        /// AutoAugment: one of 25 learnt pairs of changes, each change with its own probability and magnitude.
        AutoAugment = "auto_augment" {
            /// The data set that the pairs were learnt on.
            policy: AutoPolicy = POLICY,
            /// How pixels are read where the change moves them.
            interpolation: Interpolation = INTERPOLATION,
        }
        /// AugMix: a weighted mean of the picture and of several chains of changes of it.
        AugMix = "aug_mix" {
            /// Magnitudes are drawn from the first `severity` of 10 steps.
            severity: i64 = Whole { least: 1, most: 10, unit: "" },
            /// Chains.
            mixture_width: i64 = Whole { least: 1, most: 10, unit: "" },
            /// Changes in each chain; 0 or less: 1 to 3, drawn for each.
            chain_depth: i64 = Whole { least: -1, most: 10, unit: "" },
            /// Of the Beta and Dirichlet distributions of the weights.
            alpha: f64 = Number { least: 0.01, most: 100.0, unit: "" },
            /// With brightness, colour, contrast and sharpness.
            all_ops: bool = Flag,
            /// How pixels are read where the change moves them.
            interpolation: Interpolation = INTERPOLATION,
        }
    }
}

impl Auto {
    /// Faults what no parameter shows by itself.
    pub(super) fn check(&self, table: &Table<'_>) {
        if let Auto::RandAugment { magnitude, num_magnitude_bins, .. } = self
            && magnitude >= num_magnitude_bins
        {
            let last = num_magnitude_bins - 1;
            let fault = Fault::new(format!("`magnitude` is {magnitude}, expected 0 to {last}"))
                .help(format!("there are {num_magnitude_bins} steps (`num_magnitude_bins`), counted from 0"));
            table.fault("magnitude", fault);
        }
    }
}

/// The data set that AutoAugment's pairs were learnt on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoPolicy {
    /// ImageNet.
    Imagenet,
    /// CIFAR-10.
    Cifar10,
    /// Street View House Numbers.
    Svhn,
}

/// How a pixel is read from a place between pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest,
    /// The mean of the four around the place, weighted by nearness.
    Bilinear,
}
