//! ResNet-18 (He et al., "Deep residual learning for image recognition", 2015) under timm's names
//! (`resnet18`).
//!
//! Initial values as timm's: convolutions He-normal by fan-out; the last batch norm of each residual branch
//! starts with weights of 0, so that every block starts as the identity.

use tch::{TchError, Tensor};

use super::assembly::{Assembly, Init};
use super::body::{Body, Mode};
use super::head::{Head, HeadSettings};
use super::layers::{BatchNorm, Conv, ConvShape, Layer, Linear};

/// The name of the classifier.
pub(super) const CLASSIFIER: &str = "fc";

/// Input channels, output channels and first stride of `layer1` to `layer4`, of two blocks each.
const STAGES: [(i64, i64, i64); 4] = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)];

/// ResNet-18.
pub(super) struct Resnet18 {
    conv1: Conv,
    bn1: BatchNorm,
    blocks: Vec<BasicBlock>,
    head: Head<Linear>,
}

/// Two 3 x 3 convolutions beside a shortcut.
struct BasicBlock {
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
    downsample: Option<(Conv, BatchNorm)>,
}

impl Resnet18 {
    /// Adds the network to `assembly`.
    pub fn build(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        let conv1 = conv(assembly, "conv1", ConvShape::new(3, 64, 7, 2))?;
        let bn1 = assembly.batch_norm("bn1", 64, 1.0)?;
        let mut blocks = Vec::new();
        for (stage, (inputs, outputs, stride)) in (1..).zip(STAGES) {
            blocks.push(BasicBlock::build(assembly, &format!("layer{stage}.0"), inputs, outputs, stride)?);
            blocks.push(BasicBlock::build(assembly, &format!("layer{stage}.1"), outputs, outputs, 1)?);
        }
        let head = Head::linear(assembly, CLASSIFIER, 512, head)?;
        Ok(Resnet18 { conv1, bn1, blocks, head })
    }
}

impl Body for Resnet18 {
    fn features(&self, images_nchw: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let x = self.bn1.forward(&self.conv1.forward(images_nchw)?, mode)?.f_relu_()?;
        let mut x = x.f_max_pool2d(3, 2, 1, 1, false)?;
        for block in &self.blocks {
            x = block.forward(&x, mode)?;
        }
        Ok(x)
    }

    fn classify(&self, features_nchw: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let pooled = features_nchw.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?;
        self.head.forward(&pooled, mode)
    }
}

impl BasicBlock {
    fn build(
        assembly: &mut Assembly,
        name: &str,
        inputs: i64,
        outputs: i64,
        stride: i64,
    ) -> Result<Self, TchError> {
        let conv1 = conv(assembly, &format!("{name}.conv1"), ConvShape::new(inputs, outputs, 3, stride))?;
        let bn1 = assembly.batch_norm(&format!("{name}.bn1"), outputs, 1.0)?;
        let conv2 = conv(assembly, &format!("{name}.conv2"), ConvShape::new(outputs, outputs, 3, 1))?;
        let bn2 = assembly.batch_norm(&format!("{name}.bn2"), outputs, 0.0)?;
        let downsample = if stride == 1 && inputs == outputs {
            None
        } else {
            let shape = ConvShape::new(inputs, outputs, 1, stride);
            let shrink = conv(assembly, &format!("{name}.downsample.0"), shape)?;
            Some((shrink, assembly.batch_norm(&format!("{name}.downsample.1"), outputs, 1.0)?))
        };
        Ok(BasicBlock { conv1, bn1, conv2, bn2, downsample })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let inner = self.bn1.forward(&self.conv1.forward(x)?, mode)?.f_relu_()?;
        let mut sum = self.bn2.forward(&self.conv2.forward(&inner)?, mode)?;
        let shortcut = match &self.downsample {
            Some((shrink, bn)) => bn.forward(&shrink.forward(x)?, mode)?,
            None => x.shallow_clone(),
        };
        sum.f_add_(&shortcut)?.f_relu_()
    }
}

fn conv(assembly: &mut Assembly, name: &str, shape: ConvShape) -> Result<Conv, TchError> {
    assembly.conv(name, shape, Init::he_normal(shape.outputs * shape.kernel * shape.kernel))
}
