//! The blocks that MobileNetV3 and the EfficientNets are made of, under timm's names.
//!
//! ```text
//! Plain      convolution                                                     ConvBnAct
//! Separable  depthwise, (squeeze), projection                                DepthwiseSeparableConv
//! Fused      convolution to many channels, (squeeze), projection             EdgeResidual
//! Inverted   pointwise to many channels, depthwise, (squeeze), projection    InvertedResidual
//! ```
//! All convolutions but the projection are followed by the activation; a shortcut leads around the block where
//! shapes allow (Sandler et al. 2018).

use tch::{Kind, TchError, Tensor};

use super::assembly::{Assembly, Init, Norm};
use super::body::Mode;
use super::layers::{Activation, Conv, ConvNorm, ConvShape, Layer, Padding};

/// What stands in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Separable,
    Fused,
    Inverted,
}

/// One block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub form: Form,
    /// Side of the kernel that is not pointwise, in pixels.
    pub kernel: i64,
    /// Step of that kernel in pixels.
    pub stride: i64,
    pub inputs: i64,
    /// Channels inside.
    pub expanded: i64,
    pub outputs: i64,
    /// Channels of the squeeze-and-excitation's bottleneck; 0 for none.
    pub squeezed: i64,
    pub activation: Activation,
}

/// What the blocks of a network have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub norm: Norm,
    /// Whether convolutions pad as TensorFlow's do.
    pub is_same: bool,
    pub squeeze: SqueezeStyle,
}

/// The functions of a squeeze-and-excitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SqueezeStyle {
    /// ReLU and hard sigmoid.
    Hard,
    /// SiLU and sigmoid.
    Smooth,
}

impl Style {
    /// Adds a convolution, He-normal by fan-out, and its batch norm.
    pub fn conv_norm(
        self,
        assembly: &mut Assembly,
        (name, norm): (&str, &str),
        shape: ConvShape,
    ) -> Result<ConvNorm, TchError> {
        let padding = if self.is_same { Padding::Same } else { shape.padding };
        let conv = conv(assembly, name, ConvShape { padding, ..shape })?;
        Ok(ConvNorm { conv, bn: assembly.batch_norm(norm, shape.outputs, self.norm)? })
    }
}

/// One block with its weights.
#[derive(Debug)]
pub(super) struct Block {
    /// Each followed by the activation.
    inner: Vec<ConvNorm>,
    squeeze: Option<SqueezeExcite>,
    project: Option<ConvNorm>,
    activation: Activation,
    has_shortcut: bool,
}

impl Block {
    /// Adds the block `name` to `assembly`.
    pub fn build(assembly: &mut Assembly, name: &str, row: &Row, style: Style) -> Result<Self, TchError> {
        let add = |assembly: &mut Assembly, conv: &str, norm: &str, shape| {
            style.conv_norm(assembly, (&format!("{name}.{conv}"), &format!("{name}.{norm}")), shape)
        };
        let &Row { form, kernel, stride, inputs, expanded, outputs, squeezed, activation } = row;
        let mut inner = Vec::new();
        match form {
            Form::Plain => {
                let shape = ConvShape::new(inputs, outputs, kernel, stride);
                inner.push(add(assembly, "conv", "bn1", shape)?);
            }
            Form::Separable => {
                inner.push(add(assembly, "conv_dw", "bn1", ConvShape::depthwise(inputs, kernel, stride))?);
            }
            Form::Fused => {
                let shape = ConvShape::new(inputs, expanded, kernel, stride);
                inner.push(add(assembly, "conv_exp", "bn1", shape)?);
            }
            Form::Inverted => {
                inner.push(add(assembly, "conv_pw", "bn1", ConvShape::new(inputs, expanded, 1, 1))?);
                inner.push(add(assembly, "conv_dw", "bn2", ConvShape::depthwise(expanded, kernel, stride))?);
            }
        }
        let squeeze = match squeezed {
            0 => None,
            _ => Some(SqueezeExcite::build(
                assembly,
                &format!("{name}.se"),
                expanded,
                squeezed,
                style.squeeze,
            )?),
        };
        let last = match form {
            Form::Plain => None,
            Form::Separable => Some(("conv_pw", "bn2")),
            Form::Fused => Some(("conv_pwl", "bn2")),
            Form::Inverted => Some(("conv_pwl", "bn3")),
        };
        let project = match last {
            None => None,
            Some((conv, norm)) => Some(add(assembly, conv, norm, ConvShape::new(expanded, outputs, 1, 1))?),
        };
        let has_shortcut = stride == 1 && inputs == outputs;
        Ok(Block { inner, squeeze, project, activation, has_shortcut })
    }

    /// The block's output for `x`.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let mut inner = x.shallow_clone();
        for conv in &self.inner {
            inner = self.activation.forward(conv.forward(&inner, mode)?)?;
        }
        if let Some(squeeze) = &self.squeeze {
            inner = squeeze.forward(&inner)?;
        }
        match &self.project {
            Some(project) => {
                let mut outer = project.forward(&inner, mode)?;
                if self.has_shortcut { outer.f_add_(x) } else { Ok(outer) }
            }
            // The activation's output is kept for its gradient.
            None if self.has_shortcut => inner.f_add(x),
            None => Ok(inner),
        }
    }
}

/// Weighs channels by what the whole picture says (Hu et al. 2018).
#[derive(Debug)]
struct SqueezeExcite {
    reduce: Conv,
    expand: Conv,
    style: SqueezeStyle,
}

impl SqueezeExcite {
    fn build(
        assembly: &mut Assembly,
        name: &str,
        channels: i64,
        squeezed: i64,
        style: SqueezeStyle,
    ) -> Result<Self, TchError> {
        let shape = ConvShape::new(channels, squeezed, 1, 1).with_bias();
        let reduce = conv(assembly, &format!("{name}.conv_reduce"), shape)?;
        let shape = ConvShape::new(squeezed, channels, 1, 1).with_bias();
        let expand = conv(assembly, &format!("{name}.conv_expand"), shape)?;
        Ok(SqueezeExcite { reduce, expand, style })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let mean = x.f_mean_dim([2i64, 3].as_slice(), true, None::<Kind>)?;
        let mut reduced = self.reduce.forward(&mean)?;
        let gate = match self.style {
            SqueezeStyle::Hard => self.expand.forward(&reduced.f_relu_()?)?.f_hardsigmoid()?,
            SqueezeStyle::Smooth => self.expand.forward(&reduced.f_silu()?)?.f_sigmoid()?,
        };
        x.f_mul(&gate)
    }
}

/// Adds a convolution, He-normal by its fan-out per group, as timm starts these networks; a bias starts at 0.
pub(super) fn conv(assembly: &mut Assembly, name: &str, shape: ConvShape) -> Result<Conv, TchError> {
    assembly.conv(name, shape, Init::he_normal(shape.fan_out()))
}
