//! Sheets and tiles as files.

use std::io::Cursor;

use image::{ExtendedColorType, ImageError, ImageFormat};
use jpeg_encoder::{ColorType, Encoder, EncodingError};

use crate::pixels::RgbImage;

/// The picture as PNG: every pixel as it is.
///
/// # Errors
/// Where the picture has no pixels or more than a PNG holds.
pub fn png(image: &RgbImage) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    let (width, height) = (image.width as u32, image.height as u32);
    image::write_buffer_with_format(
        &mut bytes,
        &image.data,
        width,
        height,
        ExtendedColorType::Rgb8,
        ImageFormat::Png,
    )?;
    Ok(bytes.into_inner())
}

/// The picture as JPEG, for pages.
///
/// # Errors
/// Where a side is 0 or above 65,535.
pub fn jpeg(image: &RgbImage, quality: u8) -> Result<Vec<u8>, EncodingError> {
    let mut bytes = Vec::new();
    let side = |length: usize| u16::try_from(length).unwrap_or(0);
    Encoder::new(&mut bytes, quality).encode(
        &image.data,
        side(image.width),
        side(image.height),
        ColorType::Rgb,
    )?;
    Ok(bytes)
}
