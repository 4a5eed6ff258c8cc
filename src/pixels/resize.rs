//! Brings a picture to a square of a given side.
//!
//! The scaling is an antialiased bilinear convolution, as Pillow's `BILINEAR`: where a picture shrinks, the
//! triangle filter grows with the factor, so that every source pixel counts. The arithmetic is in integers and
//! gives the same bytes with and without SIMD.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::RgbImage;
use crate::spec::settings::Fit;

/// The picture as a square of `size` pixels a side. An empty picture becomes a black one.
pub fn fit(image: &RgbImage, size: u32, fit: Fit) -> RgbImage {
    let (width, height) = (image.width as f64, image.height as f64);
    if image.data.is_empty() || size == 0 {
        return RgbImage::new(size as usize, size as usize);
    }
    match fit {
        Fit::Stretch => scale(image, [0.0, 0.0, width, height], size, size),
        Fit::Crop => {
            let side = width.min(height);
            scale(image, [(width - side) / 2.0, (height - side) / 2.0, side, side], size, size)
        }
        Fit::Pad => {
            let factor = f64::from(size) / width.max(height);
            let scaled = |length: f64| ((length * factor).round() as u32).clamp(1, size);
            let inner = scale(image, [0.0, 0.0, width, height], scaled(width), scaled(height));
            centre_on_black(&inner, size as usize)
        }
    }
}

/// Scales the part `[left, top, width, height]` of a picture.
fn scale(image: &RgbImage, part: [f64; 4], width: u32, height: u32) -> RgbImage {
    let [left, top, part_width, part_height] = part;
    let source = ImageRef::new(image.width as u32, image.height as u32, &image.data, PixelType::U8x3)
        .unwrap_or_else(|error| panic!("bug: a picture's data does not fit its size: {error}"));
    let mut target = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).crop(
        left,
        top,
        part_width,
        part_height,
    );
    Resizer::new()
        .resize(&source, &mut target, &options)
        .unwrap_or_else(|error| panic!("bug: the part lies outside the picture: {error}"));
    RgbImage { width: width as usize, height: height as usize, data: target.into_vec() }
}

fn centre_on_black(inner: &RgbImage, size: usize) -> RgbImage {
    let mut square = RgbImage::new(size, size);
    let (left, top) = ((size - inner.width) / 2, (size - inner.height) / 2);
    for y in 0..inner.height {
        let from = y * inner.width * 3;
        let to = ((top + y) * size + left) * 3;
        square.data[to..to + inner.width * 3].copy_from_slice(&inner.data[from..from + inner.width * 3]);
    }
    square
}
