//! ConvNeXt-T (Liu et al., "A ConvNet for the 2020s", 2022) under timm's names (`convnext_tiny`).
//!
//! A block is a depthwise convolution and two linear layers for each place, scaled channel by channel, beside a
//! shortcut. As timm builds it by default there is no stochastic depth.
//!
//! Initial values as timm's: weights normal with 0.02, biases 0, scales 1e-6.

use tch::{TchError, Tensor};

use super::assembly::{Assembly, Init, Of};
use super::body::{Body, Mode};
use super::head::{Head, HeadSettings};
use super::layers::{Conv, ConvShape, Layer, LayerNorm, Linear};
use super::tap::Tap;

/// The name of the classifier.
pub(super) const CLASSIFIER: &str = "head.fc";

/// Channels and blocks of each stage.
const STAGES: [(i64, u32); 4] = [(96, 3), (192, 3), (384, 9), (768, 3)];

const START: Init = Init::Normal { std: 0.02 };

/// ConvNeXt-T.
pub(super) struct ConvnextTiny {
    stem: (Conv, LayerNorm),
    stages: Vec<Stage>,
    norm: LayerNorm,
    head: Head<Linear>,
}

struct Stage {
    /// None in the first stage, whose map the stem has shrunk.
    downsample: Option<(LayerNorm, Conv)>,
    /// Each with its name.
    blocks: Vec<(String, Block)>,
}

struct Block {
    depthwise: Conv,
    norm: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    gamma: Tensor,
}

impl ConvnextTiny {
    /// Adds the network to `assembly`.
    pub fn build(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        let mut inputs = STAGES[0].0;
        let stem = conv(assembly, "stem.0", ConvShape::new(3, inputs, 4, 4).unpadded())?;
        let stem = (stem, assembly.layer_norm("stem.1", inputs, Of::Last)?);
        let mut stages = Vec::with_capacity(STAGES.len());
        for (i, (channels, n)) in STAGES.into_iter().enumerate() {
            let name = format!("stages.{i}");
            let downsample = if i == 0 {
                None
            } else {
                let norm = assembly.layer_norm(&format!("{name}.downsample.0"), inputs, Of::Next)?;
                let shape = ConvShape::new(inputs, channels, 2, 2).unpadded();
                Some((norm, conv(assembly, &format!("{name}.downsample.1"), shape)?))
            };
            let blocks = (0..n).map(|j| {
                let name = format!("{name}.blocks.{j}");
                let block = Block::build(assembly, &name, channels)?;
                Ok((name, block))
            });
            stages.push(Stage { downsample, blocks: blocks.collect::<Result<_, TchError>>()? });
            inputs = channels;
        }
        let norm = assembly.layer_norm("head.norm", inputs, Of::Last)?;
        let head = Head::linear(assembly, CLASSIFIER, inputs, head)?;
        Ok(ConvnextTiny { stem, stages, norm, head })
    }
}

impl Body for ConvnextTiny {
    fn features(&self, images_nchw: &Tensor, _: Mode, tap: &Tap<'_>) -> Result<Tensor, TchError> {
        let (stem, norm) = &self.stem;
        let mut x = tap.pass("stem", norm.nchw(&stem.forward(images_nchw)?)?)?;
        for stage in &self.stages {
            if let Some((norm, shrink)) = &stage.downsample {
                x = shrink.forward(&norm.nchw(&x)?)?;
            }
            for (name, block) in &stage.blocks {
                x = tap.pass(name, block.forward(&x)?)?;
            }
        }
        Ok(x)
    }

    fn classify(&self, features_nchw: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let pooled = self.norm.nchw(&features_nchw.f_adaptive_avg_pool2d([1, 1])?)?;
        self.head.forward(&pooled.f_flatten(1, -1)?, mode)
    }
}

impl Block {
    fn build(assembly: &mut Assembly, name: &str, channels: i64) -> Result<Self, TchError> {
        let gamma = assembly.scale(&format!("{name}.gamma"), channels, 1e-6)?;
        let depthwise = conv(assembly, &format!("{name}.conv_dw"), ConvShape::depthwise(channels, 7, 1))?;
        let norm = assembly.layer_norm(&format!("{name}.norm"), channels, Of::Last)?;
        let fc1 = assembly.linear(&format!("{name}.mlp.fc1"), (channels, 4 * channels), START)?;
        let fc2 = assembly.linear(&format!("{name}.mlp.fc2"), (4 * channels, channels), START)?;
        Ok(Block { depthwise, norm, fc1, fc2, gamma })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let inner_nhwc = self.norm.nhwc(&self.depthwise.forward(x)?.f_permute([0, 2, 3, 1])?)?;
        let inner_nhwc = self.fc2.forward(&self.fc1.forward(&inner_nhwc)?.f_gelu("none")?)?;
        inner_nhwc.f_mul(&self.gamma)?.f_permute([0, 3, 1, 2])?.f_add(x)
    }
}

fn conv(assembly: &mut Assembly, name: &str, shape: ConvShape) -> Result<Conv, TchError> {
    assembly.conv(name, shape.with_bias(), START)
}
