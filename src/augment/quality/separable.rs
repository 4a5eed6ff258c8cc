//! Blurs by a symmetric kernel along rows, then along columns, in 16-bit integers.
//!
//! Values carry 7 fractional bits between the passes and weights 16. Two pixels as far from the middle share a
//! multiplication, of which the upper 16 bits are kept; what that cuts off is a half of the last bit in the mean, and added
//! back. The results lie within a few hundredths of a level of exact arithmetic, and a flat picture stays as it is.

use super::border::{BLOCK, Beyond};
use crate::pixels::RgbImage;

/// Fractional bits of values between the passes.
pub(super) const FRACTION: u32 = 7;

/// Weights of a symmetric kernel whose sum is 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Taps {
    /// The middle one first, with 16 fractional bits; 1 where it stands alone.
    weights: [u16; Taps::MOST],
    n: usize,
}

impl Taps {
    /// Weights from the middle to the end of the largest kernel: 127 in all. The errors of more might shift a level.
    const MOST: usize = 64;

    /// A kernel of `size` (odd, at most 127) that samples a normal distribution. One of a standard deviation of 0 changes
    /// nothing.
    pub fn gaussian(sigma: f64, size: usize) -> Self {
        let mut taps = Taps { weights: [0; Taps::MOST], n: 1 };
        let value = |i: usize| libm::exp(-0.5 * (i as f64 / sigma) * (i as f64 / sigma));
        let reach = (size / 2).min(Taps::MOST - 1);
        if sigma <= 0.0 {
            return taps;
        }
        let sum = 1.0 + 2.0 * (1..=reach).map(value).sum::<f64>();
        let mut middle = 1 << 16;
        for i in 1..=reach {
            let weight = libm::rint(value(i) / sum * 65_536.0) as u16;
            if weight == 0 {
                break;
            }
            taps.weights[i] = weight;
            taps.n = i + 1;
            middle -= 2 * i32::from(weight);
        }
        taps.weights[0] = middle as u16;
        taps
    }

    fn all(&self) -> &[u16] {
        &self.weights[..self.n]
    }
}

/// Working memory of a blur.
#[derive(Clone, Debug, Default)]
pub(in crate::augment) struct Rows {
    /// One row with its margins.
    wide: Vec<u16>,
    /// Rows that are blurred along x.
    ring: Vec<u16>,
    /// Each weight as often as there are values in a block: a vector of 16-bit numbers from the start, or compilers
    /// multiply 32-bit ones.
    weights: Vec<Block>,
}

/// Blurs the picture; mirrored beyond its border.
pub(super) fn blur(image: &mut RgbImage, taps: &Taps, rows: &mut Rows) {
    if taps.n > 1 {
        blur_rows(image, taps, rows, |image, y, row| {
            widen(&image.data[y * image.width * 3..][..row.len()], row);
        });
    }
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn widen(levels: &[u8], row: &mut [u16]) {
    for (to, &level) in row.iter_mut().zip(levels) {
        *to = u16::from(level) << FRACTION;
    }
}

/// Blurs rows that `load` writes, in order and each once, with [`FRACTION`] fractional bits and at most 255 levels, and
/// puts the result into `image`. When row `y` is asked for, those of the picture from `y` on are still as they were.
pub(super) fn blur_rows(
    image: &mut RgbImage,
    taps: &Taps,
    rows: &mut Rows,
    mut load: impl FnMut(&RgbImage, usize, &mut [u16]),
) {
    let (width, height) = (image.width, image.height);
    let (length, reach) = (width * 3, taps.n - 1);
    if length == 0 {
        return;
    }
    let blocks = length.div_ceil(BLOCK) * BLOCK;
    let window = 2 * reach + 1;
    rows.wide.resize(blocks + 6 * reach, 0);
    rows.ring.resize(blocks * window, 0);
    rows.weights.clear();
    rows.weights.extend(taps.all().iter().map(|&weight| [weight; BLOCK]));
    let weights = &rows.weights[..];
    let mut pairs = [(0, 0); Taps::MOST];
    let mut loaded = 0;
    for y in 0..height {
        while loaded < height.min(y + reach + 1) {
            load(image, loaded, &mut rows.wide[3 * reach..][..length]);
            mirror_ends(&mut rows.wide[..length + 6 * reach], reach);
            along_x(&rows.wide, weights, &mut rows.ring[loaded % window * blocks..][..blocks]);
            loaded += 1;
        }
        for (i, pair) in pairs.iter_mut().enumerate().take(weights.len()) {
            let start = |y: isize| Beyond::Mirror.place(y, height) % window * blocks;
            *pair = (start(y as isize - i as isize), start((y + i) as isize));
        }
        along_y(&rows.ring, &pairs[..weights.len()], weights, &mut image.data[y * length..][..length]);
    }
}

/// Fills `reach` pixels on both sides of a row.
fn mirror_ends(row: &mut [u16], reach: usize) {
    let width = row.len() / 3 - 2 * reach;
    for i in (0..reach).chain(reach + width..2 * reach + width) {
        let from = reach + Beyond::Mirror.place(i as isize - reach as isize, width);
        row.copy_within(from * 3..from * 3 + 3, i * 3);
    }
}

/// The upper half of a product.
#[inline(always)]
fn product(a: u16, weight: u16) -> u16 {
    ((u32::from(a) * u32::from(weight)) >> 16) as u16
}

type Block = [u16; BLOCK];

#[inline(always)]
fn block(values: &[u16], at: usize) -> &Block {
    const NONE: &Block = &[0; BLOCK];
    values[at..].first_chunk().unwrap_or(NONE)
}

#[inline(always)]
fn add(sums: &mut Block, (a, b): (&Block, &Block), weight: &Block) {
    for i in 0..BLOCK {
        sums[i] += product(a[i] + b[i], weight[i]);
    }
}

#[inline(always)]
fn add_three(sums: &mut Block, [(a, b), (c, d), (e, f)]: [(&Block, &Block); 3], [u, v, w]: &[Block; 3]) {
    for i in 0..BLOCK {
        sums[i] += product(a[i] + b[i], u[i]) + product(c[i] + d[i], v[i]) + product(e[i] + f[i], w[i]);
    }
}

/// What the products cut off in the mean.
fn cut(weights: &[Block]) -> u16 {
    weights.len() as u16 / 2
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn along_x(row: &[u16], weights: &[Block], out: &mut [u16]) {
    let [middle, weights @ ..] = weights else { return };
    let reach = 3 * weights.len();
    if reach == 0 {
        out.copy_from_slice(&row[..out.len()]);
        return;
    }
    for (n, out) in out.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        let at = n * BLOCK + reach;
        let mut sums = [cut(weights); BLOCK];
        let centre = block(row, at);
        for i in 0..BLOCK {
            sums[i] += product(centre[i], middle[i]);
        }
        // Three pairs a time, so that the sums are seldom read and written.
        let (threes, rest) = weights.as_chunks::<3>();
        let pair = |i: usize| (block(row, at - 3 * i), block(row, at + 3 * i));
        for (i, weights) in threes.iter().enumerate() {
            add_three(&mut sums, [pair(3 * i + 1), pair(3 * i + 2), pair(3 * i + 3)], weights);
        }
        for (i, weight) in rest.iter().enumerate() {
            add(&mut sums, pair(3 * threes.len() + i + 1), weight);
        }
        *out = sums;
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn along_y(ring: &[u16], pairs: &[(usize, usize)], weights: &[Block], out: &mut [u8]) {
    let ([middle, weights @ ..], [(row, _), pairs @ ..]) = (weights, pairs) else { return };
    let half = 1 << (FRACTION - 1);
    for (n, out) in out.chunks_mut(BLOCK).enumerate() {
        let at = n * BLOCK;
        let mut sums = [half; BLOCK];
        let centre = block(ring, row + at);
        if weights.is_empty() {
            for i in 0..BLOCK {
                sums[i] += centre[i];
            }
        } else {
            let cut = cut(weights);
            for i in 0..BLOCK {
                sums[i] += product(centre[i], middle[i]) + cut;
            }
        }
        let (threes, rest) = weights.as_chunks::<3>();
        let (pair_threes, pair_rest) = pairs.as_chunks::<3>();
        let pair = |(above, below): (usize, usize)| (block(ring, above + at), block(ring, below + at));
        for (&[a, b, c], weights) in pair_threes.iter().zip(threes) {
            add_three(&mut sums, [pair(a), pair(b), pair(c)], weights);
        }
        for (&ends, weight) in pair_rest.iter().zip(rest) {
            add(&mut sums, pair(ends), weight);
        }
        let mut levels = [0; BLOCK];
        for (level, sum) in levels.iter_mut().zip(sums) {
            *level = (sum >> FRACTION) as u8;
        }
        // Of a known length, this is a few instructions.
        match out.first_chunk_mut() {
            Some(whole) => *whole = levels,
            None => out.copy_from_slice(&levels[..out.len()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_pictures_stay_flat() {
        for (sigma, size) in [(0.4, 3), (1.0, 7), (3.0, 21), (16.0, 113), (16.0, 127), (0.0, 5), (1.5, 127)] {
            let taps = Taps::gaussian(sigma, size);
            for level in 0..=255 {
                let mut image = RgbImage { width: 5, height: 4, data: vec![level; 60] };
                blur(&mut image, &taps, &mut Rows::default());
                assert!(image.data.iter().all(|&v| v == level), "{sigma} {level}: {:?}", image.data);
            }
        }
    }

    /// Beside the same kernel in double precision.
    #[test]
    fn blurs_are_nearly_exact() {
        let (width, height) = (37, 29);
        let data: Vec<u8> = (0..width * height * 3).map(|i| (i * 7919 % 256) as u8 ^ (i / 9) as u8).collect();
        for (sigma, size) in [(0.5, 3), (1.3, 9), (3.0, 21), (9.0, 63)] {
            let value = |i: isize| libm::exp(-0.5 * (i as f64 / sigma) * (i as f64 / sigma));
            let reach = size as isize / 2;
            let sum: f64 = (-reach..=reach).map(value).sum();
            let exact = |x: usize, y: usize, c: usize| {
                let mut total = 0.0;
                for dy in -reach..=reach {
                    let row = Beyond::Mirror.place(y as isize + dy, height) * width;
                    for dx in -reach..=reach {
                        let at = row + Beyond::Mirror.place(x as isize + dx, width);
                        total += f64::from(data[at * 3 + c]) * value(dx) * value(dy);
                    }
                }
                total / (sum * sum)
            };
            let mut image = RgbImage { width, height, data: data.clone() };
            blur(&mut image, &Taps::gaussian(sigma, size), &mut Rows::default());
            for (i, &found) in image.data.iter().enumerate() {
                let expected = exact(i / 3 % width, i / 3 / width, i % 3);
                assert!((f64::from(found) - expected).abs() < 0.58, "{sigma} {i}: {found} {expected}");
            }
        }
    }
}
