//! Deletion and insertion (Petsiuk et al., "RISE", 2018): whether a map shows what a model's answer rests on.
//!
//! Deletion takes a picture's pixels away, the strongest of its map first, and puts the normalisation's mean in their place (0
//! for the network); insertion puts them, in the same order, into a blurred copy of the picture. Where the map is right, the
//! label's probability falls early and rises early.

use ablatrix::metrics::attention::{area_under, changed_pixels, strongest_first};
use tch::{Device, Kind, TchError, Tensor};

use crate::failure::JobError;
use crate::model::Network;
use crate::passes::Passes;

/// The blur's deviation and the pixels that it reaches to each side, as in the paper's own code.
const DEVIATION: f64 = 5.0;
const REACH: i64 = 5;

/// The areas under the curves of one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Areas {
    /// The smaller, the better the map.
    pub deletion: Option<f64>,
    /// The larger, the better the map.
    pub insertion: Option<f64>,
}

/// Pictures blurred, [N, 3, H, W]; edge pixels stand for what lies beyond.
///
/// # Errors
/// Libtorch's: memory is out.
pub fn blurred(images_nchw: &Tensor) -> Result<Tensor, TchError> {
    let _no_grad = tch::no_grad_guard();
    let weight = |offset: i64| (-((offset * offset) as f64) / (2.0 * DEVIATION * DEVIATION)).exp();
    let weights: Vec<f64> = (-REACH..=REACH).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    let kernel: Vec<f32> = weights.iter().map(|weight| (weight / sum) as f32).collect();
    let (length, kind, device) = (kernel.len() as i64, images_nchw.kind(), images_nchw.device());
    let kernel = Tensor::f_from_slice(&kernel)?.f_to_kind(kind)?.f_to_device(device)?;
    let down = kernel.f_view([1, 1, length, 1])?.f_repeat([3, 1, 1, 1])?;
    let across = kernel.f_view([1, 1, 1, length])?.f_repeat([3, 1, 1, 1])?;
    let padded = images_nchw.f_contiguous()?.f_replication_pad2d([REACH; 4])?;
    let once = padded.f_conv2d(&down, None::<&Tensor>, 1, [0, 0], 1, 3)?;
    once.f_conv2d(&across, None::<&Tensor>, 1, [0, 0], 1, 3)
}

/// A picture, [1, 3, H, W], its blurred copy, and the probability of the label that it has as it is.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// As the network takes it.
    pub image: &'a Tensor,
    /// Likewise.
    pub blurred: &'a Tensor,
    /// The label's column.
    pub label_idx: usize,
    /// 0 to 1.
    pub probability: f64,
}

/// The areas under both curves of `steps` steps for a map of the picture's size, row by row.
///
/// # Errors
/// Libtorch's: memory is out.
pub fn areas(
    network: &Network,
    subject: Subject<'_>,
    map: &[f32],
    steps: usize,
    passes: &Passes,
) -> Result<Areas, JobError> {
    let _no_grad = tch::no_grad_guard();
    let Subject { image, blurred, probability, .. } = subject;
    let (_, _, rows, columns) = image.size4()?;
    let mut rank = vec![0_i64; map.len()];
    for (place, pixel) in strongest_first(map).into_iter().enumerate() {
        rank[pixel as usize] = place as i64;
    }
    let rank = Tensor::f_from_slice(&rank)?.f_view([1, 1, rows, columns])?.f_to_device(image.device())?;
    let is_changed = |n_pixels: usize| rank.f_lt(n_pixels as i64);
    let mean = image.f_zeros_like()?;
    let changed: Vec<usize> = changed_pixels(map.len(), steps).collect();
    let mut pictures = Vec::with_capacity(2 * steps);
    for &n_pixels in &changed {
        pictures.push(mean.f_where_self(&is_changed(n_pixels)?, image)?);
    }
    // The first picture of insertion has no pixel yet; the last, which has them all, is known.
    for n_pixels in std::iter::once(0).chain(changed).take(steps) {
        pictures.push(image.f_where_self(&is_changed(n_pixels)?, blurred)?);
    }
    let found = probabilities(network, &pictures, subject.label_idx, passes)?;
    let (deletion, insertion) = found.split_at(steps);
    let deletion: Vec<f64> = std::iter::once(probability).chain(deletion.iter().copied()).collect();
    let insertion: Vec<f64> = insertion.iter().copied().chain([probability]).collect();
    Ok(Areas { deletion: area_under(&deletion), insertion: area_under(&insertion) })
}

/// The label's probability in each picture.
fn probabilities(
    network: &Network,
    pictures: &[Tensor],
    label_idx: usize,
    passes: &Passes,
) -> Result<Vec<f64>, JobError> {
    let mut found = Vec::with_capacity(pictures.len());
    passes.run(pictures.len(), |rows| {
        // The layout that the network is fastest in.
        let nhwc = Tensor::f_cat(&pictures[rows], 0)?.f_permute([0, 2, 3, 1])?.f_contiguous()?;
        let logits =
            network.forward_t(&nhwc.f_permute([0, 3, 1, 2])?, false)?.f_select(1, label_idx as i64)?;
        let probabilities = logits.f_to_kind(Kind::Double)?.f_sigmoid()?.f_to_device(Device::Cpu)?;
        found.extend(Vec::<f64>::try_from(probabilities)?);
        Ok(true)
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use ablatrix::spec::settings::{Architecture, Freeze, Model, Normalise, Weights};

    use super::*;

    /// Picture by picture, pixel by pixel.
    #[test]
    fn curves_are_those_of_pictures_that_are_changed_by_hand() {
        const SIDE: usize = 32;
        let model = Model {
            name: Architecture::Squeezenet1_1,
            weights: Weights::None,
            freeze: Freeze::Share(0.0),
            unfreeze_after: 0,
            module: None,
            normalise: Normalise::Auto,
            head: vec![],
            dropout: 0.0,
        };
        let network = Network::new(&model, 3, 1, Device::Cpu).unwrap();
        // A classifier that starts small answers one half to all.
        for (name, tensor) in network.named_state() {
            if name == "classifier.1.weight" {
                let _no_grad = tch::no_grad_guard();
                let _ = tensor.shallow_clone().g_mul_scalar_(30.0);
            }
        }
        let pixels: Vec<f32> = (0..3 * SIDE * SIDE).map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0).collect();
        let tensor = |pixels: &[f32]| Tensor::from_slice(pixels).view([1, 3, SIDE as i64, SIDE as i64]);
        let image = tensor(&pixels);
        let blurred_image = blurred(&image).unwrap();
        let blurred_pixels = Vec::<f32>::try_from(blurred_image.reshape(-1)).unwrap();
        // Strongest at the end.
        let map: Vec<f32> = (0..SIDE * SIDE).map(|i| i as f32).collect();
        let probability = |pixels: &[f32]| {
            let _no_grad = tch::no_grad_guard();
            network.forward_t(&tensor(pixels), false).unwrap().sigmoid().double_value(&[0, 1])
        };
        // With the last `changed` of the pixels from the first of two pictures.
        let mixed = |changed: usize, first: &[f32], second: &[f32]| -> Vec<f32> {
            let is_first = |i: usize| i % (SIDE * SIDE) >= SIDE * SIDE - changed;
            (0..pixels.len()).map(|i| if is_first(i) { first[i] } else { second[i] }).collect()
        };
        let nothing = vec![0.0; pixels.len()];
        let (all, third) = (SIDE * SIDE, SIDE * SIDE / 3);
        let steps = [0, third, 2 * all / 3, all];
        let deletion: Vec<f64> = steps.iter().map(|&n| probability(&mixed(n, &nothing, &pixels))).collect();
        let insertion: Vec<f64> =
            steps.iter().map(|&n| probability(&mixed(n, &pixels, &blurred_pixels))).collect();
        let by_hand = |p: &[f64]| (p[0] / 2.0 + p[1] + p[2] + p[3] / 2.0) / 3.0;

        let subject = Subject {
            image: &image,
            blurred: &blurred_image,
            label_idx: 1,
            probability: probability(&pixels),
        };
        let found = areas(&network, subject, &map, 3, &Passes::new(true)).unwrap();
        for (found, expected) in
            [(found.deletion, by_hand(&deletion)), (found.insertion, by_hand(&insertion))]
        {
            assert!((found.unwrap() - expected).abs() < 1e-6, "{found:?}, expected {expected}");
        }
        assert!((by_hand(&deletion) - by_hand(&insertion)).abs() > 1e-3, "the two can be told apart");
    }

    #[test]
    fn blurring_keeps_what_is_flat_and_spreads_a_point() {
        let flat = Tensor::full([2, 3, 7, 4], 0.75, (Kind::Float, Device::Cpu));
        let difference = (blurred(&flat).unwrap() - &flat).abs().max();
        assert!(f64::try_from(difference).unwrap() < 1e-6);

        let point = Tensor::zeros([1, 3, 31, 31], (Kind::Float, Device::Cpu));
        let _ = point.narrow(2, 15, 1).narrow(3, 15, 1).fill_(1.0);
        let found = blurred(&point).unwrap();
        let at = |y: i64, x: i64| found.double_value(&[0, 1, y, x]);
        assert!((f64::try_from(found.sum(Kind::Double)).unwrap() - 3.0).abs() < 1e-5);
        assert!((at(15, 18) / at(15, 15) - (-9.0f64 / 50.0).exp()).abs() < 1e-5);
        assert_eq!((at(15, 21), at(9, 15)), (0.0, 0.0));
    }
}
