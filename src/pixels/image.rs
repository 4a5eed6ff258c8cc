//! A picture in memory.

/// Interleaved 8-bit RGB, row by row, without padding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RgbImage {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// [height, width, 3].
    pub data: Vec<u8>,
}

impl RgbImage {
    /// A black picture.
    pub fn new(width: usize, height: usize) -> Self {
        RgbImage { width, height, data: vec![0; width * height * 3] }
    }

    /// The pixel in column `x` of row `y`.
    #[inline]
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let i = (y * self.width + x) * 3;
        [self.data[i], self.data[i + 1], self.data[i + 2]]
    }

    /// Sets the pixel in column `x` of row `y`.
    #[inline]
    pub fn set_pixel(&mut self, x: usize, y: usize, rgb: [u8; 3]) {
        let i = (y * self.width + x) * 3;
        self.data[i..i + 3].copy_from_slice(&rgb);
    }
}
