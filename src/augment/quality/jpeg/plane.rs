//! One channel of a picture, with room for whole blocks.

/// Pixels of a row that are transformed together: sixteen blocks.
pub(super) const GROUP: usize = 128;

/// Values row by row.
#[derive(Clone, Debug, Default)]
pub(in crate::augment) struct Plane {
    pub data: Vec<u8>,
    /// Columns that matter.
    pub width: usize,
    /// Rows that matter.
    pub height: usize,
    /// Values of a row: a multiple of [`GROUP`].
    pub stride: usize,
}

/// Working memory of a compression.
#[derive(Clone, Debug, Default)]
pub(in crate::augment) struct Planes {
    pub(super) luma: Plane,
    /// Blue and red, as large as the picture.
    pub(super) fine: [Plane; 2],
    /// Blue and red at half the side.
    pub(super) chroma: [Plane; 2],
}

impl Plane {
    /// Takes this size; the values are to be written anew.
    pub fn shape(&mut self, width: usize, height: usize) {
        (self.width, self.height, self.stride) = (width, height, width.next_multiple_of(GROUP));
        self.data.resize(self.stride * height.next_multiple_of(8), 0);
    }

    pub fn row(&self, y: usize) -> &[u8] {
        &self.data[y * self.stride..][..self.stride]
    }

    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        &mut self.data[y * self.stride..][..self.stride]
    }

    /// Repeats the last of `width` columns to the right and the last of `height` rows downwards.
    pub fn repeat_ends(&mut self, width: usize, height: usize) {
        for row in self.data.chunks_exact_mut(self.stride).take(height) {
            let last = row[width - 1];
            row[width..].fill(last);
        }
        let last = (height - 1) * self.stride..height * self.stride;
        for y in height..self.data.len() / self.stride {
            self.data.copy_within(last.clone(), y * self.stride);
        }
    }
}
