//! The median of the square around each value, channel by channel.
//!
//! Equal to OpenCV's `medianBlur`, and so to albumentations' MedianBlur; the border pixel is repeated beyond the border.
//! Squares of 3 and 5 pixels go through networks of minima and maxima, whose first part (each column in order) is shared by
//! the squares that a column belongs to. From 7 on the median is found bit by bit, from the highest: it has the bit where
//! more than half of the values are at least as large as what is known of it with that bit. All are the same few
//! instructions for many values at once.

use std::fmt;

use super::border::{BLOCK, Beyond, Padded};
use super::motion::odd;
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MedianBlur {
    /// Side of the square: odd, 3 to 15, so that its values can be counted in 8 bits.
    pub size: usize,
}

impl MedianBlur {
    /// Draws the side uniformly.
    pub fn draw(size: [i64; 2], draws: &mut Draws) -> Self {
        MedianBlur { size: odd(size, draws) }
    }
}

impl Transform for MedianBlur {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        if image.data.is_empty() {
            return;
        }
        let length = image.width * 3;
        let padded = Padded::of(image, self.size / 2, Beyond::Repeat, &mut scratch.padded);
        let columns = &mut scratch.columns;
        columns.resize(5 * (padded.stride + 2 * BLOCK), 0);
        for (y, row) in image.data.chunks_exact_mut(length).enumerate() {
            let window = &padded.data[y * padded.stride..];
            match self.size {
                3 => {
                    sort_columns_of_3(window, padded.stride, columns);
                    medians_of_3(columns, row);
                }
                5 => {
                    sort_columns_of_5(window, padded.stride, columns);
                    medians_of_5(columns, row);
                }
                size => medians(window, padded.stride, size, row),
            }
        }
    }
}

impl fmt::Display for MedianBlur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kernel={}", self.size)
    }
}

/// The smaller one first.
#[inline(always)]
fn order<const N: usize>(values: &mut [u8; N], i: usize, j: usize) {
    (values[i], values[j]) = (values[i].min(values[j]), values[i].max(values[j]));
}

/// Puts pairs of places in order, one after the other, as straight code: loops over such lists keep arrays in memory.
macro_rules! order_all {
    ($values:ident: $($i:literal $j:literal),+) => { $( order(&mut $values, $i, $j); )+ };
}

/// Blocks of `data` from `at` on, each `step` values after the one before.
#[inline(always)]
fn block<const L: usize, const N: usize>(data: &[u8], step: usize, at: usize) -> [&[u8; L]; N] {
    std::array::from_fn(|y| data[y * step + at..].first_chunk().unwrap_or(&[0; L]))
}

/// Writes the columns of `window` in order: the least of each column, then the next one, each as a row.
#[inline(always)]
fn sort_columns<const N: usize>(window: &[u8], stride: usize, out: &mut [u8], sort: impl Fn(&mut [u8; N])) {
    let room = out.len() / 5;
    for at in (0..stride).step_by(BLOCK) {
        // The last block ends where the row does, if it can.
        let at = if at + BLOCK > stride { stride.saturating_sub(BLOCK) } else { at };
        let rows: [&[u8; BLOCK]; N] = block(window, stride, at);
        let mut sorted = [[0; BLOCK]; N];
        for i in 0..BLOCK {
            let mut column = [0; N];
            for (value, row) in column.iter_mut().zip(rows) {
                *value = row[i];
            }
            sort(&mut column);
            for (sorted, value) in sorted.iter_mut().zip(column) {
                sorted[i] = value;
            }
        }
        for (y, sorted) in sorted.iter().enumerate() {
            out[y * room + at..][..BLOCK].copy_from_slice(sorted);
        }
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn sort_columns_of_3(window: &[u8], stride: usize, out: &mut [u8]) {
    sort_columns::<3>(window, stride, out, |column| {
        order(column, 0, 1);
        order(column, 1, 2);
        order(column, 0, 1);
    });
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn sort_columns_of_5(window: &[u8], stride: usize, out: &mut [u8]) {
    sort_columns::<5>(window, stride, out, |column| {
        order(column, 0, 3);
        order(column, 1, 4);
        order(column, 0, 2);
        order(column, 1, 3);
        order(column, 0, 1);
        order(column, 2, 4);
        order(column, 1, 2);
        order(column, 3, 4);
        order(column, 2, 3);
    });
}

/// The middle one of the largest minimum, the middle one of the middle values, and the smallest maximum.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn medians_of_3(columns: &[u8], out: &mut [u8]) {
    let room = columns.len() / 5;
    for (n, out) in out.chunks_mut(BLOCK).enumerate() {
        let rows: [[&[u8; BLOCK]; 3]; 3] = std::array::from_fn(|y| block(&columns[y * room..], 3, n * BLOCK));
        let mut medians = [0; BLOCK];
        for (i, median) in medians.iter_mut().enumerate() {
            let three = |y: usize| [rows[y][0][i], rows[y][1][i], rows[y][2][i]];
            let (low, mut middle, high) = (three(0), three(1), three(2));
            order_all!(middle: 0 1, 1 2, 0 1);
            let low = low[0].max(low[1]).max(low[2]);
            let high = high[0].min(high[1]).min(high[2]);
            let mut three = [low, middle[1], high];
            order_all!(three: 0 1, 1 2, 0 1);
            *median = three[1];
        }
        out.copy_from_slice(&medians[..out.len()]);
    }
}

/// With columns in order, rows would come next. In a square that is in order both ways, six values are known to lie below
/// the median and six above it: of the least of each column the two largest remain, of the next the three largest, then the
/// middle three, and so on. The median is the middle one of these 13.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn medians_of_5(columns: &[u8], out: &mut [u8]) {
    let room = columns.len() / 5;
    for (n, out) in out.chunks_mut(BLOCK).enumerate() {
        let rows: [[&[u8; BLOCK]; 5]; 5] = std::array::from_fn(|y| block(&columns[y * room..], 3, n * BLOCK));
        let mut medians = [0; BLOCK];
        for (i, median) in medians.iter_mut().enumerate() {
            let five = |y: usize| [rows[y][0][i], rows[y][1][i], rows[y][2][i], rows[y][3][i], rows[y][4][i]];
            let (mut a, mut b, mut c, mut d, mut e) = (five(0), five(1), five(2), five(3), five(4));
            order_all!(a: 0 1, 0 2, 0 3, 0 4, 1 2, 1 3, 1 4, 2 3, 2 4);
            order_all!(b: 0 1, 0 2, 0 3, 0 4, 1 2, 1 3, 1 4);
            order_all!(c: 0 1, 0 2, 0 3, 0 4, 1 4, 2 4, 3 4);
            order_all!(d: 0 4, 1 4, 2 4, 3 4, 0 3, 1 3, 2 3);
            order_all!(e: 0 4, 1 4, 2 4, 3 4, 0 3, 1 3, 2 3, 0 2, 1 2);
            // Neither the least nor the largest of any 8 of the 13 is the middle one; nor of 7 of the 11 that remain; and so on.
            let mut r = [a[3], a[4], b[2], b[3], b[4], e[0], e[1], d[0]];
            order_all!(r: 0 7, 1 6, 2 5, 3 4, 0 1, 0 2, 0 3, 4 7, 5 7, 6 7);
            r[7] = c[1];
            order_all!(r: 1 7, 2 6, 3 5, 1 2, 1 3, 1 4, 4 7, 5 7, 6 7);
            r[7] = d[1];
            order_all!(r: 2 7, 3 6, 4 5, 2 3, 2 4, 5 7, 6 7);
            r[7] = c[2];
            order_all!(r: 3 7, 4 6, 3 4, 3 5, 5 7, 6 7);
            r[7] = d[2];
            order_all!(r: 4 7, 5 6, 4 5, 6 7);
            r[7] = c[3];
            order_all!(r: 5 7, 5 6, 6 7);
            *median = r[6];
        }
        out.copy_from_slice(&medians[..out.len()]);
    }
}

/// Bit by bit, by counting.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn medians(window: &[u8], stride: usize, size: usize, out: &mut [u8]) {
    match size {
        7 => medians_of::<7>(window, stride, out),
        9 => medians_of::<9>(window, stride, out),
        11 => medians_of::<11>(window, stride, out),
        13 => medians_of::<13>(window, stride, out),
        _ => medians_of::<15>(window, stride, out),
    }
}

/// A side that is known beforehand keeps the counts out of memory.
#[inline(always)]
fn medians_of<const SIZE: usize>(window: &[u8], stride: usize, out: &mut [u8]) {
    const ROW: usize = BLOCK + 3 * 14;
    let half = (SIZE * SIZE / 2) as u8;
    for (n, out) in out.chunks_mut(BLOCK).enumerate() {
        let rows: [&[u8; ROW]; SIZE] = block(window, stride, n * BLOCK);
        let mut medians = [0u8; BLOCK];
        for bit in (0..8).rev() {
            let mut tried = medians;
            for tried in &mut tried {
                *tried |= 1 << bit;
            }
            let mut counts = [0u8; BLOCK];
            for row in rows {
                for i in 0..BLOCK {
                    let mut count = 0;
                    for x in 0..SIZE {
                        count += u8::from(row[i + 3 * x] >= tried[i]);
                    }
                    counts[i] += count;
                }
            }
            for i in 0..BLOCK {
                medians[i] |= u8::from(counts[i] > half) << bit;
            }
        }
        out.copy_from_slice(&medians[..out.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_those_of_sorted_squares() {
        let (width, height) = (31, 23);
        let mut draws = crate::seed::Key::root(1).draws();
        for levels in [2, 256] {
            let data: Vec<u8> = (0..width * height * 3).map(|_| draws.below(levels) as u8).collect();
            for size in (3..=15).step_by(2) {
                let mut image = RgbImage { width, height, data: data.clone() };
                MedianBlur { size }.apply(&mut image, &mut Scratch::new());
                let reach = (size / 2) as isize;
                for (i, &found) in image.data.iter().enumerate() {
                    let (x, y, c) = ((i / 3 % width) as isize, (i / 3 / width) as isize, i % 3);
                    let mut square: Vec<u8> = (-reach..=reach)
                        .flat_map(|dy| (-reach..=reach).map(move |dx| (dy, dx)))
                        .map(|(dy, dx)| {
                            let row = Beyond::Repeat.place(y + dy, height) * width;
                            data[(row + Beyond::Repeat.place(x + dx, width)) * 3 + c]
                        })
                        .collect();
                    square.sort_unstable();
                    assert_eq!(found, square[size * size / 2], "{size} at {i}");
                }
            }
        }
    }
}
