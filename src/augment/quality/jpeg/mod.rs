//! From a picture to quantised coefficients of JPEG and back, as libjpeg does it.
//!
//! Each step is the arithmetic of the file of libjpeg that it names. What libjpeg does between the two halves, to write
//! coefficients and to read them, keeps them as they are, and is left out.

mod colour;
mod dct;
mod plane;
mod quantise;
mod sampling;

use self::plane::Plane;
pub(in crate::augment) use self::plane::Planes;
use self::quantise::Table;
use crate::pixels::RgbImage;

/// Loses what JPEG loses at `quality` (1 to 100).
pub(super) fn lose(image: &mut RgbImage, quality: u8, planes: &mut Planes) {
    let (width, height) = (image.width, image.height);
    if image.data.is_empty() {
        return;
    }
    let Planes { luma, fine, chroma } = planes;
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    luma.shape(width, height);
    fine.iter_mut().for_each(|plane| plane.shape(2 * half_width.next_multiple_of(8), 2 * half_height));
    chroma.iter_mut().for_each(|plane| plane.shape(half_width, half_height));
    colour::split(image, luma, fine);
    luma.repeat_ends(width, height);
    lose_plane(luma, &Table::luma(quality));
    for (fine, coarse) in fine.iter_mut().zip(chroma) {
        fine.repeat_ends(width, height);
        sampling::halve(fine, coarse);
        // Within the last blocks the means of what was repeated stand already.
        coarse.repeat_ends(half_width.next_multiple_of(8), half_height);
        lose_plane(coarse, &Table::chroma(quality));
        sampling::double(coarse, fine);
    }
    colour::join(luma, fine, image);
}

fn lose_plane(plane: &mut Plane, table: &Table) {
    for y in (0..plane.height).step_by(8) {
        let stride = plane.stride;
        for strip in plane.data[y * stride..][..8 * stride].chunks_exact_mut(8 * stride) {
            dct::lose_strip(strip, stride, table);
        }
    }
}
