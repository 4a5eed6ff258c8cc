//! Maps to the side of their picture, from 0 to 1.

use tch::{Device, Kind, TchError, Tensor};

/// Added to the maximum before it is divided by; pytorch-grad-cam's.
const EPSILON: f64 = 1e-7;

/// The longest side of a map that is kept, in places; larger ones are kept as means of their places.
const KEPT_SIDE: i64 = 32;

/// Each map less its minimum, over its maximum, [N, h, w]: 0 to 1, and 0 everywhere where it is the same everywhere.
///
/// # Errors
/// Libtorch's: memory is out.
pub fn normalised(maps_nhw: &Tensor) -> Result<Tensor, TchError> {
    let places = [1i64, 2].as_slice();
    let from_0 = maps_nhw.f_sub(&maps_nhw.f_amin(places, true)?)?;
    from_0.f_div(&from_0.f_amax(places, true)?.f_add_scalar(EPSILON)?)
}

/// Normalised, enlarged to [N, side, side] as a smooth picture (bilinear between the centres of places), and normalised again:
/// what pytorch-grad-cam gives.
///
/// # Errors
/// Libtorch's: memory is out.
pub fn to_side(maps_nhw: &Tensor, side: i64) -> Result<Tensor, TchError> {
    let small = normalised(maps_nhw)?.f_to_kind(Kind::Float)?.f_unsqueeze(1)?;
    let large = small.f_upsample_bilinear2d([side, side], false, None, None)?.f_squeeze_dim(1)?;
    normalised(&large)
}

/// Small maps as bytes, [N, h, w], 255 at the maximum of each. What is not finite becomes 0.
///
/// # Errors
/// Libtorch's: memory is out.
pub fn kept(maps_nhw: &Tensor) -> Result<Tensor, TchError> {
    let _no_grad = tch::no_grad_guard();
    let (_, height, width) = maps_nhw.size3()?;
    let (rows, columns) = (height.min(KEPT_SIDE), width.min(KEPT_SIDE));
    let small = maps_nhw.f_unsqueeze(1)?.f_adaptive_avg_pool2d([rows, columns])?.f_squeeze_dim(1)?;
    // Twice: what is added to the maximum counts for something beside a weak one.
    let shares = normalised(&normalised(&small)?)?.f_nan_to_num(0.0, 0.0, 0.0)?.f_clamp(0.0, 1.0)?;
    shares.f_mul_scalar(255.0)?.f_round()?.f_to_kind(Kind::Uint8)?.f_to_device(Device::Cpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(tensor: &Tensor) -> Vec<f64> {
        Vec::try_from(tensor.to_kind(Kind::Double).reshape(-1)).unwrap()
    }

    #[test]
    fn a_corner_becomes_a_slope() {
        let map = Tensor::from_slice(&[5.0f32, 1.0, 1.0, 1.0]).reshape([1, 2, 2]);
        let found = values(&to_side(&map, 4).unwrap());
        // By halves from the centre of the place at the corner to those beside it.
        let expected =
            [1.0, 0.75, 0.25, 0.0, 0.75, 0.5625, 0.1875, 0.0, 0.25, 0.1875, 0.0625, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}");
    }

    #[test]
    fn a_map_that_is_the_same_everywhere_is_none() {
        for value in [0.0f32, 3.5] {
            let map = Tensor::from_slice(&[value; 6]).reshape([1, 2, 3]);
            assert!(values(&to_side(&map, 8).unwrap()).iter().all(|&v| v == 0.0));
        }
        let one_place = Tensor::from_slice(&[2.0f32]).reshape([1, 1, 1]);
        assert!(values(&to_side(&one_place, 3).unwrap()).iter().all(|&v| v == 0.0));
    }
}
