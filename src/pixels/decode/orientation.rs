//! EXIF orientation: how a stored picture is turned to stand upright.

use crate::pixels::RgbImage;

/// The eight orientations of EXIF 2.3 (tag 0x0112), as what must be done to the stored picture: first rows
/// and columns change places where `transpose` is set, then the result is mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Orientation {
    transpose: bool,
    mirror_x: bool,
    mirror_y: bool,
}

impl Orientation {
    /// By the tag's value; anything else than 1 to 8 leaves the picture as it is.
    pub(super) fn new(number: u32) -> Self {
        let (transpose, mirror_x, mirror_y) = match number {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => (false, false, false),
        };
        Orientation { transpose, mirror_x, mirror_y }
    }

    /// From an EXIF block (a TIFF header and what follows). A block that cannot be read, or says nothing
    /// about the orientation, leaves the picture as it is.
    pub(super) fn of_exif(exif: &[u8]) -> Self {
        let mut reader = exif::Reader::new();
        reader.continue_on_error(true);
        let read = reader.read_raw(exif.to_vec()).or_else(|e| e.distill_partial_result(|_| ()));
        let field = read.ok().and_then(|exif| {
            let field = exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?;
            field.value.get_uint(0)
        });
        field.map(Orientation::new).unwrap_or_default()
    }

    /// The tag's value.
    pub(super) fn number(self) -> u32 {
        (1..=8).find(|&n| Orientation::new(n) == self).unwrap_or(1)
    }

    /// The size after it is applied.
    pub(super) fn upright(self, width: u32, height: u32) -> (u32, u32) {
        if self.transpose { (height, width) } else { (width, height) }
    }

    /// The picture, upright.
    pub(super) fn apply(self, image: RgbImage) -> RgbImage {
        if self == Orientation::default() {
            return image;
        }
        let (width, height) =
            if self.transpose { (image.height, image.width) } else { (image.width, image.height) };
        let mut upright = RgbImage::new(width, height);
        for y in 0..height {
            for x in 0..width {
                let x_from = if self.mirror_x { width - 1 - x } else { x };
                let y_from = if self.mirror_y { height - 1 - y } else { y };
                let (x_from, y_from) = if self.transpose { (y_from, x_from) } else { (x_from, y_from) };
                upright.set_pixel(x, y, image.pixel(x_from, y_from));
            }
        }
        upright
    }
}
