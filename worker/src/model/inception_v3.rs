//! Inception v3 (Szegedy et al., "Rethinking the Inception architecture for computer vision", 2015) under timm's
//! names (`inception_v3`).
//!
//! As timm builds it by default there is no auxiliary classifier, in training neither; its tensors in a weights file
//! (`AuxLogits`) are passed over.
//!
//! Initial values as timm's: normal with 0.1, which the batch norms behind them undo; the classifier starts as a
//! linear layer of PyTorch.

use tch::{TchError, Tensor};

use super::assembly::{Assembly, Init, Norm};
use super::body::{Body, Mode};
use super::head::{Head, HeadSettings};
use super::layers::{ConvNorm, ConvShape, Linear};
use super::tap::Tap;

/// The name of the classifier.
pub(super) const CLASSIFIER: &str = "fc";

/// Names of the auxiliary classifier's tensors begin so.
pub(super) const AUXILIARY: &str = "AuxLogits.";

/// Channels of the features.
const FEATURES: i64 = 2048;

/// A convolution: name, output channels, rows and columns of its kernel, stride. One of stride 2 is not padded.
type Step = (&'static str, i64, [i64; 2], i64);

/// The first pooling of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pool {
    None,
    /// The mean of 3 x 3 places, zeros at the border counted.
    Mean,
    /// The largest of 3 x 3 places, in steps of 2.
    Largest,
}

/// What stands beside each other in a module, each as pooling, convolutions behind each other, and convolutions
/// beside each other on what these give.
type Plan = &'static [(Pool, &'static [Step], &'static [Step])];

/// Inception v3.
pub(super) struct InceptionV3 {
    /// Up to the second pooling.
    stem: Vec<Stem>,
    /// Each with its name.
    modules: Vec<(&'static str, Vec<Branch>)>,
    head: Head<Linear>,
}

/// A convolution of the beginning.
struct Stem {
    name: &'static str,
    conv: ConvNorm,
    /// Whether the map is pooled behind it.
    is_pooled: bool,
}

struct Branch {
    pool: Pool,
    chain: Vec<ConvNorm>,
    fork: Vec<ConvNorm>,
}

/// Figure 5 of the paper, for maps of 35 x 35; the pooled branch differs.
macro_rules! module_a {
    ($pooled:literal) => {
        &[
            (Pool::None, &[("branch1x1", 64, [1, 1], 1)], &[]),
            (Pool::None, &[("branch5x5_1", 48, [1, 1], 1), ("branch5x5_2", 64, [5, 5], 1)], &[]),
            (
                Pool::None,
                &[
                    ("branch3x3dbl_1", 64, [1, 1], 1),
                    ("branch3x3dbl_2", 96, [3, 3], 1),
                    ("branch3x3dbl_3", 96, [3, 3], 1),
                ],
                &[],
            ),
            (Pool::Mean, &[("branch_pool", $pooled, [1, 1], 1)], &[]),
        ]
    };
}

/// Figure 6, for maps of 17 x 17; the channels between the two ends of the long branches differ.
macro_rules! module_c {
    ($inner:literal) => {
        &[
            (Pool::None, &[("branch1x1", 192, [1, 1], 1)], &[]),
            (
                Pool::None,
                &[
                    ("branch7x7_1", $inner, [1, 1], 1),
                    ("branch7x7_2", $inner, [1, 7], 1),
                    ("branch7x7_3", 192, [7, 1], 1),
                ],
                &[],
            ),
            (
                Pool::None,
                &[
                    ("branch7x7dbl_1", $inner, [1, 1], 1),
                    ("branch7x7dbl_2", $inner, [7, 1], 1),
                    ("branch7x7dbl_3", $inner, [1, 7], 1),
                    ("branch7x7dbl_4", $inner, [7, 1], 1),
                    ("branch7x7dbl_5", 192, [1, 7], 1),
                ],
                &[],
            ),
            (Pool::Mean, &[("branch_pool", 192, [1, 1], 1)], &[]),
        ]
    };
}

/// To a map of half the side.
const B: Plan = &[
    (Pool::None, &[("branch3x3", 384, [3, 3], 2)], &[]),
    (
        Pool::None,
        &[
            ("branch3x3dbl_1", 64, [1, 1], 1),
            ("branch3x3dbl_2", 96, [3, 3], 1),
            ("branch3x3dbl_3", 96, [3, 3], 2),
        ],
        &[],
    ),
    (Pool::Largest, &[], &[]),
];

/// Likewise.
const D: Plan = &[
    (Pool::None, &[("branch3x3_1", 192, [1, 1], 1), ("branch3x3_2", 320, [3, 3], 2)], &[]),
    (
        Pool::None,
        &[
            ("branch7x7x3_1", 192, [1, 1], 1),
            ("branch7x7x3_2", 192, [1, 7], 1),
            ("branch7x7x3_3", 192, [7, 1], 1),
            ("branch7x7x3_4", 192, [3, 3], 2),
        ],
        &[],
    ),
    (Pool::Largest, &[], &[]),
];

/// Figure 7, for maps of 8 x 8.
const E: Plan = &[
    (Pool::None, &[("branch1x1", 320, [1, 1], 1)], &[]),
    (
        Pool::None,
        &[("branch3x3_1", 384, [1, 1], 1)],
        &[("branch3x3_2a", 384, [1, 3], 1), ("branch3x3_2b", 384, [3, 1], 1)],
    ),
    (
        Pool::None,
        &[("branch3x3dbl_1", 448, [1, 1], 1), ("branch3x3dbl_2", 384, [3, 3], 1)],
        &[("branch3x3dbl_3a", 384, [1, 3], 1), ("branch3x3dbl_3b", 384, [3, 1], 1)],
    ),
    (Pool::Mean, &[("branch_pool", 192, [1, 1], 1)], &[]),
];

/// Name, input channels and plan.
const MODULES: [(&str, i64, Plan); 11] = [
    ("Mixed_5b", 192, module_a!(32)),
    ("Mixed_5c", 256, module_a!(64)),
    ("Mixed_5d", 288, module_a!(64)),
    ("Mixed_6a", 288, B),
    ("Mixed_6b", 768, module_c!(128)),
    ("Mixed_6c", 768, module_c!(160)),
    ("Mixed_6d", 768, module_c!(160)),
    ("Mixed_6e", 768, module_c!(192)),
    ("Mixed_7a", 768, D),
    ("Mixed_7b", 1280, E),
    ("Mixed_7c", 2048, E),
];

impl InceptionV3 {
    /// Adds the network to `assembly`.
    pub fn build(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        let plain =
            |inputs, outputs, kernel, stride| ConvShape::new(inputs, outputs, kernel, stride).unpadded();
        let mut stem = Vec::new();
        for (name, shape, is_pooled) in [
            ("Conv2d_1a_3x3", plain(3, 32, 3, 2), false),
            ("Conv2d_2a_3x3", plain(32, 32, 3, 1), false),
            ("Conv2d_2b_3x3", ConvShape::new(32, 64, 3, 1), true),
            ("Conv2d_3b_1x1", plain(64, 80, 1, 1), false),
            ("Conv2d_4a_3x3", plain(80, 192, 3, 1), true),
        ] {
            stem.push(Stem { name, conv: conv_norm(assembly, name, shape)?, is_pooled });
        }
        let mut modules = Vec::with_capacity(MODULES.len());
        for (name, inputs, plan) in MODULES {
            let branches = plan.iter().map(|&(pool, chain, fork)| {
                let (chain, outputs) = Branch::chain(assembly, name, inputs, chain)?;
                let fork = fork.iter().map(|step| Branch::step(assembly, name, outputs, step));
                Ok(Branch { pool, chain, fork: fork.collect::<Result<_, TchError>>()? })
            });
            modules.push((name, branches.collect::<Result<Vec<_>, TchError>>()?));
        }
        let head = Head::linear(assembly, CLASSIFIER, FEATURES, head)?;
        Ok(InceptionV3 { stem, modules, head })
    }
}

impl Body for InceptionV3 {
    fn features(&self, images_nchw: &Tensor, mode: Mode, tap: &Tap<'_>) -> Result<Tensor, TchError> {
        let mut x = images_nchw.shallow_clone();
        for Stem { name, conv, is_pooled } in &self.stem {
            x = tap.pass(name, conv.forward(&x, mode)?.f_relu_()?)?;
            if *is_pooled {
                x = Pool::Largest.forward(&x)?;
            }
        }
        for (name, module) in &self.modules {
            let mut outputs = Vec::with_capacity(6);
            for branch in module {
                branch.forward(&x, mode, &mut outputs)?;
            }
            x = tap.pass(name, Tensor::f_cat(&outputs, 1)?)?;
        }
        Ok(x)
    }

    fn classify(&self, features_nchw: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let pooled = features_nchw.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?;
        self.head.forward(&pooled, mode)
    }
}

impl Branch {
    /// Convolutions behind each other, and the channels that they give.
    fn chain(
        assembly: &mut Assembly,
        module: &str,
        inputs: i64,
        steps: &[Step],
    ) -> Result<(Vec<ConvNorm>, i64), TchError> {
        let (mut chain, mut channels) = (Vec::with_capacity(steps.len()), inputs);
        for step in steps {
            chain.push(Branch::step(assembly, module, channels, step)?);
            channels = step.1;
        }
        Ok((chain, channels))
    }

    fn step(assembly: &mut Assembly, module: &str, inputs: i64, step: &Step) -> Result<ConvNorm, TchError> {
        let &(name, outputs, kernel, stride) = step;
        let shape = ConvShape::rectangle(inputs, outputs, kernel, stride);
        let shape = if stride == 1 { shape } else { shape.unpadded() };
        conv_norm(assembly, &format!("{module}.{name}"), shape)
    }

    /// Adds what the branch makes of `x` to `outputs`.
    fn forward(&self, x: &Tensor, mode: Mode, outputs: &mut Vec<Tensor>) -> Result<(), TchError> {
        let mut x = self.pool.forward(x)?;
        for conv in &self.chain {
            x = conv.forward(&x, mode)?.f_relu_()?;
        }
        if self.fork.is_empty() {
            outputs.push(x);
            return Ok(());
        }
        for conv in &self.fork {
            outputs.push(conv.forward(&x, mode)?.f_relu_()?);
        }
        Ok(())
    }
}

impl Pool {
    fn forward(self, x: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Pool::None => Ok(x.shallow_clone()),
            Pool::Mean => x.f_avg_pool2d(3, 1, 1, false, true, None::<i64>),
            Pool::Largest => x.f_max_pool2d(3, 2, 0, 1, false),
        }
    }
}

fn conv_norm(assembly: &mut Assembly, name: &str, shape: ConvShape) -> Result<ConvNorm, TchError> {
    let conv = assembly.conv(&format!("{name}.conv"), shape, Init::Normal { std: 0.1 })?;
    Ok(ConvNorm { conv, bn: assembly.batch_norm(&format!("{name}.bn"), shape.outputs, Norm::TENSORFLOW)? })
}
