//! ResNet-18, -34 and -50 (He et al., "Deep residual learning for image recognition", 2015) under timm's names
//! (`resnet18`, `resnet34`, `resnet50`).
//!
//! Where a bottleneck halves the map, its 3 x 3 convolution does so, as in PyTorch and unlike in the paper.
//!
//! Initial values as timm's: convolutions He-normal by fan-out; the last batch norm of each residual branch
//! starts with weights of 0, so that every block starts as the identity.

use tch::{TchError, Tensor};

use super::assembly::{Assembly, Init, Norm};
use super::body::{Body, Mode};
use super::head::{Head, HeadSettings};
use super::layers::{ConvNorm, ConvShape, Linear};
use super::tap::Tap;

/// The name of the classifier.
pub(super) const CLASSIFIER: &str = "fc";

/// Channels of the stem.
const STEM: i64 = 64;

/// Channels and first stride of `layer1` to `layer4`.
const STAGES: [(i64, i64); 4] = [(64, 1), (128, 2), (256, 2), (512, 2)];

/// What a residual branch consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Two 3 x 3 convolutions.
    Basic,
    /// A 3 x 3 convolution between two pointwise ones, the second of which has four times the channels.
    Bottleneck,
}

/// One of the family.
pub(super) struct Resnet {
    stem: ConvNorm,
    /// Each with its name.
    blocks: Vec<(String, Block)>,
    head: Head<Linear>,
}

/// A residual branch beside a shortcut.
struct Block {
    /// With ReLUs between them.
    branch: Vec<ConvNorm>,
    downsample: Option<ConvNorm>,
}

impl Resnet {
    /// Adds ResNet-18 to `assembly`.
    pub fn resnet18(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        Self::build(assembly, Form::Basic, [2, 2, 2, 2], head)
    }

    /// Adds ResNet-34 to `assembly`.
    pub fn resnet34(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        Self::build(assembly, Form::Basic, [3, 4, 6, 3], head)
    }

    /// Adds ResNet-50 to `assembly`.
    pub fn resnet50(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        Self::build(assembly, Form::Bottleneck, [3, 4, 6, 3], head)
    }

    fn build(
        assembly: &mut Assembly,
        form: Form,
        blocks_per_stage: [u32; 4],
        head: HeadSettings<'_>,
    ) -> Result<Self, TchError> {
        let stem = conv_norm(assembly, ("conv1", "bn1"), ConvShape::new(3, STEM, 7, 2), Norm::TORCH)?;
        let mut blocks = Vec::new();
        let mut inputs = STEM;
        for (stage, ((channels, stride), n)) in (1..).zip(STAGES.into_iter().zip(blocks_per_stage)) {
            for i in 0..n {
                let stride = if i == 0 { stride } else { 1 };
                let name = format!("layer{stage}.{i}");
                let block = Block::build(assembly, &name, form, inputs, channels, stride)?;
                blocks.push((name, block));
                inputs = channels * form.expansion();
            }
        }
        let head = Head::linear(assembly, CLASSIFIER, inputs, head)?;
        Ok(Resnet { stem, blocks, head })
    }
}

impl Body for Resnet {
    fn features(&self, images_nchw: &Tensor, mode: Mode, tap: &Tap<'_>) -> Result<Tensor, TchError> {
        let x = tap.pass("conv1", self.stem.forward(images_nchw, mode)?.f_relu_()?)?;
        let mut x = x.f_max_pool2d(3, 2, 1, 1, false)?;
        for (name, block) in &self.blocks {
            x = tap.pass(name, block.forward(&x, mode)?)?;
        }
        Ok(x)
    }

    fn classify(&self, features_nchw: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let pooled = features_nchw.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?;
        self.head.forward(&pooled, mode)
    }
}

impl Form {
    /// Channels of a block's output in those of its first convolution.
    fn expansion(self) -> i64 {
        match self {
            Form::Basic => 1,
            Form::Bottleneck => 4,
        }
    }
}

impl Block {
    fn build(
        assembly: &mut Assembly,
        name: &str,
        form: Form,
        inputs: i64,
        channels: i64,
        stride: i64,
    ) -> Result<Self, TchError> {
        let outputs = channels * form.expansion();
        let shapes = match form {
            Form::Basic => {
                vec![ConvShape::new(inputs, channels, 3, stride), ConvShape::new(channels, channels, 3, 1)]
            }
            Form::Bottleneck => vec![
                ConvShape::new(inputs, channels, 1, 1),
                ConvShape::new(channels, channels, 3, stride),
                ConvShape::new(channels, outputs, 1, 1),
            ],
        };
        let mut branch = Vec::with_capacity(shapes.len());
        for (i, &shape) in (1..).zip(&shapes) {
            let norm = if i == shapes.len() { Norm { gain: 0.0, ..Norm::TORCH } } else { Norm::TORCH };
            let names = (&*format!("{name}.conv{i}"), &*format!("{name}.bn{i}"));
            branch.push(conv_norm(assembly, names, shape, norm)?);
        }
        let downsample = if stride == 1 && inputs == outputs {
            None
        } else {
            let names = (&*format!("{name}.downsample.0"), &*format!("{name}.downsample.1"));
            Some(conv_norm(assembly, names, ConvShape::new(inputs, outputs, 1, stride), Norm::TORCH)?)
        };
        Ok(Block { branch, downsample })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let mut sum = x.shallow_clone();
        for (i, conv) in self.branch.iter().enumerate() {
            if i > 0 {
                sum = sum.f_relu_()?;
            }
            sum = conv.forward(&sum, mode)?;
        }
        let shortcut = match &self.downsample {
            Some(shrink) => shrink.forward(x, mode)?,
            None => x.shallow_clone(),
        };
        sum.f_add_(&shortcut)?.f_relu_()
    }
}

fn conv_norm(
    assembly: &mut Assembly,
    (name, norm): (&str, &str),
    shape: ConvShape,
    start: Norm,
) -> Result<ConvNorm, TchError> {
    let fan_out = shape.outputs * shape.kernel[0] * shape.kernel[1];
    let conv = assembly.conv(name, shape, Init::he_normal(fan_out))?;
    Ok(ConvNorm { conv, bn: assembly.batch_norm(norm, shape.outputs, start)? })
}
