//! EfficientNet-B0 (Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019)
//! and EfficientNetV2-B0, -B1 and -B3 ("EfficientNetV2: smaller models and faster training", 2021) under timm's names
//! (`efficientnet_b0`, `tf_efficientnetv2_b0`, ...).
//!
//! The V2 networks are those of TensorFlow and Keras: `SAME` padding, and an epsilon of 1e-3 in batch norms. Their
//! B1 and B3 are B0 with more channels (rounded to eights) and more blocks (rounded up). As timm builds them by
//! default there is no stochastic depth.
//!
//! Initial values as those of [`super::mobilenet_v3`].

use tch::{TchError, Tensor};

use super::assembly::{Assembly, Norm};
use super::body::{Body, Mode};
use super::head::{Head, HeadSettings};
use super::inverted_residual::Form::{Fused, Inverted, Plain, Separable};
use super::inverted_residual::{Block, Form, Row, SqueezeStyle, Style};
use super::layers::{Activation, ConvNorm, ConvShape, Linear};
use super::tap::Tap;

/// The name of the classifier.
pub(super) const CLASSIFIER: &str = "classifier";

/// Form, blocks, kernel, stride of the first block, expansion, output channels, and whether there is a
/// squeeze-and-excitation (to a quarter of the input's channels).
type Stage = (Form, u32, i64, i64, i64, i64, bool);

const V1: [Stage; 7] = [
    (Separable, 1, 3, 1, 1, 16, true),
    (Inverted, 2, 3, 2, 6, 24, true),
    (Inverted, 2, 5, 2, 6, 40, true),
    (Inverted, 3, 3, 2, 6, 80, true),
    (Inverted, 3, 5, 1, 6, 112, true),
    (Inverted, 4, 5, 2, 6, 192, true),
    (Inverted, 1, 3, 1, 6, 320, true),
];

const V2: [Stage; 6] = [
    (Plain, 1, 3, 1, 1, 16, false),
    (Fused, 2, 3, 2, 4, 32, false),
    (Fused, 2, 3, 2, 4, 48, false),
    (Inverted, 3, 3, 2, 4, 96, true),
    (Inverted, 5, 3, 1, 6, 112, true),
    (Inverted, 8, 3, 2, 6, 192, true),
];

/// Channels of the stem and of the features, before scaling.
const STEM: i64 = 32;
const FEATURES: i64 = 1280;

/// What makes one of the family of its table.
struct Scale {
    /// Factor of channels.
    width: f64,
    /// Factor of blocks.
    depth: f64,
    style: Style,
}

/// One of the family.
pub(super) struct EfficientNet {
    stem: ConvNorm,
    /// Each with its name.
    blocks: Vec<(String, Block)>,
    last: ConvNorm,
    head: Head<Linear>,
}

impl EfficientNet {
    /// Adds EfficientNet-B0 to `assembly`.
    pub fn b0(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        let style = Style { norm: Norm::TORCH, is_same: false, squeeze: SqueezeStyle::Smooth };
        Self::build(assembly, &V1, &Scale { width: 1.0, depth: 1.0, style }, head)
    }

    /// Adds EfficientNetV2-B0 to `assembly`.
    pub fn v2_b0(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        Self::v2(assembly, 1.0, 1.0, head)
    }

    /// Adds EfficientNetV2-B1 to `assembly`.
    pub fn v2_b1(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        Self::v2(assembly, 1.0, 1.1, head)
    }

    /// Adds EfficientNetV2-B3 to `assembly`.
    pub fn v2_b3(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        Self::v2(assembly, 1.2, 1.4, head)
    }

    fn v2(assembly: &mut Assembly, width: f64, depth: f64, head: HeadSettings<'_>) -> Result<Self, TchError> {
        let style = Style { norm: Norm::TENSORFLOW, is_same: true, squeeze: SqueezeStyle::Smooth };
        Self::build(assembly, &V2, &Scale { width, depth, style }, head)
    }

    fn build(
        assembly: &mut Assembly,
        stages: &[Stage],
        scale: &Scale,
        head: HeadSettings<'_>,
    ) -> Result<Self, TchError> {
        let style = scale.style;
        let mut inputs = scale.channels(STEM);
        let stem = style.conv_norm(assembly, ("conv_stem", "bn1"), ConvShape::new(3, inputs, 3, 2))?;
        let mut blocks = Vec::new();
        for (i, &(form, n, kernel, first_stride, expansion, channels, squeezes)) in stages.iter().enumerate()
        {
            let outputs = scale.channels(channels);
            for j in 0..scale.blocks(n) {
                let row = Row {
                    form,
                    kernel,
                    stride: if j == 0 { first_stride } else { 1 },
                    inputs,
                    expanded: inputs * expansion,
                    outputs,
                    squeezed: if squeezes { inputs / 4 } else { 0 },
                    activation: Activation::Silu,
                };
                let name = format!("blocks.{i}.{j}");
                let block = Block::build(assembly, &name, &row, style)?;
                blocks.push((name, block));
                inputs = outputs;
            }
        }
        let features = scale.channels(FEATURES);
        let last = style.conv_norm(assembly, ("conv_head", "bn2"), ConvShape::new(inputs, features, 1, 1))?;
        let head = Head::linear(assembly, CLASSIFIER, features, head)?;
        Ok(EfficientNet { stem, blocks, last, head })
    }
}

impl Scale {
    /// The multiple of 8 that is nearest to `channels` times the factor.
    fn channels(&self, channels: i64) -> i64 {
        let scaled = channels as f64 * self.width;
        ((scaled + 4.0) as i64 / 8 * 8).max(8)
    }

    fn blocks(&self, n: u32) -> u32 {
        (f64::from(n) * self.depth).ceil() as u32
    }
}

impl Body for EfficientNet {
    fn features(&self, images_nchw: &Tensor, mode: Mode, tap: &Tap<'_>) -> Result<Tensor, TchError> {
        let mut x = tap.pass("conv_stem", self.stem.forward(images_nchw, mode)?.f_silu()?)?;
        for (name, block) in &self.blocks {
            x = tap.pass(name, block.forward(&x, mode)?)?;
        }
        tap.pass("conv_head", self.last.forward(&x, mode)?.f_silu()?)
    }

    fn classify(&self, features_nchw: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let pooled = features_nchw.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?;
        self.head.forward(&pooled, mode)
    }
}
