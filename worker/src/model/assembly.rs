//! Names, order and initial values of a network's tensors.
//!
//! Tensors are made in the order in which PyTorch's `state_dict` lists them. Initial values are drawn from
//! the run's key by the tensor's name alone: they do not depend on libtorch's generator, on the order of
//! construction, on threads, or on the size of the head.

use ablatrix::seed::Key;
use tch::{Device, TchError, Tensor};

use super::layers::{BatchNorm, Conv, ConvShape, Linear};

/// How a tensor starts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Init {
    /// This value throughout.
    Constant(f64),
    /// Normal with mean 0.
    Normal { std: f64 },
    /// Uniform in plus or minus `bound`.
    Uniform { bound: f64 },
}

impl Init {
    /// The normal of He et al. 2015 that keeps the variance of gradients: `std = sqrt(2 / fan)`.
    pub fn he_normal(fan: i64) -> Self {
        Init::Normal { std: (2.0 / fan as f64).sqrt() }
    }

    /// The uniform distribution of the same variance: `bound = sqrt(6 / fan)`.
    pub fn he_uniform(fan: i64) -> Self {
        Init::Uniform { bound: (6.0 / fan as f64).sqrt() }
    }

    /// What PyTorch gives a linear layer's weights: `bound = 1 / sqrt(fan_in)`.
    pub fn linear(fan_in: i64) -> Self {
        Init::Uniform { bound: 1.0 / (fan_in as f64).sqrt() }
    }

    fn values(self, key: Key, len: usize) -> Vec<f32> {
        let mut draws = key.draws();
        match self {
            Init::Constant(value) => vec![value as f32; len],
            Init::Normal { std } => (0..len).map(|_| (std * draws.normal()) as f32).collect(),
            Init::Uniform { bound } => (0..len).map(|_| draws.range_f64(-bound, bound) as f32).collect(),
        }
    }
}

/// One tensor of a network.
#[derive(Debug)]
pub(super) struct Named {
    /// timm's or torchvision's name.
    pub name: String,
    /// The values; shared with the layer that uses them.
    pub tensor: Tensor,
    /// False for running statistics.
    pub is_parameter: bool,
    /// Number of the convolution or linear layer that it belongs to, counted in forward order.
    pub layer_idx: usize,
}

/// A network in the making.
pub(super) struct Assembly {
    key: Key,
    device: Device,
    layers: usize,
    backbone_layers: usize,
    /// The tensors so far.
    pub tensors: Vec<Named>,
}

impl Assembly {
    /// Begins a network whose initial values come from `key`.
    pub fn new(key: Key, device: Device) -> Self {
        Assembly { key, device, layers: 0, backbone_layers: 0, tensors: Vec::new() }
    }

    /// Says that what follows is the head.
    pub fn begin_head(&mut self) {
        self.backbone_layers = self.layers;
    }

    /// Convolutions and linear layers before the head.
    pub fn backbone_layers(&self) -> usize {
        self.backbone_layers
    }

    /// Adds a convolution; a bias starts at 0.
    pub fn conv(&mut self, name: &str, shape: ConvShape, init: Init) -> Result<Conv, TchError> {
        self.layers += 1;
        let size = [shape.outputs, shape.inputs / shape.groups, shape.kernel, shape.kernel];
        let weight = self.tensor(format!("{name}.weight"), &size, init, true)?;
        let bias = match shape.bias {
            true => Some(self.tensor(format!("{name}.bias"), &[shape.outputs], Init::Constant(0.0), true)?),
            false => None,
        };
        Ok(Conv { shape, weight, bias })
    }

    /// Adds a linear layer; its bias starts at 0.
    pub fn linear(&mut self, name: &str, sizes: (i64, i64), init: Init) -> Result<Linear, TchError> {
        self.layers += 1;
        let (inputs, outputs) = sizes;
        let weight = self.tensor(format!("{name}.weight"), &[outputs, inputs], init, true)?;
        let bias = self.tensor(format!("{name}.bias"), &[outputs], Init::Constant(0.0), true)?;
        Ok(Linear { weight, bias })
    }

    /// Adds the batch norm of the layer that was added last; `gain` is what its weights start at.
    pub fn batch_norm(&mut self, name: &str, channels: i64, gain: f64) -> Result<BatchNorm, TchError> {
        let zeros = Init::Constant(0.0);
        let ones = Init::Constant(1.0);
        Ok(BatchNorm {
            layer_idx: self.layers.saturating_sub(1),
            weight: self.tensor(format!("{name}.weight"), &[channels], Init::Constant(gain), true)?,
            bias: self.tensor(format!("{name}.bias"), &[channels], zeros, true)?,
            running_mean: self.tensor(format!("{name}.running_mean"), &[channels], zeros, false)?,
            running_var: self.tensor(format!("{name}.running_var"), &[channels], ones, false)?,
        })
    }

    fn tensor(
        &mut self,
        name: String,
        size: &[i64],
        init: Init,
        is_parameter: bool,
    ) -> Result<Tensor, TchError> {
        let len = size.iter().product::<i64>() as usize;
        let values = init.values(self.key.child(&name), len);
        let tensor = Tensor::f_from_slice(&values)?.f_reshape(size)?.f_to(self.device)?;
        let layer_idx = self.layers.saturating_sub(1);
        self.tensors.push(Named { name, tensor: tensor.shallow_clone(), is_parameter, layer_idx });
        Ok(tensor)
    }
}
