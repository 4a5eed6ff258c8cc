//! MobileNetV3-Small 1.0 (Howard et al., "Searching for MobileNetV3", 2019) under timm's names
//! (`mobilenetv3_small_100`).
//!
//! Initial values as timm's: convolutions normal by fan-out per group, biases 0. The classifier starts as
//! timm's `reset_classifier` leaves it, which is PyTorch's own start of a linear layer; only its bias is 0.

use tch::{Kind, TchError, Tensor};

use super::assembly::{Assembly, Init};
use super::body::{Body, Mode};
use super::head::{Head, HeadSettings};
use super::layers::{BatchNorm, Conv, ConvShape, Layer, Linear};

/// The name of the classifier.
pub(super) const CLASSIFIER: &str = "classifier";

/// One block of table 2 of the paper.
struct Row {
    /// timm's place: stage and block.
    place: (u8, u8),
    kernel: i64,
    inputs: i64,
    /// Channels between the two pointwise convolutions; equal to `inputs` in the first block, which has none
    /// before the depthwise one.
    expanded: i64,
    outputs: i64,
    /// Channels of the squeeze-and-excitation's bottleneck; 0 for none.
    squeezed: i64,
    activation: Activation,
    stride: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activation {
    Relu,
    Hardswish,
}

use Activation::{Hardswish, Relu};

#[rustfmt::skip]
const ROWS: [Row; 11] = [
    Row { place: (0, 0), kernel: 3, inputs: 16, expanded: 16,  outputs: 16, squeezed: 8,   activation: Relu,      stride: 2 },
    Row { place: (1, 0), kernel: 3, inputs: 16, expanded: 72,  outputs: 24, squeezed: 0,   activation: Relu,      stride: 2 },
    Row { place: (1, 1), kernel: 3, inputs: 24, expanded: 88,  outputs: 24, squeezed: 0,   activation: Relu,      stride: 1 },
    Row { place: (2, 0), kernel: 5, inputs: 24, expanded: 96,  outputs: 40, squeezed: 24,  activation: Hardswish, stride: 2 },
    Row { place: (2, 1), kernel: 5, inputs: 40, expanded: 240, outputs: 40, squeezed: 64,  activation: Hardswish, stride: 1 },
    Row { place: (2, 2), kernel: 5, inputs: 40, expanded: 240, outputs: 40, squeezed: 64,  activation: Hardswish, stride: 1 },
    Row { place: (3, 0), kernel: 5, inputs: 40, expanded: 120, outputs: 48, squeezed: 32,  activation: Hardswish, stride: 1 },
    Row { place: (3, 1), kernel: 5, inputs: 48, expanded: 144, outputs: 48, squeezed: 40,  activation: Hardswish, stride: 1 },
    Row { place: (4, 0), kernel: 5, inputs: 48, expanded: 288, outputs: 96, squeezed: 72,  activation: Hardswish, stride: 2 },
    Row { place: (4, 1), kernel: 5, inputs: 96, expanded: 576, outputs: 96, squeezed: 144, activation: Hardswish, stride: 1 },
    Row { place: (4, 2), kernel: 5, inputs: 96, expanded: 576, outputs: 96, squeezed: 144, activation: Hardswish, stride: 1 },
];

/// MobileNetV3-Small.
pub(super) struct MobilenetV3Small {
    stem: ConvNorm,
    blocks: Vec<Block>,
    last: ConvNorm,
    conv_head: Conv,
    head: Head<Linear>,
}

/// Expansion, depthwise convolution, squeeze-and-excitation, projection; a shortcut where shapes allow.
struct Block {
    expand: Option<ConvNorm>,
    depthwise: ConvNorm,
    squeeze: Option<SqueezeExcite>,
    project: ConvNorm,
    activation: Activation,
    has_shortcut: bool,
}

/// A convolution and its batch norm.
struct ConvNorm {
    conv: Conv,
    bn: BatchNorm,
}

/// Weighs channels by what the whole picture says (Hu et al. 2018), with ReLU and hard sigmoid.
struct SqueezeExcite {
    reduce: Conv,
    expand: Conv,
}

impl MobilenetV3Small {
    /// Adds the network to `assembly`.
    pub fn build(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        let stem = ConvNorm::build(assembly, ("conv_stem", "bn1"), ConvShape::new(3, 16, 3, 2))?;
        let blocks = ROWS.iter().map(|row| Block::build(assembly, row)).collect::<Result<_, _>>()?;
        let names = ("blocks.5.0.conv", "blocks.5.0.bn1");
        let last = ConvNorm::build(assembly, names, ConvShape::new(96, 576, 1, 1))?;
        let conv_head = conv(assembly, "conv_head", ConvShape::new(576, 1024, 1, 1).with_bias())?;
        let head = Head::linear(assembly, CLASSIFIER, 1024, head)?;
        Ok(MobilenetV3Small { stem, blocks, last, conv_head, head })
    }
}

impl Body for MobilenetV3Small {
    fn features(&self, images_nchw: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let mut x = self.stem.forward(images_nchw, mode)?.f_hardswish()?;
        for block in &self.blocks {
            x = block.forward(&x, mode)?;
        }
        self.last.forward(&x, mode)?.f_hardswish()
    }

    fn classify(&self, features_nchw: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let pooled = features_nchw.f_adaptive_avg_pool2d([1, 1])?;
        let hidden = self.conv_head.forward(&pooled)?.f_hardswish()?.f_flatten(1, -1)?;
        self.head.forward(&hidden, mode)
    }
}

impl Activation {
    fn forward(self, mut x: Tensor) -> Result<Tensor, TchError> {
        match self {
            Relu => x.f_relu_(),
            Hardswish => x.f_hardswish(),
        }
    }
}

impl Block {
    fn build(assembly: &mut Assembly, row: &Row) -> Result<Self, TchError> {
        let (stage, place) = row.place;
        let name = format!("blocks.{stage}.{place}");
        let name_of = |part: &str| format!("{name}.{part}");
        // timm calls the block without expansion `DepthwiseSeparable`, and counts its batch norms from the
        // depthwise one.
        let is_separable = row.expanded == row.inputs;
        let expand = if is_separable {
            None
        } else {
            let shape = ConvShape::new(row.inputs, row.expanded, 1, 1);
            Some(ConvNorm::build(assembly, (&name_of("conv_pw"), &name_of("bn1")), shape)?)
        };
        let bn = if is_separable { "bn1" } else { "bn2" };
        let shape = ConvShape::depthwise(row.expanded, row.kernel, row.stride);
        let depthwise = ConvNorm::build(assembly, (&name_of("conv_dw"), &name_of(bn)), shape)?;
        let squeeze = match row.squeezed {
            0 => None,
            squeezed => Some(SqueezeExcite::build(assembly, &name_of("se"), row.expanded, squeezed)?),
        };
        let (pw, bn) = if is_separable { ("conv_pw", "bn2") } else { ("conv_pwl", "bn3") };
        let shape = ConvShape::new(row.expanded, row.outputs, 1, 1);
        let project = ConvNorm::build(assembly, (&name_of(pw), &name_of(bn)), shape)?;
        let has_shortcut = row.stride == 1 && row.inputs == row.outputs;
        Ok(Block { expand, depthwise, squeeze, project, activation: row.activation, has_shortcut })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let mut inner = match &self.expand {
            Some(expand) => self.activation.forward(expand.forward(x, mode)?)?,
            None => x.shallow_clone(),
        };
        inner = self.activation.forward(self.depthwise.forward(&inner, mode)?)?;
        if let Some(squeeze) = &self.squeeze {
            inner = squeeze.forward(&inner)?;
        }
        let mut outer = self.project.forward(&inner, mode)?;
        if self.has_shortcut { outer.f_add_(x) } else { Ok(outer) }
    }
}

impl ConvNorm {
    fn build(assembly: &mut Assembly, names: (&str, &str), shape: ConvShape) -> Result<Self, TchError> {
        let conv = conv(assembly, names.0, shape)?;
        Ok(ConvNorm { conv, bn: assembly.batch_norm(names.1, shape.outputs, 1.0)? })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        self.bn.forward(&self.conv.forward(x)?, mode)
    }
}

impl SqueezeExcite {
    fn build(assembly: &mut Assembly, name: &str, channels: i64, squeezed: i64) -> Result<Self, TchError> {
        let shape = ConvShape::new(channels, squeezed, 1, 1).with_bias();
        let reduce = conv(assembly, &format!("{name}.conv_reduce"), shape)?;
        let shape = ConvShape::new(squeezed, channels, 1, 1).with_bias();
        let expand = conv(assembly, &format!("{name}.conv_expand"), shape)?;
        Ok(SqueezeExcite { reduce, expand })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let mean = x.f_mean_dim([2i64, 3].as_slice(), true, None::<Kind>)?;
        let gate = self.expand.forward(&self.reduce.forward(&mean)?.f_relu_()?)?;
        x.f_mul(&gate.f_hardsigmoid()?)
    }
}

fn conv(assembly: &mut Assembly, name: &str, shape: ConvShape) -> Result<Conv, TchError> {
    let fan_out = shape.kernel * shape.kernel * shape.outputs / shape.groups;
    assembly.conv(name, shape, Init::he_normal(fan_out))
}
