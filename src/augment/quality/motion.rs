//! Blur along a line.
//!
//! As albumentations 2.0.8's MotionBlur: the mean of the pixels that a line of as many points as the kernel is wide falls
//! on, each once; mirrored beyond the border. A mean that lies in the middle between two levels is rounded up (OpenCV: to
//! the even one, or as the rounding of its sums has it).

use std::fmt;

use super::border::{BLOCK, Beyond, Padded};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotionBlur {
    /// Side of the kernel, odd and at most 255.
    pub size: usize,
    /// Degrees, downwards from the right.
    pub angle: f64,
    /// -1: only behind the middle, 0: to both sides, 1: only ahead.
    pub direction: f64,
    /// How far the line lies off the middle: right and down, in quarters of the kernel, -1 to 1.
    pub shift: [f64; 2],
}

impl MotionBlur {
    /// Draws size, angle, direction and, where `shifted`, the shifts to the right and down, all uniformly.
    pub fn draw(
        size: [i64; 2],
        shifted: bool,
        angle: [f64; 2],
        direction: [f64; 2],
        draws: &mut Draws,
    ) -> Self {
        let size = odd(size, draws);
        let angle = draws.range_f64(angle[0], angle[1]);
        let direction = draws.range_f64(direction[0], direction[1]);
        let shift = if shifted { [draws.range_f64(-1.0, 1.0), draws.range_f64(-1.0, 1.0)] } else { [0.0; 2] };
        MotionBlur { size, angle, direction, shift }
    }

    /// The pixels of the line from the kernel's corner: row and column, each once.
    fn points(&self) -> Vec<(usize, usize)> {
        let (middle, reach) = ((self.size / 2) as f64, self.size / 2);
        let length = reach as f64;
        let start = -length * (1.0 - self.direction.max(0.0));
        let end = length * (1.0 - (-self.direction).max(0.0));
        let radians = self.angle * (std::f64::consts::PI / 180.0);
        let (right, down) = (libm::cos(radians), libm::sin(radians));
        let step = (end - start) / (self.size - 1) as f64;
        let place = |at: f64, shift: f64| {
            let at = libm::rint(middle + at + shift * length / 2.0);
            at.clamp(0.0, (self.size - 1) as f64) as usize
        };
        let point = |i: usize| {
            let t = if i + 1 == self.size { end } else { start + i as f64 * step };
            (place(down * t, self.shift[1]), place(right * t, self.shift[0]))
        };
        let mut points: Vec<_> = (0..self.size).map(point).collect();
        points.sort_unstable();
        points.dedup();
        points
    }
}

/// An odd number between two odd ones.
pub(super) fn odd([low, high]: [i64; 2], draws: &mut Draws) -> usize {
    (low + 2 * draws.below(((high - low) / 2 + 1) as u64) as i64) as usize
}

impl Transform for MotionBlur {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let length = image.width * 3;
        if image.data.is_empty() {
            return;
        }
        let padded = Padded::of(image, self.size / 2, Beyond::Mirror, &mut scratch.padded);
        let starts: Vec<usize> = self.points().iter().map(|(y, x)| y * padded.stride + x * 3).collect();
        for (y, row) in image.data.chunks_exact_mut(length).enumerate() {
            mean(&padded.data[y * padded.stride..], &starts, row);
        }
    }
}

impl fmt::Display for MotionBlur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kernel={} angle={:.0} direction={:+.2}", self.size, self.angle, self.direction)
    }
}

/// The mean of the values that begin at each of `starts`, of which there are at most 255.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn mean(data: &[u8], starts: &[usize], out: &mut [u8]) {
    let n = starts.len() as u32;
    // Exact for sums of 255 values: the error is below `sum / 2^24`, which is less than `1 / n`.
    let reciprocal = (1 << 24) / n + 1;
    for (i, out) in out.chunks_mut(BLOCK).enumerate() {
        let mut sums = [(n / 2) as u16; BLOCK];
        for start in starts {
            let at = start + i * BLOCK;
            for (sum, &value) in sums.iter_mut().zip(&data[at..at + BLOCK]) {
                *sum += u16::from(value);
            }
        }
        let mut levels = [0; BLOCK];
        for (level, sum) in levels.iter_mut().zip(sums) {
            *level = ((u32::from(sum) * reciprocal) >> 24) as u8;
        }
        out.copy_from_slice(&levels[..out.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_exact() {
        for n in 1..=255u32 {
            for sum in (0..=255 * n).step_by(7).chain([255 * n]) {
                let rounded = u64::from(sum + n / 2) * u64::from((1u32 << 24) / n + 1);
                assert!(rounded < 1 << 32);
                assert_eq!((rounded >> 24) as u32, (sum + n / 2) / n, "{sum} / {n}");
            }
        }
    }

    #[test]
    fn a_line_has_its_angle() {
        let points = |angle, direction, size| MotionBlur { size, angle, direction, shift: [0.0; 2] }.points();
        assert_eq!(points(0.0, 0.0, 5), [(2, 0), (2, 1), (2, 2), (2, 3), (2, 4)]);
        assert_eq!(points(90.0, 1.0, 5), [(2, 2), (3, 2), (4, 2)]);
        assert_eq!(points(45.0, -1.0, 3), [(0, 0), (1, 1)]);
    }
}
