//! Sharpness: the picture blended with a smoothed one, or away from it.
//!
//! Equal to torchvision's on 8-bit pictures: the mean of 3 x 3 pixels, the middle one five times, rounded; pixels at the
//! border stay, and so does a picture that has no others.

use crate::pixels::RgbImage;

/// `in + (1 - factor) x (smoothed - in)`, clipped and cut off.
pub(super) fn sharpness(factor: f64, image: &mut RgbImage, before: &mut Vec<u8>) {
    if image.width <= 2 || image.height <= 2 {
        return;
    }
    before.clear();
    before.extend_from_slice(&image.data);
    let rest = f64::from((1.0 - factor) as f32);
    let stride = image.width * 3;
    let rows = before.chunks_exact(stride);
    let threes = rows.clone().zip(rows.clone().skip(1)).zip(rows.skip(2));
    for (((above, row), below), out) in threes.zip(image.data.chunks_exact_mut(stride).skip(1)) {
        blend_row([above, row, below], &mut out[3..stride - 3], rest);
    }
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn blend_row([above, row, below]: [&[u8]; 3], out: &mut [u8], rest: f64) {
    let n = out.len();
    let [left, middle, right] = [0, 3, 6].map(|at| [&above[at..][..n], &row[at..][..n], &below[at..][..n]]);
    for i in 0..n {
        let column = |[a, b, c]: [&[u8]; 3]| u16::from(a[i]) + u16::from(b[i]) + u16::from(c[i]);
        let value = u16::from(middle[1][i]);
        let sum = column(left) + column(middle) + column(right) + 4 * value;
        let smoothed = (sum + 6) / 13;
        let away = f64::from(i32::from(smoothed) - i32::from(value));
        out[i] = (f64::from(value) + away * rest) as f32 as u8;
    }
}
