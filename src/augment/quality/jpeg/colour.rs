//! RGB to YCbCr and back, as libjpeg's `jccolor.c` and `jdcolor.c`.

use super::plane::Plane;
use crate::pixels::RgbImage;

/// Writes lightness into `luma`, blue and red into `chroma`.
pub(super) fn split(image: &RgbImage, luma: &mut Plane, chroma: &mut [Plane; 2]) {
    let [blue, red] = chroma;
    for (y, row) in image.data.chunks_exact(image.width * 3).enumerate() {
        let n = image.width;
        split_row(row, &mut luma.row_mut(y)[..n], &mut blue.row_mut(y)[..n], &mut red.row_mut(y)[..n]);
    }
}

/// The way back.
pub(super) fn join(luma: &Plane, chroma: &[Plane; 2], image: &mut RgbImage) {
    let [blue, red] = chroma;
    let n = image.width;
    for (y, row) in image.data.chunks_exact_mut(n * 3).enumerate() {
        join_row(&luma.row(y)[..n], &blue.row(y)[..n], &red.row(y)[..n], row);
    }
}

/// Pixels that are worked on at once.
const LANES: usize = 64;

/// Cuts off what follows the point: the nearest whole number, unless it lies above.
#[inline(always)]
fn cut(value: f32) -> u8 {
    let nearest = value + 8_388_608.0;
    let above = nearest - 8_388_608.0 > value;
    (nearest.to_bits() as u8).wrapping_sub(u8::from(above))
}

/// Weights with 16 fractional bits. All sums are whole numbers below 2^24, and so exact in 32-bit floats, whose
/// multiplications are quick everywhere.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn split_row(rgb: &[u8], luma: &mut [u8], blue: &mut [u8], red: &mut [u8]) {
    const HALF: f32 = 32_768.0;
    const CENTRE: f32 = 128.0 * 65_536.0 + HALF - 1.0;
    let planes = luma.chunks_mut(LANES).zip(blue.chunks_mut(LANES)).zip(red.chunks_mut(LANES));
    for (pixels, ((luma, blue), red)) in rgb.chunks(3 * LANES).zip(planes) {
        let (mut r, mut g, mut b) = ([0; LANES], [0; LANES], [0; LANES]);
        let mut bytes = [[0; 3]; LANES];
        bytes.as_flattened_mut()[..pixels.len()].copy_from_slice(pixels);
        for i in 0..LANES {
            [r[i], g[i], b[i]] = bytes[i];
        }
        let mut out = [[0u8; LANES]; 3];
        for i in 0..LANES {
            let [r, g, b] = [r[i], g[i], b[i]].map(f32::from);
            let whole = |sum: f32| cut(sum * (1.0 / 65_536.0));
            out[0][i] = whole(19_595.0 * r + 38_470.0 * g + 7_471.0 * b + HALF);
            out[1][i] = whole(CENTRE - 11_059.0 * r - 21_709.0 * g + 32_768.0 * b);
            out[2][i] = whole(CENTRE + 32_768.0 * r - 27_439.0 * g - 5_329.0 * b);
        }
        for (plane, values) in [luma, blue, red].into_iter().zip(&out) {
            plane.copy_from_slice(&values[..plane.len()]);
        }
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn join_row(luma: &[u8], blue: &[u8], red: &[u8], rgb: &mut [u8]) {
    let planes = luma.chunks(LANES).zip(blue.chunks(LANES)).zip(red.chunks(LANES));
    for (pixels, ((luma, blue), red)) in rgb.chunks_mut(3 * LANES).zip(planes) {
        let mut values = [[0u8; LANES]; 3];
        for (values, plane) in values.iter_mut().zip([luma, blue, red]) {
            values[..plane.len()].copy_from_slice(plane);
        }
        let mut out = [[0u8; LANES]; 3];
        for i in 0..LANES {
            let [y, blue, red] = [values[0][i], values[1][i], values[2][i]].map(i32::from);
            let (blue, red) = (blue - 128, red - 128);
            let level = |value: i32| value.clamp(0, 255) as u8;
            out[0][i] = level(y + ((91_881 * red + 32_768) >> 16));
            out[1][i] = level(y + ((32_768 - 22_554 * blue - 46_802 * red) >> 16));
            out[2][i] = level(y + ((116_130 * blue + 32_768) >> 16));
        }
        let mut bytes = [[0; 3]; LANES];
        for i in 0..LANES {
            bytes[i] = [out[0][i], out[1][i], out[2][i]];
        }
        pixels.copy_from_slice(&bytes.as_flattened()[..pixels.len()]);
    }
}
