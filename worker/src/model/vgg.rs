//! VGG-16 (Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014,
//! configuration D, without batch norm) under timm's names (`vgg16`).
//!
//! The two layers of 4,096 before the classifier are convolutions, as in timm: a map of less than 7 x 7 is stretched
//! to that size, on a larger one they give a map, which is averaged. They count as backbone: a weights file brings
//! them, whatever the number of labels. Dropout stands before the layers of the head alone.
//!
//! Initial values as timm's: He-normal by fan-out, biases 0.

use tch::{TchError, Tensor};

use super::assembly::{Assembly, Init};
use super::body::{Body, Mode};
use super::head::{Head, HeadSettings};
use super::layers::{Conv, ConvShape, Layer, Linear};
use super::tap::Tap;

/// The name of the classifier.
pub(super) const CLASSIFIER: &str = "head.fc";

/// Channels and convolutions of each stage; behind each the map is halved.
const STAGES: [(i64, u32); 5] = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];

/// Side of the map that the layers before the classifier want.
const LEAST_SIDE: i64 = 7;
const WIDE: i64 = 4096;

/// VGG-16.
pub(super) struct Vgg16 {
    /// Each convolution with its name.
    stages: Vec<Vec<(String, Conv)>>,
    wide: [Conv; 2],
    head: Head<Linear>,
}

impl Vgg16 {
    /// Adds the network to `assembly`.
    pub fn build(assembly: &mut Assembly, head: HeadSettings<'_>) -> Result<Self, TchError> {
        let mut stages = Vec::with_capacity(STAGES.len());
        let (mut place, mut inputs) = (0, 3);
        for (channels, n) in STAGES {
            let mut stage = Vec::new();
            for _ in 0..n {
                let shape = ConvShape::new(inputs, channels, 3, 1);
                let name = format!("features.{place}");
                let conv = conv(assembly, &name, shape)?;
                stage.push((name, conv));
                // timm counts the ReLU behind each, and the pooling behind each stage.
                (place, inputs) = (place + 2, channels);
            }
            place += 1;
            stages.push(stage);
        }
        let shape = ConvShape::new(inputs, WIDE, LEAST_SIDE, 1).unpadded();
        let wide = [
            conv(assembly, "pre_logits.fc1", shape)?,
            conv(assembly, "pre_logits.fc2", ConvShape::new(WIDE, WIDE, 1, 1))?,
        ];
        let head = Head::linear(assembly, CLASSIFIER, WIDE, head)?;
        Ok(Vgg16 { stages, wide, head })
    }
}

impl Body for Vgg16 {
    fn features(&self, images_nchw: &Tensor, _: Mode, tap: &Tap<'_>) -> Result<Tensor, TchError> {
        let mut x = images_nchw.shallow_clone();
        for stage in &self.stages {
            for (name, conv) in stage {
                x = tap.pass(name, conv.forward(&x)?.f_relu_()?)?;
            }
            x = x.f_max_pool2d(2, 2, 0, 1, false)?;
        }
        Ok(x)
    }

    fn classify(&self, features_nchw: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let (_, _, rows, columns) = features_nchw.size4()?;
        let mut x = features_nchw.shallow_clone();
        if rows < LEAST_SIDE || columns < LEAST_SIDE {
            x = x.f_adaptive_avg_pool2d([rows.max(LEAST_SIDE), columns.max(LEAST_SIDE)])?;
        }
        for conv in &self.wide {
            x = conv.forward(&x)?.f_relu_()?;
        }
        let pooled = x.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?;
        self.head.forward(&pooled, mode)
    }
}

fn conv(assembly: &mut Assembly, name: &str, shape: ConvShape) -> Result<Conv, TchError> {
    assembly.conv(name, shape.with_bias(), Init::he_normal(shape.fan_out()))
}
