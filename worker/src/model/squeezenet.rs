//! SqueezeNet 1.1 (Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016)
//! under torchvision's names (`squeezenet1_1`).
//!
//! One step is left out on purpose: torchvision cuts the classifier's map at 0 (ReLU) before it is averaged.
//! Logits would never be negative then, and scores never below one half, which no label that is mostly
//! absent can be fitted with. Without the cut the same weights give a signed logit.
//!
//! Initial values as torchvision's: He-uniform by fan-in, the classifier normal with 0.01, biases 0.

use tch::{Kind, TchError, Tensor};

use super::assembly::{Assembly, Init};
use super::body::{Body, Mode};
use super::head::{Head, HeadSettings};
use super::layers::{Conv, ConvShape, Layer};
use super::tap::Tap;

/// The name of the classifier.
pub(super) const CLASSIFIER: &str = "classifier.1";

/// torchvision's place in `features`, input channels, squeezed channels, and channels of each expansion.
const FIRES: [(u8, i64, i64, i64); 8] = [
    (3, 64, 16, 64),
    (4, 128, 16, 64),
    (6, 128, 32, 128),
    (7, 256, 32, 128),
    (9, 256, 48, 192),
    (10, 384, 48, 192),
    (11, 384, 64, 256),
    (12, 512, 64, 256),
];

/// The fires before which the map is halved.
const POOLED_BEFORE: [u8; 3] = [3, 6, 9];

/// SqueezeNet 1.1.
pub(super) struct Squeezenet1_1 {
    stem: Conv,
    fires: Vec<Fire>,
    head: Head<Conv>,
}

/// A pointwise convolution to few channels, then two beside each other to many.
struct Fire {
    name: String,
    pooled_before: bool,
    squeeze: Conv,
    expand1x1: Conv,
    expand3x3: Conv,
}

impl Squeezenet1_1 {
    /// Adds the network to `assembly`.
    pub fn build(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        let stem = conv(assembly, "features.0", ConvShape::new(3, 64, 3, 2).unpadded())?;
        let fires = FIRES.iter().map(|&row| Fire::build(assembly, row)).collect::<Result<_, _>>()?;
        assembly.begin_head();
        let head = Head::build(CLASSIFIER, 512, head, |name, (inputs, outputs), is_classifier| {
            let init = if is_classifier { Init::Normal { std: 0.01 } } else { Init::he_uniform(inputs) };
            assembly.conv(name, ConvShape::new(inputs, outputs, 1, 1).with_bias(), init)
        })?;
        Ok(Squeezenet1_1 { stem, fires, head })
    }
}

impl Body for Squeezenet1_1 {
    fn features(&self, images_nchw: &Tensor, _: Mode, tap: &Tap<'_>) -> Result<Tensor, TchError> {
        let mut x = tap.pass("features.0", self.stem.forward(images_nchw)?.f_relu_()?)?;
        for fire in &self.fires {
            if fire.pooled_before {
                x = x.f_max_pool2d(3, 2, 0, 1, true)?;
            }
            x = tap.pass(&fire.name, fire.forward(&x)?)?;
        }
        Ok(x)
    }

    fn classify(&self, features_nchw: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let map_nlhw = self.head.forward(features_nchw, mode)?;
        map_nlhw.f_mean_dim([2i64, 3].as_slice(), false, None::<Kind>)
    }
}

impl Fire {
    fn build(assembly: &mut Assembly, row: (u8, i64, i64, i64)) -> Result<Self, TchError> {
        let (place, inputs, squeezed, expanded) = row;
        let name = format!("features.{place}");
        Ok(Fire {
            pooled_before: POOLED_BEFORE.contains(&place),
            squeeze: conv(assembly, &format!("{name}.squeeze"), ConvShape::new(inputs, squeezed, 1, 1))?,
            expand1x1: conv(
                assembly,
                &format!("{name}.expand1x1"),
                ConvShape::new(squeezed, expanded, 1, 1),
            )?,
            expand3x3: conv(
                assembly,
                &format!("{name}.expand3x3"),
                ConvShape::new(squeezed, expanded, 3, 1),
            )?,
            name,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let x = self.squeeze.forward(x)?.f_relu_()?;
        let near = self.expand1x1.forward(&x)?.f_relu_()?;
        let wide = self.expand3x3.forward(&x)?.f_relu_()?;
        Tensor::f_cat(&[near, wide], 1)
    }
}

fn conv(assembly: &mut Assembly, name: &str, shape: ConvShape) -> Result<Conv, TchError> {
    assembly.conv(name, shape.with_bias(), Init::he_uniform(shape.fan_in()))
}
