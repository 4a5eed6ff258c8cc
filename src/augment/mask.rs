//! Which pixels belong to an object, and where its box is.

/// One value for each pixel, row by row: 0 outside an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// [height, width].
    pub data: Vec<u8>,
}

impl Mask {
    /// A mask of nothing.
    pub fn new(width: usize, height: usize) -> Self {
        Mask { width, height, data: vec![0; width * height] }
    }

    /// A filled box: columns `x` and rows `y`, clipped to the mask.
    pub fn of_box(width: usize, height: usize, x: std::ops::Range<usize>, y: std::ops::Range<usize>) -> Self {
        let mut mask = Mask::new(width, height);
        let columns = x.start.min(width)..x.end.min(width);
        for row in y.start..y.end.min(height) {
            if !columns.is_empty() {
                mask.data[row * width..][columns.clone()].fill(1);
            }
        }
        mask
    }

    /// The smallest box around what is not 0: first column, first row, columns, rows. `None` where nothing is left.
    pub fn bounds(&self) -> Option<[usize; 4]> {
        let rows = self.data.chunks_exact(self.width.max(1));
        let filled = |row: &[u8]| row.iter().any(|&value| value != 0);
        let top = rows.clone().position(filled)?;
        let bottom = self.height - 1 - rows.clone().rev().position(filled)?;
        let first = |row: &[u8]| row.iter().position(|&value| value != 0);
        let last = |row: &[u8]| row.iter().rposition(|&value| value != 0);
        let left = rows.clone().filter_map(first).min()?;
        let right = rows.filter_map(last).max()?;
        Some([left, top, right + 1 - left, bottom + 1 - top])
    }

    /// Pixels that are not 0.
    pub fn area(&self) -> usize {
        self.data.iter().filter(|&&value| value != 0).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_found_again() {
        for [x, y, w, h] in [[0, 0, 1, 1], [2, 3, 4, 2], [6, 0, 1, 5], [0, 4, 7, 1]] {
            let mask = Mask::of_box(7, 5, x..x + w, y..y + h);
            assert_eq!((mask.bounds(), mask.area()), (Some([x, y, w, h]), w * h));
        }
        assert_eq!(Mask::of_box(7, 5, 5..20, 3..20).bounds(), Some([5, 3, 2, 2]));
        assert_eq!(Mask::of_box(7, 5, 9..20, 3..20).bounds(), None);
        assert_eq!(Mask::new(0, 0).bounds(), None);
    }
}
