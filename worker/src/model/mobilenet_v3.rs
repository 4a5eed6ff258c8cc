//! MobileNetV3-Large and -Small 1.0 (Howard et al., "Searching for MobileNetV3", 2019) under timm's names
//! (`mobilenetv3_large_100`, `mobilenetv3_small_100`).
//!
//! Initial values as timm's: convolutions normal by fan-out per group, biases 0. The classifier starts as
//! timm's `reset_classifier` leaves it, which is PyTorch's own start of a linear layer; only its bias is 0.

use tch::{TchError, Tensor};

use super::assembly::{Assembly, Norm};
use super::body::{Body, Mode};
use super::head::{Head, HeadSettings};
use super::inverted_residual::{Block, Form, Row, SqueezeStyle, Style, conv};
use super::layers::Activation::{self, Hardswish, Relu};
use super::layers::{Conv, ConvNorm, ConvShape, Layer, Linear};
use super::tap::Tap;

/// The name of the classifier.
pub(super) const CLASSIFIER: &str = "classifier";

/// Stage, kernel, input channels, expanded channels, output channels, squeezed channels, activation and stride of a
/// block. One that expands nothing has no convolution before the depthwise one.
type Line = (u8, i64, i64, i64, i64, i64, Activation, i64);

/// Table 1 of the paper.
#[rustfmt::skip]
const LARGE: [Line; 15] = [
    (0, 3, 16,  16,  16,  0,   Relu,      1),
    (1, 3, 16,  64,  24,  0,   Relu,      2),
    (1, 3, 24,  72,  24,  0,   Relu,      1),
    (2, 5, 24,  72,  40,  24,  Relu,      2),
    (2, 5, 40,  120, 40,  32,  Relu,      1),
    (2, 5, 40,  120, 40,  32,  Relu,      1),
    (3, 3, 40,  240, 80,  0,   Hardswish, 2),
    (3, 3, 80,  200, 80,  0,   Hardswish, 1),
    (3, 3, 80,  184, 80,  0,   Hardswish, 1),
    (3, 3, 80,  184, 80,  0,   Hardswish, 1),
    (4, 3, 80,  480, 112, 120, Hardswish, 1),
    (4, 3, 112, 672, 112, 168, Hardswish, 1),
    (5, 5, 112, 672, 160, 168, Hardswish, 2),
    (5, 5, 160, 960, 160, 240, Hardswish, 1),
    (5, 5, 160, 960, 160, 240, Hardswish, 1),
];

/// Table 2 of the paper.
#[rustfmt::skip]
const SMALL: [Line; 11] = [
    (0, 3, 16, 16,  16, 8,   Relu,      2),
    (1, 3, 16, 72,  24, 0,   Relu,      2),
    (1, 3, 24, 88,  24, 0,   Relu,      1),
    (2, 5, 24, 96,  40, 24,  Hardswish, 2),
    (2, 5, 40, 240, 40, 64,  Hardswish, 1),
    (2, 5, 40, 240, 40, 64,  Hardswish, 1),
    (3, 5, 40, 120, 48, 32,  Hardswish, 1),
    (3, 5, 48, 144, 48, 40,  Hardswish, 1),
    (4, 5, 48, 288, 96, 72,  Hardswish, 2),
    (4, 5, 96, 576, 96, 144, Hardswish, 1),
    (4, 5, 96, 576, 96, 144, Hardswish, 1),
];

const STYLE: Style = Style { norm: Norm::TORCH, is_same: false, squeeze: SqueezeStyle::Hard };

/// One of the two.
pub(super) struct MobilenetV3 {
    stem: ConvNorm,
    /// Each with its name.
    blocks: Vec<(String, Block)>,
    /// Likewise.
    last: (String, ConvNorm),
    conv_head: Conv,
    head: Head<Linear>,
}

impl MobilenetV3 {
    /// Adds MobileNetV3-Large to `assembly`.
    pub fn large(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        Self::build(assembly, &LARGE, 1280, head)
    }

    /// Adds MobileNetV3-Small to `assembly`.
    pub fn small(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        Self::build(assembly, &SMALL, 1024, head)
    }

    fn build(
        assembly: &mut Assembly,
        lines: &[Line],
        features: i64,
        head: HeadSettings<'_>,
    ) -> Result<Self, TchError> {
        let stem = STYLE.conv_norm(assembly, ("conv_stem", "bn1"), ConvShape::new(3, 16, 3, 2))?;
        let mut blocks = Vec::with_capacity(lines.len());
        let (mut stage_before, mut place, mut channels) = (0, 0, 16);
        for &(stage, kernel, inputs, expanded, outputs, squeezed, activation, stride) in lines {
            place = if stage == stage_before { place } else { 0 };
            let form = if expanded == inputs { Form::Separable } else { Form::Inverted };
            let row = Row { form, kernel, stride, inputs, expanded, outputs, squeezed, activation };
            let name = format!("blocks.{stage}.{place}");
            let block = Block::build(assembly, &name, &row, STYLE)?;
            blocks.push((name, block));
            (stage_before, place, channels) = (stage, place + 1, outputs);
        }
        let name = format!("blocks.{}.0", stage_before + 1);
        let wide = 6 * channels;
        let shape = ConvShape::new(channels, wide, 1, 1);
        let last = STYLE.conv_norm(assembly, (&format!("{name}.conv"), &format!("{name}.bn1")), shape)?;
        let conv_head = conv(assembly, "conv_head", ConvShape::new(wide, features, 1, 1).with_bias())?;
        let head = Head::linear(assembly, CLASSIFIER, features, head)?;
        Ok(MobilenetV3 { stem, blocks, last: (name, last), conv_head, head })
    }
}

impl Body for MobilenetV3 {
    fn features(&self, images_nchw: &Tensor, mode: Mode, tap: &Tap<'_>) -> Result<Tensor, TchError> {
        let mut x = tap.pass("conv_stem", self.stem.forward(images_nchw, mode)?.f_hardswish()?)?;
        for (name, block) in &self.blocks {
            x = tap.pass(name, block.forward(&x, mode)?)?;
        }
        let (name, last) = &self.last;
        tap.pass(name, last.forward(&x, mode)?.f_hardswish()?)
    }

    fn classify(&self, features_nchw: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let pooled = features_nchw.f_adaptive_avg_pool2d([1, 1])?;
        let hidden = self.conv_head.forward(&pooled)?.f_hardswish()?.f_flatten(1, -1)?;
        self.head.forward(&hidden, mode)
    }
}
