//! Sheets as files.

use std::io::Cursor;

use image::{ExtendedColorType, ImageError, ImageFormat};

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
