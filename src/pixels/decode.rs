//! From the bytes of a picture file to upright 8-bit RGB.
//!
//! The content decides what a file is, never its name. What comes out is always [`RgbImage`]: grey is
//! repeated in the three channels, an alpha channel is composed on black, CMYK and 16-bit pictures are
//! converted, and the EXIF orientation is applied. Colour profiles are not. A file that is damaged or cut
//! short is an error, never a picture that is partly grey. (One case is beyond the decoder: JPEG data that was cut
//! and then closed by a proper end marker.)

mod jpeg;
mod orientation;
mod png;

use std::fmt;

use serde::Serialize;

use super::RgbImage;
use orientation::Orientation;

/// Pixels that a side may have, at most.
pub const MAX_SIDE: u32 = 20_000;
/// Pixels that a picture may have, at most, in millions.
pub const MAX_MEGAPIXELS: u32 = 200;

/// The picture formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JPEG, baseline and progressive.
    Jpeg,
    /// PNG.
    Png,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Jpeg => "JPEG",
            Format::Png => "PNG",
        })
    }
}

/// What decoding does to a picture that is not stored as upright 8-bit RGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// Inks become red, green and blue, by no colour profile.
    Cmyk,
    /// One channel becomes three.
    Grey,
    /// What is transparent becomes black.
    Alpha,
    /// The lower half of each value is dropped.
    SixteenBits,
    /// The picture is turned or mirrored as this EXIF number says, 2 to 8.
    Orientation(u32),
}

impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Conversion::Cmyk => f.write_str("CMYK converted to RGB"),
            Conversion::Grey => f.write_str("grey repeated in three channels"),
            Conversion::Alpha => f.write_str("alpha composed on black"),
            Conversion::SixteenBits => f.write_str("16 bits reduced to 8"),
            Conversion::Orientation(number) => write!(f, "EXIF orientation {number} applied"),
        }
    }
}

/// What a picture's header says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// In pixels, upright.
    pub width: u32,
    /// In pixels, upright.
    pub height: u32,
    /// By content.
    pub format: Format,
    /// What decoding will convert. Empty for a plain picture.
    pub conversions: Vec<Conversion>,
}

/// Why there is no picture in some bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No bytes at all.
    #[error("the file is empty, expected a `JPEG` or `PNG` picture")]
    Empty,
    /// Something else than JPEG or PNG.
    #[error("the file holds `{found}`, expected a `JPEG` or `PNG` picture")]
    OtherFormat {
        /// What it looks like.
        found: &'static str,
    },
    /// More pixels than any photo has.
    #[error(
        "the picture has `{width}x{height}` pixels, expected at most `{MAX_SIDE}` a side and \
         `{MAX_MEGAPIXELS}` million in all"
    )]
    TooLarge {
        /// As the header says.
        width: u32,
        /// As the header says.
        height: u32,
    },
    /// The data ends before the picture does.
    #[error("the `{format}` data is truncated: it ends before the picture is complete")]
    Truncated {
        /// By content.
        format: Format,
    },
    /// The data contradicts itself.
    #[error("the `{format}` data is damaged: {reason}")]
    Damaged {
        /// By content.
        format: Format,
        /// The decoder's words.
        reason: String,
    },
    /// A rare kind of the format.
    #[error("the `{format}` data is of a kind that is not supported: {reason}")]
    Unsupported {
        /// By content.
        format: Format,
        /// The decoder's words.
        reason: String,
    },
}

/// What a format's reader finds in a header: stored size, orientation and what is converted beside it.
struct Header {
    width: u32,
    height: u32,
    orientation: Orientation,
    conversions: Vec<Conversion>,
}

impl Header {
    /// Refuses what would not fit in memory, before anything is decoded.
    fn within_limits(self) -> Result<Self, DecodeError> {
        let (width, height) = (self.width, self.height);
        let pixels = u64::from(width) * u64::from(height);
        if width > MAX_SIDE || height > MAX_SIDE || pixels > u64::from(MAX_MEGAPIXELS) * 1_000_000 {
            return Err(DecodeError::TooLarge { width, height });
        }
        Ok(self)
    }
}

/// Reads the header of a picture: its size, and what decoding will convert. The pixels are not looked at,
/// so a truncated file passes.
///
/// # Errors
/// Where the bytes are no JPEG or PNG, or its header is damaged or out of bounds.
pub fn probe(bytes: &[u8]) -> Result<Probe, DecodeError> {
    let format = sniff(bytes)?;
    let mut header = match format {
        Format::Jpeg => jpeg::header(bytes),
        Format::Png => png::header(bytes),
    }?;
    let (width, height) = header.orientation.upright(header.width, header.height);
    if header.orientation != Orientation::default() {
        header.conversions.push(Conversion::Orientation(header.orientation.number()));
    }
    Ok(Probe { width, height, format, conversions: header.conversions })
}

/// Decodes a whole picture, upright.
///
/// # Errors
/// Where the bytes are no JPEG or PNG, or are damaged, truncated or out of bounds.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, DecodeError> {
    let (image, orientation) = match sniff(bytes)? {
        Format::Jpeg => jpeg::decode(bytes),
        Format::Png => png::decode(bytes),
    }?;
    Ok(orientation.apply(image))
}

/// First bytes of what people take for pictures, or name as such.
const OTHERS: [(&[u8], &str); 10] = [
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"8BPS", "Photoshop"),
    (b"%PDF", "PDF"),
    (b"\0\0\x01\0", "ICO"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"version https://git-lfs", "a Git LFS pointer"),
];

/// What the first bytes say.
fn sniff(bytes: &[u8]) -> Result<Format, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    if bytes.starts_with(&[0xff, 0xd8]) {
        return Ok(Format::Jpeg);
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(Format::Png);
    }
    let found = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, name)| *name);
    let found = found.unwrap_or_else(|| match (bytes.get(..4), bytes.get(4..8), bytes.get(8..12)) {
        (Some(b"RIFF"), _, Some(b"WEBP")) => "WebP",
        (_, Some(b"ftyp"), Some(b"avif")) => "AVIF",
        (_, Some(b"ftyp"), Some(b"heic" | b"heix" | b"mif1")) => "HEIC",
        (_, Some(b"ftyp"), _) => "a video",
        _ => markup(bytes),
    });
    Err(DecodeError::OtherFormat { found })
}

/// Names text that servers send in place of a picture.
fn markup(bytes: &[u8]) -> &'static str {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_ascii_lowercase();
    if start.contains("<svg") {
        "SVG"
    } else if start.contains("<html") || start.contains("<!doctype html") {
        "an HTML page"
    } else if start.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).starts_with("<?xml") {
        "XML"
    } else if bytes.iter().all(|b| *b == 0) {
        "zeros"
    } else if bytes.iter().take(1024).all(|b| (b' '..=b'~').contains(b) || b"\n\r\t".contains(b)) {
        "text"
    } else {
        "unknown data"
    }
}

#[cfg(test)]
mod tests;
