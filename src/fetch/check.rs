//! Whether a file is a picture, by its bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::pixels::decode::{DecodeError, Probe, decode, probe};

/// Bytes in which a header is looked for first; few cameras write more before the picture.
const HEAD_BYTES: u64 = 256 << 10;

/// How closely a picture is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Its header: the transfer itself told that all bytes came.
    Header,
    /// Every pixel.
    Whole,
}

/// What a picture's bytes say.
pub(super) fn picture(bytes: &[u8], look: Look) -> Result<Probe, DecodeError> {
    let probe = probe(bytes)?;
    if look == Look::Whole {
        decode(bytes)?;
    }
    Ok(probe)
}

/// The header of the picture at `path`; `None` where there is none, or no picture.
pub(super) fn present(path: &Path) -> Option<Probe> {
    read_header(path).ok().flatten()
}

fn read_header(path: &Path) -> io::Result<Option<Probe>> {
    // A pipe or a device would never end.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut bytes)?;
    match probe(&bytes) {
        Ok(probe) => Ok(Some(probe)),
        Err(DecodeError::Truncated { .. } | DecodeError::Damaged { .. }) => {
            file.read_to_end(&mut bytes)?;
            Ok(probe(&bytes).ok())
        }
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(side: u32) -> Vec<u8> {
        let mut bytes = io::Cursor::new(Vec::new());
        image::RgbImage::new(side, side).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_cut_picture_has_a_header_only() {
        let whole = png(64);
        let cut = &whole[..whole.len() - 20];
        assert_eq!(picture(cut, Look::Header).unwrap().width, 64);
        assert!(picture(cut, Look::Whole).is_err());
        assert_eq!(picture(&whole, Look::Whole).unwrap().height, 64);
    }

    #[test]
    fn a_header_behind_much_else_is_found() {
        // A JPEG of one pixel with 300 KB of comments before its frame.
        let mut jpeg = Vec::new();
        jpeg_encoder::Encoder::new(&mut jpeg, 90)
            .encode(&[9, 9, 9], 1, 1, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        let mut bytes = jpeg[..2].to_vec();
        for _ in 0..5 {
            bytes.extend([0xff, 0xfe, 0xea, 0x62]);
            bytes.extend(vec![b'x'; 0xea60]);
        }
        bytes.extend(&jpeg[2..]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(present(&path).map(|probe| probe.width), Some(1));
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(present(&path), None);
        std::fs::write(&path, "<html>").unwrap();
        assert_eq!(present(&path), None);
        assert_eq!(present(folder.path()), None);
    }
}
