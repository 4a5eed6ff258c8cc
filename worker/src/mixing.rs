//! Mixup and cutmix on the device that the batch is on.

use ablatrix::augment::Mix;
use ablatrix::augment::batch::Patch;
use tch::{Kind, TchError, Tensor};

/// The pictures of a batch, each mixed with the one before it as `layer` says.
///
/// `images_nhwc`: f32 [N, H, W, 3], any scale of values, for a mean commutes with normalisation; `layer`: N entries.
///
/// # Errors
/// Where there is no memory for it.
pub fn mixed(images_nhwc: &Tensor, layer: &[Option<Mix>]) -> Result<Tensor, TchError> {
    let _no_grad = tch::no_grad_guard();
    let rolled = || images_nhwc.f_roll([1], [0]);
    let mut images = images_nhwc.shallow_clone();
    if layer.iter().any(|mix| matches!(mix, Some(Mix::Blend { .. }))) {
        let own = |mix: &Option<Mix>| if let Some(Mix::Blend { own }) = mix { *own } else { 1.0 };
        let own: Vec<f32> = layer.iter().map(own).collect();
        let own_n = Tensor::f_from_slice(&own)?.f_view([-1, 1, 1, 1])?.f_to(images.device())?;
        // Exact at both ends: a row that keeps all of itself keeps its bits.
        images = rolled()?.f_lerp_tensor(&images, &own_n)?;
    }
    if layer.iter().any(|mix| matches!(mix, Some(Mix::Cut { .. }))) {
        images = rolled()?.f_where_self(&inside(layer, images_nhwc)?, &images)?;
    }
    Ok(images)
}

/// Which pixels come from the partner: bool [N, H, W, 1].
fn inside(layer: &[Option<Mix>], images_nhwc: &Tensor) -> Result<Tensor, TchError> {
    let (_, height, width, _) = images_nhwc.size4()?;
    let none = Patch { left: 0, top: 0, right: 0, bottom: 0 };
    let patch = |mix: &Option<Mix>| {
        mix.as_ref().and_then(|mix| mix.patch(width as usize, height as usize)).unwrap_or(none)
    };
    let patches: Vec<Patch> = layer.iter().map(patch).collect();
    let device = images_nhwc.device();
    let within = |low: &dyn Fn(&Patch) -> usize, high: &dyn Fn(&Patch) -> usize, length: i64| {
        let bound = |of: &dyn Fn(&Patch) -> usize| {
            let values: Vec<i64> = patches.iter().map(|patch| of(patch) as i64).collect();
            Tensor::f_from_slice(&values)?.f_view([-1, 1])?.f_to(device)
        };
        let places = Tensor::f_arange(length, (Kind::Int64, device))?;
        places.f_ge_tensor(&bound(low)?)?.f_logical_and(&places.f_lt_tensor(&bound(high)?)?)
    };
    let columns_nw = within(&|patch| patch.left, &|patch| patch.right, width)?;
    let rows_nh = within(&|patch| patch.top, &|patch| patch.bottom, height)?;
    rows_nh.f_view([-1, height, 1, 1])?.f_logical_and(&columns_nw.f_view([-1, 1, width, 1])?)
}

#[cfg(test)]
mod tests {
    use ablatrix::augment::batch::mix_pictures;
    use ablatrix::pixels::RgbImage;

    use super::*;

    /// On the device as in memory, but for the rounding to levels.
    #[test]
    fn tensors_are_mixed_as_pictures_are() {
        let (width, height) = (9, 7);
        let mut pictures: Vec<RgbImage> = (0..5usize)
            .map(|i| {
                let data = (0..width * height * 3).map(|j| (i * 83 + j * (i + 3)) as u8).collect();
                RgbImage { width, height, data }
            })
            .collect();
        let layer = [
            Some(Mix::Blend { own: 0.3 }),
            Some(Mix::Cut { own: 0.5, centre: [0.9, 0.2] }),
            None,
            Some(Mix::Smooth { smoothing: 0.1 }),
            Some(Mix::Cut { own: 0.0, centre: [0.5, 0.5] }),
        ];
        let bytes: Vec<u8> = pictures.iter().flat_map(|picture| picture.data.clone()).collect();
        let images = Tensor::from_data_size(&bytes, &[5, height as i64, width as i64, 3], Kind::Uint8);
        let found = mixed(&images.to_kind(Kind::Float), &layer).unwrap();
        assert_eq!(found.size(), [5, 7, 9, 3]);
        mix_pictures(&layer, &mut pictures);
        let found = Vec::<f32>::try_from(found.reshape(-1)).unwrap();
        let expected: Vec<u8> = pictures.into_iter().flat_map(|picture| picture.data).collect();
        assert_eq!(found.len(), expected.len());
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!((found - f32::from(*expected)).abs() <= 0.5 + 1e-4, "{i}: {found}, expected {expected}");
        }
        assert_ne!(bytes, expected);
        let row = width * height * 3;
        for kept in [2, 3] {
            let kept = kept * row..(kept + 1) * row;
            assert!(found[kept.clone()].iter().zip(&bytes[kept]).all(|(f, b)| *f == f32::from(*b)));
        }
    }

    #[test]
    fn a_row_that_keeps_all_keeps_its_bits_and_one_that_keeps_nothing_is_its_partner() {
        let images = Tensor::from_slice(&[0.1f32, 0.7, 0.3]).view([3, 1, 1, 1]);
        let layer = [Some(Mix::Blend { own: 1.0 }), Some(Mix::Blend { own: 0.0 }), None];
        let found = Vec::<f32>::try_from(mixed(&images, &layer).unwrap().reshape(-1)).unwrap();
        assert_eq!(found, [0.1, 0.1, 0.3]);
    }
}
