//! JPEG, by zune-jpeg: lenient with headers, as cameras are, and strict with the pixels.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::orientation::Orientation;
use super::{Conversion, DecodeError, Format, Header};
use crate::pixels::RgbImage;

/// What the header says.
pub(super) fn header(bytes: &[u8]) -> Result<Header, DecodeError> {
    open(bytes).map(|(_, header)| header)
}

/// The picture as stored, with the orientation that is still to be applied.
pub(super) fn decode(bytes: &[u8]) -> Result<(RgbImage, Orientation), DecodeError> {
    let (mut decoder, header) = open(bytes)?;
    if !has_end(bytes) {
        return Err(DecodeError::Truncated { format: Format::Jpeg });
    }
    // Headers were read leniently (padding between segments is common); from here on nothing is forgiven,
    // since a lenient decoder fills what is missing with grey.
    decoder.set_options(decoder.options().set_strict_mode(true));
    let data = decoder.decode().map_err(describe)?;
    let (width, height) = (header.width as usize, header.height as usize);
    if data.len() != width * height * 3 {
        let reason = format!("`{}` bytes of pixels, expected `{}`", data.len(), width * height * 3);
        return Err(DecodeError::Damaged { format: Format::Jpeg, reason });
    }
    Ok((RgbImage { width, height, data }, header.orientation))
}

type Opened<'a> = (JpegDecoder<ZCursor<&'a [u8]>>, Header);

fn open(bytes: &[u8]) -> Result<Opened<'_>, DecodeError> {
    // The limits are ours, so that the message is; zune's own stand at the format's.
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .set_strict_mode(false)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(describe)?;
    let Some(info) = decoder.info() else {
        return Err(DecodeError::Truncated { format: Format::Jpeg });
    };
    let mut conversions = Vec::new();
    match decoder.input_colorspace() {
        Some(ColorSpace::CMYK | ColorSpace::YCCK) => conversions.push(Conversion::Cmyk),
        Some(ColorSpace::Luma) => conversions.push(Conversion::Grey),
        _ => {}
    }
    let orientation = decoder.exif().map(|exif| Orientation::of_exif(exif)).unwrap_or_default();
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let header = Header { width, height, orientation, conversions };
    Ok((decoder, header.within_limits()?))
}

/// Whether an end-of-image marker follows the start of the scan. A file cut anywhere lacks it; a thumbnail's
/// own lies before the scan, and what cameras append lies after it.
fn has_end(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xff, marker]) = bytes.get(at..at + 2) {
        match marker {
            0xff => at += 1,
            0xda => return bytes[at..].windows(2).any(|pair| pair == [0xff, 0xd9]),
            _ => {
                let Some(&[high, low]) = bytes.get(at + 2..at + 4) else { return false };
                at += 2 + usize::from(u16::from_be_bytes([high, low]));
            }
        }
    }
    // Padding between segments: the decoder has found the scan, and decides alone.
    at < bytes.len()
}

fn describe(error: DecodeErrors) -> DecodeError {
    let format = Format::Jpeg;
    let reason = error.to_string();
    match error {
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => DecodeError::Truncated { format },
        DecodeErrors::Unsupported(_) => DecodeError::Unsupported { format, reason },
        _ if reason.contains("Premature end") || reason.contains("No more bytes") => {
            DecodeError::Truncated { format }
        }
        _ => DecodeError::Damaged { format, reason: reason.trim_matches('"').to_owned() },
    }
}
