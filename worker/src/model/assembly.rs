//! Names, order and initial values of a network's tensors.
//!
//! Tensors are made in the order in which PyTorch's `state_dict` lists them. Initial values are drawn from
//! the run's key by the tensor's name alone: they do not depend on libtorch's generator, on the order of
//! construction, on threads, or on the size of the head.

use ablatrix::seed::Key;
use tch::{Device, TchError, Tensor};

use super::layers::{BatchNorm, Conv, ConvShape, LayerNorm, Linear};

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

/// How a batch norm starts, and what keeps it from dividing by 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Norm {
    /// The value of its weights.
    pub gain: f64,
    /// Added to the variance.
    pub epsilon: f64,
}

impl Norm {
    /// PyTorch's default.
    pub const TORCH: Norm = Norm { gain: 1.0, epsilon: 1e-5 };
    /// That of networks that come from TensorFlow.
    pub const TENSORFLOW: Norm = Norm { gain: 1.0, epsilon: 1e-3 };
}

/// Which convolution or linear layer a tensor is counted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// The one that was added last.
    Last,
    /// The one that is added next.
    Next,
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
    /// Whether it is a norm's.
    pub is_norm: bool,
    /// Number of the convolution or linear layer that it belongs to, counted in forward order.
    pub layer_idx: usize,
}

/// A tensor of a network that was made elsewhere, in the order of its `state_dict`.
#[derive(Debug)]
pub(super) struct Adopted {
    pub name: String,
    pub tensor: Tensor,
    pub is_parameter: bool,
    pub is_norm: bool,
    /// Whether it is the weight of another convolution or linear layer than the one before.
    pub begins_layer: bool,
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
        let size = [shape.outputs, shape.inputs / shape.groups, shape.kernel[0], shape.kernel[1]];
        let weight = self.weight(format!("{name}.weight"), &size, init)?;
        let bias = match shape.bias {
            true => Some(self.weight(format!("{name}.bias"), &[shape.outputs], Init::Constant(0.0))?),
            false => None,
        };
        Ok(Conv { shape, weight, bias })
    }

    /// Adds a linear layer; its bias starts at 0.
    pub fn linear(&mut self, name: &str, sizes: (i64, i64), init: Init) -> Result<Linear, TchError> {
        self.layers += 1;
        let (inputs, outputs) = sizes;
        let weight = self.weight(format!("{name}.weight"), &[outputs, inputs], init)?;
        let bias = self.weight(format!("{name}.bias"), &[outputs], Init::Constant(0.0))?;
        Ok(Linear { weight, bias })
    }

    /// Adds the batch norm of the layer that was added last.
    pub fn batch_norm(&mut self, name: &str, channels: i64, norm: Norm) -> Result<BatchNorm, TchError> {
        let mut add = |part: &str, value, is_parameter| {
            let role = Role { of: Of::Last, is_parameter, is_norm: true };
            self.add(format!("{name}.{part}"), &[channels], Init::Constant(value), role)
        };
        Ok(BatchNorm {
            weight: add("weight", norm.gain, true)?,
            bias: add("bias", 0.0, true)?,
            running_mean: add("running_mean", 0.0, false)?,
            running_var: add("running_var", 1.0, false)?,
            epsilon: norm.epsilon,
        })
    }

    /// Adds a layer norm with timm's epsilon of 1e-6.
    pub fn layer_norm(&mut self, name: &str, channels: i64, of: Of) -> Result<LayerNorm, TchError> {
        let mut add = |part: &str, value| {
            let role = Role { of, is_parameter: true, is_norm: true };
            self.add(format!("{name}.{part}"), &[channels], Init::Constant(value), role)
        };
        Ok(LayerNorm { weight: add("weight", 1.0)?, bias: add("bias", 0.0)?, epsilon: 1e-6 })
    }

    /// Adds a factor per channel of the layers that follow.
    pub fn scale(&mut self, name: &str, channels: i64, value: f64) -> Result<Tensor, TchError> {
        let role = Role { of: Of::Next, is_parameter: true, is_norm: false };
        self.add(name.to_owned(), &[channels], Init::Constant(value), role)
    }

    /// Adds a tensor that is there already.
    pub fn adopt(&mut self, adopted: Adopted) {
        let Adopted { name, tensor, is_parameter, is_norm, begins_layer } = adopted;
        self.layers += usize::from(begins_layer);
        let layer_idx = self.layers.saturating_sub(1);
        self.tensors.push(Named { name, tensor, is_parameter, is_norm, layer_idx });
    }

    /// Adds a weight or bias of the layer that was added last.
    fn weight(&mut self, name: String, size: &[i64], init: Init) -> Result<Tensor, TchError> {
        self.add(name, size, init, Role { of: Of::Last, is_parameter: true, is_norm: false })
    }

    fn add(&mut self, name: String, size: &[i64], init: Init, role: Role) -> Result<Tensor, TchError> {
        let len = size.iter().product::<i64>() as usize;
        let values = init.values(self.key.child(&name), len);
        let tensor = Tensor::f_from_slice(&values)?.f_reshape(size)?.f_to(self.device)?;
        let Role { of, is_parameter, is_norm } = role;
        let layer_idx = match of {
            Of::Last => self.layers.saturating_sub(1),
            Of::Next => self.layers,
        };
        self.tensors.push(Named { name, tensor: tensor.shallow_clone(), is_parameter, is_norm, layer_idx });
        Ok(tensor)
    }
}

/// What a tensor is.
#[derive(Clone, Copy, Debug)]
struct Role {
    of: Of,
    is_parameter: bool,
    is_norm: bool,
}
