//! Convolution, batch norm and linear layers: thin skins over libtorch's operators.
//!
//! Unlike tch's own layers they hand back libtorch's errors instead of panicking: a batch that does not fit
//! into memory is something that the user's settings can cause.

use tch::{TchError, Tensor};

use super::body::Mode;

/// A layer with weights and no state.
pub(super) trait Layer {
    /// The layer's output for `x`.
    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError>;
}

/// The shape of a two-dimensional convolution with square kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvShape {
    /// Channels of the input.
    pub inputs: i64,
    /// Channels of the output.
    pub outputs: i64,
    /// Side of the kernel in pixels.
    pub kernel: i64,
    /// Step in pixels.
    pub stride: i64,
    /// Rows and columns of zeros around the input.
    pub padding: i64,
    /// Groups of channels that do not see each other.
    pub groups: i64,
    /// Whether there is a bias.
    pub bias: bool,
}

impl ConvShape {
    /// A convolution with padding of half its kernel, one group and no bias.
    pub fn new(inputs: i64, outputs: i64, kernel: i64, stride: i64) -> Self {
        ConvShape { inputs, outputs, kernel, stride, padding: kernel / 2, groups: 1, bias: false }
    }

    /// One group per channel.
    pub fn depthwise(channels: i64, kernel: i64, stride: i64) -> Self {
        ConvShape { groups: channels, ..ConvShape::new(channels, channels, kernel, stride) }
    }

    /// The same with a bias.
    pub fn with_bias(self) -> Self {
        ConvShape { bias: true, ..self }
    }

    /// Inputs that one output value is made of.
    pub fn fan_in(self) -> i64 {
        self.inputs / self.groups * self.kernel * self.kernel
    }
}

/// A two-dimensional convolution.
#[derive(Debug)]
pub(super) struct Conv {
    pub shape: ConvShape,
    pub weight: Tensor,
    pub bias: Option<Tensor>,
}

impl Layer for Conv {
    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let ConvShape { stride, padding, groups, .. } = self.shape;
        x.f_conv2d(&self.weight, self.bias.as_ref(), stride, padding, 1, groups)
    }
}

/// A linear layer on [N, inputs].
#[derive(Debug)]
pub(super) struct Linear {
    pub weight: Tensor,
    pub bias: Tensor,
}

impl Layer for Linear {
    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        x.f_linear(&self.weight, Some(&self.bias))
    }
}

/// Batch normalisation over [N, H, W] (Ioffe and Szegedy 2015), PyTorch's epsilon 1e-5 and momentum 0.1.
#[derive(Debug)]
pub(super) struct BatchNorm {
    /// Number of the convolution that it belongs to, counted in forward order.
    pub layer_idx: usize,
    pub weight: Tensor,
    pub bias: Tensor,
    pub running_mean: Tensor,
    pub running_var: Tensor,
}

impl BatchNorm {
    /// Normalises `x`, [N, C, H, W], with the batch's statistics where `mode` trains this layer and with the
    /// running ones elsewhere.
    ///
    /// A batch with one value per channel has no variance (PyTorch refuses it); it is normalised with the
    /// running statistics, which it would otherwise turn into NaN.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let (n, _, h, w) = x.size4()?;
        let train = mode.train && self.layer_idx >= mode.frozen_layers && n * h * w > 1;
        x.f_batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            train,
            0.1,
            1e-5,
            true,
        )
    }
}
