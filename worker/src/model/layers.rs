//! Convolutions, norms and linear layers: thin skins over libtorch's operators.
//!
//! Unlike tch's own layers they hand back libtorch's errors instead of panicking: a batch that does not fit
//! into memory is something that the user's settings can cause.

use tch::{Kind, TchError, Tensor};

use super::body::Mode;
use crate::precision::Paused;

/// A layer with weights and no state.
pub(super) trait Layer {
    /// The layer's output for `x`.
    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError>;
}

/// What lies around the input of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// So many rows of zeros above and below, and columns at both sides.
    Zeros([i64; 2]),
    /// TensorFlow's `SAME`: as many zeros as give an output of `ceil(side / stride)`; of an odd number the larger
    /// half lies below and at the right.
    Same,
}

/// The shape of a two-dimensional convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvShape {
    /// Channels of the input.
    pub inputs: i64,
    /// Channels of the output.
    pub outputs: i64,
    /// Rows and columns of the kernel.
    pub kernel: [i64; 2],
    /// Step in pixels.
    pub stride: i64,
    /// What lies around the input.
    pub padding: Padding,
    /// Groups of channels that do not see each other.
    pub groups: i64,
    /// Whether there is a bias.
    pub bias: bool,
}

impl ConvShape {
    /// A square kernel with padding of half its side, one group and no bias.
    pub fn new(inputs: i64, outputs: i64, kernel: i64, stride: i64) -> Self {
        ConvShape::rectangle(inputs, outputs, [kernel; 2], stride)
    }

    /// The same with another number of rows than columns.
    pub fn rectangle(inputs: i64, outputs: i64, kernel: [i64; 2], stride: i64) -> Self {
        let padding = Padding::Zeros(kernel.map(|side| side / 2));
        ConvShape { inputs, outputs, kernel, stride, padding, groups: 1, bias: false }
    }

    /// One group per channel.
    pub fn depthwise(channels: i64, kernel: i64, stride: i64) -> Self {
        ConvShape { groups: channels, ..ConvShape::new(channels, channels, kernel, stride) }
    }

    /// The same with a bias.
    pub fn with_bias(self) -> Self {
        ConvShape { bias: true, ..self }
    }

    /// The same without padding.
    pub fn unpadded(self) -> Self {
        ConvShape { padding: Padding::Zeros([0, 0]), ..self }
    }

    /// Inputs that one output value is made of.
    pub fn fan_in(self) -> i64 {
        self.inputs / self.groups * self.area()
    }

    /// Outputs that one input value goes into, per group.
    pub fn fan_out(self) -> i64 {
        self.outputs / self.groups * self.area()
    }

    fn area(self) -> i64 {
        self.kernel[0] * self.kernel[1]
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
        if self.shape.groups > 1
            && let Some(_paused) = Paused::enter()
        {
            // oneDNN's backward pass of convolutions by groups takes ten times as long in bfloat16 as in 32-bit floats.
            return self.convolve(&x.f_to_kind(Kind::Float)?)?.f_to_kind(Kind::BFloat16);
        }
        self.convolve(x)
    }
}

impl Conv {
    fn convolve(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let ConvShape { kernel, stride, padding, groups, .. } = self.shape;
        let convolve =
            |x: &Tensor, zeros| x.f_conv2d(&self.weight, self.bias.as_ref(), stride, zeros, 1, groups);
        match padding {
            Padding::Zeros(zeros) => convolve(x, zeros),
            Padding::Same => {
                let (_, _, rows, columns) = x.size4()?;
                let [above, below] = same(rows, kernel[0], stride);
                let [left, right] = same(columns, kernel[1], stride);
                if (above, left) == (below, right) {
                    return convolve(x, [above, left]);
                }
                convolve(&x.f_constant_pad_nd([left, right, above, below])?, [0, 0])
            }
        }
    }
}

/// Zeros before and after `side` pixels.
fn same(side: i64, kernel: i64, stride: i64) -> [i64; 2] {
    let outputs = (side + stride - 1) / stride;
    let zeros = ((outputs - 1) * stride + kernel - side).max(0);
    [zeros / 2, zeros - zeros / 2]
}

/// A linear layer on [..., inputs].
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

/// Batch normalisation over [N, H, W] (Ioffe and Szegedy 2015) with PyTorch's momentum of 0.1.
#[derive(Debug)]
pub(super) struct BatchNorm {
    pub weight: Tensor,
    pub bias: Tensor,
    pub running_mean: Tensor,
    pub running_var: Tensor,
    /// Added to the variance.
    pub epsilon: f64,
}

impl BatchNorm {
    /// Normalises `x`, [N, C, H, W], with the batch's statistics where `mode` trains and this layer is not frozen,
    /// and with the running ones elsewhere.
    ///
    /// A batch with one value per channel has no variance (PyTorch refuses it); it is normalised with the
    /// running statistics, which it would otherwise turn into NaN.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let (n, _, h, w) = x.size4()?;
        let train = mode.train && self.weight.requires_grad() && n * h * w > 1;
        x.f_batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            train,
            0.1,
            self.epsilon,
            true,
        )
    }
}

/// A convolution and its batch norm.
#[derive(Debug)]
pub(super) struct ConvNorm {
    pub conv: Conv,
    pub bn: BatchNorm,
}

impl ConvNorm {
    /// Normalised, without activation.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        self.bn.forward(&self.conv.forward(x)?, mode)
    }
}

/// Layer normalisation over channels (Ba, Kiros and Hinton 2016).
#[derive(Debug)]
pub(super) struct LayerNorm {
    pub weight: Tensor,
    pub bias: Tensor,
    /// Added to the variance.
    pub epsilon: f64,
}

impl LayerNorm {
    /// Normalises `x`, [N, H, W, C].
    pub fn nhwc(&self, x: &Tensor) -> Result<Tensor, TchError> {
        x.f_layer_norm(self.weight.size(), Some(&self.weight), Some(&self.bias), self.epsilon, true)
    }

    /// Normalises `x`, [N, C, H, W]; its values come out in the order of [N, H, W, C].
    pub fn nchw(&self, x: &Tensor) -> Result<Tensor, TchError> {
        self.nhwc(&x.f_permute([0, 2, 3, 1])?)?.f_permute([0, 3, 1, 2])
    }
}

/// What stands between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    Relu,
    /// Howard et al. 2019.
    Hardswish,
    /// Also known as swish.
    Silu,
}

impl Activation {
    /// Applied to `x`, whose memory it may use.
    pub fn forward(self, mut x: Tensor) -> Result<Tensor, TchError> {
        match self {
            Activation::Relu => x.f_relu_(),
            Activation::Hardswish => x.f_hardswish(),
            Activation::Silu => x.f_silu(),
        }
    }
}
