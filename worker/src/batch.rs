//! A batch: packed bytes in memory, then tensors on the device.

use ablatrix::augment::Layer;
use ablatrix::augment::batch::mix_targets;
use ablatrix::pixels::normalise;
use tch::{Device, Kind, TchError, Tensor};

use crate::inputs::Examples;
use crate::mixing;
use crate::model::Normalisation;

/// Pictures and targets of N rows, one after the other. Its buffers are used again from batch to batch.
#[derive(Debug, Default)]
pub struct Batch {
    /// uint8 [N, side, side, 3].
    pub pixels: Vec<u8>,
    /// [N, L], 0 or 1; between them where rows are mixed or targets smoothed.
    pub targets: Vec<f32>,
    /// [N].
    pub weights: Vec<f32>,
    /// What the rows' pictures still take from each other; their targets and weights did already.
    pub layers: Vec<Layer>,
}

impl Batch {
    /// Takes out all rows.
    pub fn clear(&mut self) {
        self.pixels.clear();
        self.targets.clear();
        self.weights.clear();
        self.layers.clear();
    }

    /// N.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Adds a row.
    pub fn push(&mut self, picture: &[u8], targets: &[bool], weight: f32) {
        self.pixels.extend_from_slice(picture);
        self.targets.extend(targets.iter().map(|&positive| f32::from(u8::from(positive))));
        self.weights.push(weight);
    }

    /// Mixes the rows, once all are there: the targets at once, the pictures of `side` x `side` pixels on the device.
    pub fn mix(&mut self, layers: Vec<Layer>, side: usize) {
        for layer in &layers {
            mix_targets(layer, side, &mut self.targets, &mut self.weights);
        }
        self.layers = layers;
    }

    /// Adds the picture of an image of the split as it is.
    pub fn push_plain(&mut self, examples: &Examples, image_id: i64) {
        self.push(examples.picture(image_id), examples.targets(image_id), 1.0);
    }
}

/// Brings batches to a device in the form that a network wants.
#[derive(Debug)]
pub struct Uploader {
    device: Device,
    side: i64,
    /// By channel: `value x scale + shift` is `(value / 255 - mean) / std`.
    scale: [f32; 3],
    shift: [f32; 3],
}

impl Uploader {
    /// For pictures of this side.
    pub fn new(device: Device, side: usize, normalisation: Normalisation) -> Self {
        let Normalisation { mean, std } = normalisation;
        let scale = std::array::from_fn(|c| (1.0 / (255.0 * f64::from(std[c]))) as f32);
        let shift = std::array::from_fn(|c| (-f64::from(mean[c]) / f64::from(std[c])) as f32);
        Uploader { device, side: side as i64, scale, shift }
    }

    /// Normalised f32 pictures, [N, 3, side, side] with NHWC strides: the faster layout on the CPU, and the
    /// convolutions keep it throughout the network.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn images(&self, batch: &Batch) -> Result<Tensor, TchError> {
        let _no_grad = tch::no_grad_guard();
        let size = [batch.len() as i64, self.side, self.side, 3];
        let mut images_nhwc = match self.device {
            Device::Cpu => self.normalised_here(&batch.pixels, &size)?,
            _ => self.normalised_there(&batch.pixels, &size)?,
        };
        for layer in &batch.layers {
            images_nhwc = mixing::mixed(&images_nhwc, layer)?;
        }
        images_nhwc.f_permute([0, 3, 1, 2])
    }

    /// In one pass over the pixels; libtorch's own operations make three.
    fn normalised_here(&self, pixels: &[u8], size: &[i64]) -> Result<Tensor, TchError> {
        let images = Tensor::f_empty(size, (Kind::Float, Device::Cpu))?;
        assert_eq!(images.numel(), pixels.len(), "bug: a batch of other pictures");
        // SAFETY: the tensor is new, contiguous, on the CPU, and holds as many 32-bit floats; nobody else has it. Floats
        // may have any bits, and each is written before it is read.
        let floats = unsafe { std::slice::from_raw_parts_mut(images.data_ptr().cast::<f32>(), pixels.len()) };
        normalise(pixels, self.scale, self.shift, floats);
        Ok(images)
    }

    /// On the device: a fourth of the bytes go there.
    fn normalised_there(&self, pixels: &[u8], size: &[i64]) -> Result<Tensor, TchError> {
        let bytes = Tensor::f_from_data_size(pixels, size, Kind::Uint8)?;
        let channels = |values: &[f32; 3]| Tensor::f_from_slice(values)?.f_to(self.device);
        // From pinned memory the GPU takes them by itself, while this thread goes on. Libtorch keeps the memory until then.
        let bytes = if self.device.is_cuda() { bytes.f_pin_memory(self.device)? } else { bytes };
        let there = bytes.f_to_device_(self.device, Kind::Uint8, true, false)?;
        let mut images = there.f_to_kind(Kind::Float)?;
        images.f_mul_(&channels(&self.scale)?)?.f_add_(&channels(&self.shift)?)
    }

    /// f32 [N, L].
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn targets(&self, batch: &Batch) -> Result<Tensor, TchError> {
        Tensor::f_from_slice(&batch.targets)?.f_view([batch.len() as i64, -1])?.f_to(self.device)
    }

    /// f32 [N, 1]; `None` where all are 1.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn weights(&self, batch: &Batch) -> Result<Option<Tensor>, TchError> {
        if batch.weights.iter().all(|&weight| weight == 1.0) {
            return Ok(None);
        }
        let weights = Tensor::f_from_slice(&batch.weights)?.f_view([-1, 1])?.f_to(self.device)?;
        Ok(Some(weights))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_normalised_and_keep_their_layout() {
        let normalisation = Normalisation { mean: [0.5, 0.25, 0.0], std: [0.5, 0.5, 1.0] };
        let uploader = Uploader::new(Device::Cpu, 2, normalisation);
        let mut batch = Batch::default();
        batch.push(&[0, 0, 0, 255, 255, 255, 51, 51, 51, 102, 102, 102], &[true, false], 2.0);
        let images = uploader.images(&batch).unwrap();
        assert_eq!((images.size(), images.stride()), (vec![1, 3, 2, 2], vec![12, 1, 6, 3]));
        let at = |c, y, x| images.double_value(&[0, c, y, x]);
        for (found, expected) in [
            (at(0, 0, 0), -1.0),
            (at(0, 0, 1), 1.0),
            (at(1, 0, 0), -0.5),
            (at(1, 1, 0), -0.1),
            (at(2, 1, 1), 0.4),
        ] {
            assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
        }
        // Both ways give the same bits.
        let size = [1, 2, 2, 3];
        let there = uploader.normalised_there(&batch.pixels, &size).unwrap();
        assert!(there.equal(&uploader.normalised_here(&batch.pixels, &size).unwrap()));
        assert_eq!(uploader.targets(&batch).unwrap().size(), [1, 2]);
        assert_eq!(uploader.weights(&batch).unwrap().map(|weights| weights.size()), Some(vec![1, 1]));
    }
}
