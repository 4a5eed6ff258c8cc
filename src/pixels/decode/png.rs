//! PNG, by the `image` crate.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::error::ImageError;
use image::{ColorType, DynamicImage, ImageDecoder};

use super::orientation::Orientation;
use super::{Conversion, DecodeError, Format, Header};
use crate::pixels::RgbImage;

/// What the header says.
pub(super) fn header(bytes: &[u8]) -> Result<Header, DecodeError> {
    open(bytes).map(|(_, header)| header)
}

/// The picture as stored, with the orientation that is still to be applied.
pub(super) fn decode(bytes: &[u8]) -> Result<(RgbImage, Orientation), DecodeError> {
    let (decoder, header) = open(bytes)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(describe)?;
    let (width, height) = (header.width as usize, header.height as usize);
    let data = if picture.color().has_alpha() {
        on_black(picture.into_rgba8().as_raw())
    } else {
        picture.into_rgb8().into_raw()
    };
    Ok((RgbImage { width, height, data }, header.orientation))
}

type Opened<'a> = (PngDecoder<Cursor<&'a [u8]>>, Header);

fn open(bytes: &[u8]) -> Result<Opened<'_>, DecodeError> {
    let mut decoder = PngDecoder::new(Cursor::new(bytes)).map_err(describe)?;
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let mut conversions = Vec::new();
    if color.has_alpha() {
        conversions.push(Conversion::Alpha);
    }
    if matches!(color, ColorType::L8 | ColorType::L16 | ColorType::La8 | ColorType::La16) {
        conversions.push(Conversion::Grey);
    }
    if u16::from(color.bytes_per_pixel()) / u16::from(color.channel_count()) == 2 {
        conversions.push(Conversion::SixteenBits);
    }
    // A damaged EXIF chunk says nothing about the pixels.
    let exif = decoder.exif_metadata().ok().flatten();
    let orientation = exif.map(|exif| Orientation::of_exif(&exif)).unwrap_or_default();
    let header = Header { width, height, orientation, conversions }.within_limits()?;
    Ok((decoder, header))
}

/// Drops alpha from [pixels, 4]: what is transparent becomes black.
fn on_black(rgba: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(rgba.len() / 4 * 3);
    for pixel in rgba.chunks_exact(4) {
        let alpha = u16::from(pixel[3]);
        data.extend(pixel[..3].iter().map(|&c| ((u16::from(c) * alpha + 127) / 255) as u8));
    }
    data
}

fn describe(error: ImageError) -> DecodeError {
    let format = Format::Png;
    match &error {
        ImageError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::Truncated { format }
        }
        ImageError::Unsupported(_) => DecodeError::Unsupported { format, reason: error.to_string() },
        _ => DecodeError::Damaged { format, reason: error.to_string() },
    }
}
