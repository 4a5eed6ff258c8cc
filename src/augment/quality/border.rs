//! What lies beyond the border of a picture that is looked at through a window.

use crate::pixels::RgbImage;

/// How the picture goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// Mirrored, the border pixel not repeated (`dcb|abcd|cba`), as often as needed.
    Mirror,
    /// The border pixel repeated (`aaa|abcd|ddd`).
    Repeat,
}

impl Beyond {
    /// The place within 0..`n` that stands for `at`; `n` is 1 or more.
    pub fn place(self, at: isize, n: usize) -> usize {
        let last = n as isize - 1;
        match self {
            Beyond::Repeat => at.clamp(0, last) as usize,
            Beyond::Mirror if last == 0 => 0,
            Beyond::Mirror => {
                let at = at.rem_euclid(2 * last);
                at.min(2 * last - at) as usize
            }
        }
    }
}

/// Values that hot loops take at once.
pub(super) const BLOCK: usize = 64;

/// A picture with `margin` pixels more on every side.
#[derive(Debug)]
pub(super) struct Padded<'a> {
    /// Row by row; two blocks that begin within the rows end within the data.
    pub data: &'a [u8],
    /// Values of a row.
    pub stride: usize,
}

impl<'a> Padded<'a> {
    pub fn of(image: &RgbImage, margin: usize, beyond: Beyond, buffer: &'a mut Vec<u8>) -> Self {
        let (width, height) = (image.width, image.height);
        let stride = (width + 2 * margin) * 3;
        buffer.resize((height + 2 * margin) * stride + 2 * BLOCK, 0);
        let (rows, edge) = (buffer.chunks_exact_mut(stride), margin * 3);
        for (row, y) in rows.zip(-(margin as isize)..) {
            let from = &image.data[beyond.place(y, height) * width * 3..][..width * 3];
            row[edge..][..width * 3].copy_from_slice(from);
            for i in 0..margin {
                let left = beyond.place(i as isize - margin as isize, width);
                row[i * 3..][..3].copy_from_slice(&from[left * 3..][..3]);
                let right = beyond.place((width + i) as isize, width);
                row[edge + (width + i) * 3..][..3].copy_from_slice(&from[right * 3..][..3]);
            }
        }
        Padded { data: buffer, stride }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_mirrored_and_repeated() {
        let all = |beyond: Beyond, n| (-5..8).map(|at| beyond.place(at, n)).collect::<Vec<_>>();
        assert_eq!(all(Beyond::Mirror, 4), [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(all(Beyond::Mirror, 2), [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
        assert_eq!(all(Beyond::Mirror, 1), [0; 13]);
        assert_eq!(all(Beyond::Repeat, 3), [0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2]);
    }
}
