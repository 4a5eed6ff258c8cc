//! Mirrors a picture in place. Nothing is drawn: both flips have no parameters.

use crate::pixels::RgbImage;

/// Mirrors left and right.
pub fn horizontal(image: &mut RgbImage) {
    if image.width == 0 {
        return;
    }
    for row in image.data.chunks_exact_mut(image.width * 3) {
        row.as_chunks_mut::<3>().0.reverse();
    }
}

/// Mirrors top and bottom.
pub fn vertical(image: &mut RgbImage) {
    let stride = image.width * 3;
    let half = image.height / 2;
    let (top, bottom) = image.data.split_at_mut(half * stride);
    if stride == 0 {
        return;
    }
    for (upper, lower) in top.chunks_exact_mut(stride).zip(bottom.rchunks_exact_mut(stride)) {
        upper.swap_with_slice(lower);
    }
}
