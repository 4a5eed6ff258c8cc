//! The cosine transform of 8 x 8 blocks, what quantisation loses of it, and the way back: libjpeg's slow but accurate
//! integer transform (`jfdctint.c`, `jidctint.c`; Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms
//! with 11 multiplications", 1989).
//!
//! Blocks that lie side by side are transformed at once, each in its own lane of a vector.

use super::plane::GROUP;
use super::quantise::{Table, lose};

/// Blocks that are transformed at once.
const LANES: usize = GROUP / 8;

/// One value of each of these blocks.
type Lanes = [i32; LANES];

/// Row, column, block.
type Blocks = [[Lanes; 8]; 8];

/// Fractional bits of the factors, and of the values between the passes.
const FACTOR: i32 = 13;
const BETWEEN: i32 = 2;

const F_0_298: i32 = 2446;
const F_0_390: i32 = 3196;
const F_0_541: i32 = 4433;
const F_0_765: i32 = 6270;
const F_0_899: i32 = 7373;
const F_1_175: i32 = 9633;
const F_1_501: i32 = 12_299;
const F_1_847: i32 = 15_137;
const F_1_961: i32 = 16_069;
const F_2_053: i32 = 16_819;
const F_2_562: i32 = 20_995;
const F_3_072: i32 = 25_172;

/// Loses what the table loses of eight rows, whose length is a multiple of [`GROUP`].
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
pub(super) fn lose_strip(strip: &mut [u8], stride: usize, table: &Table) {
    let mut blocks: Blocks = [[[0; LANES]; 8]; 8];
    for at in (0..stride).step_by(GROUP) {
        for (y, row) in blocks.iter_mut().enumerate() {
            load(&strip[y * stride + at..], row);
        }
        for row in &mut blocks {
            along(row, |x| forward(x, FACTOR - BETWEEN));
        }
        for x in 0..8 {
            let steps: [i32; 8] = std::array::from_fn(|y| table.steps[y * 8 + x]);
            let shares = steps.map(|step| 1.0 / (8 * step) as f32);
            let mut column: [Lanes; 8] = std::array::from_fn(|y| blocks[y][x]);
            along(&mut column, |x| {
                let mut f = forward(x, FACTOR + BETWEEN);
                for ((f, step), share) in f.iter_mut().zip(steps).zip(shares) {
                    *f = lose(*f, step, share);
                }
                back(f, FACTOR - BETWEEN)
            });
            for (row, column) in blocks.iter_mut().zip(column) {
                row[x] = column;
            }
        }
        for (y, row) in blocks.iter_mut().enumerate() {
            along(row, |f| back(f, FACTOR + BETWEEN + 3));
            store(row, &mut strip[y * stride + at..]);
        }
    }
}

/// Transforms eight values of each block.
#[inline(always)]
fn along([a, b, c, d, e, f, g, h]: &mut [Lanes; 8], transform: impl Fn([i32; 8]) -> [i32; 8]) {
    for i in 0..LANES {
        [a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i]] =
            transform([a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i]]);
    }
}

/// A row of the blocks, around 0.
#[inline(always)]
fn load(strip: &[u8], row: &mut [Lanes; 8]) {
    for (n, eight) in strip[..GROUP].as_chunks::<64>().0.iter().enumerate() {
        let mut words = [0; 8];
        for (word, block) in words.iter_mut().zip(eight.as_chunks().0) {
            *word = u64::from_le_bytes(*block);
        }
        for (lanes, column) in row.iter_mut().zip(transposed(words)) {
            for (lane, value) in lanes[8 * n..8 * n + 8].iter_mut().zip(column.to_le_bytes()) {
                *lane = i32::from(value) - 128;
            }
        }
    }
}

#[inline(always)]
fn store(row: &[Lanes; 8], strip: &mut [u8]) {
    for (n, eight) in strip[..GROUP].as_chunks_mut::<64>().0.iter_mut().enumerate() {
        let mut words = [0; 8];
        for (word, lanes) in words.iter_mut().zip(row) {
            let mut column = [0; 8];
            for (value, lane) in column.iter_mut().zip(&lanes[8 * n..8 * n + 8]) {
                *value = (lane + 128).clamp(0, 255) as u8;
            }
            *word = u64::from_le_bytes(column);
        }
        for (block, word) in eight.as_chunks_mut().0.iter_mut().zip(transposed(words)) {
            *block = word.to_le_bytes();
        }
    }
}

/// Rows of eight bytes as columns: halves, quarters and eighths change places.
#[inline(always)]
fn transposed(mut words: [u64; 8]) -> [u64; 8] {
    for (step, low) in [(4, 0xffff_ffff), (2, 0xffff_0000_ffff), (1, 0xff_00ff_00ff_00ff)] {
        for i in (0..8).filter(|i| i & step == 0) {
            let (a, b) = (words[i], words[i + step]);
            let change = ((a >> (8 * step)) ^ b) & low;
            (words[i], words[i + step]) = (a ^ (change << (8 * step)), b ^ change);
        }
    }
    words
}

/// `value / 2^bits`, rounded.
#[inline(always)]
fn scale(value: i32, bits: i32) -> i32 {
    (value + (1 << (bits - 1))) >> bits
}

/// Eight values to frequencies. Those without a factor are shifted left by [`BETWEEN`] in the first pass (`bits` below
/// [`FACTOR`]) and right in the second.
#[inline(always)]
fn forward(x: [i32; 8], bits: i32) -> [i32; 8] {
    let whole = |value: i32| if bits < FACTOR { value << BETWEEN } else { scale(value, BETWEEN) };
    let (s0, d0, s1, d1) = (x[0] + x[7], x[0] - x[7], x[1] + x[6], x[1] - x[6]);
    let (s2, d2, s3, d3) = (x[2] + x[5], x[2] - x[5], x[3] + x[4], x[3] - x[4]);
    let (a, b, c, d) = (s0 + s3, s1 + s2, s1 - s2, s0 - s3);
    let turned = (c + d) * F_0_541;
    let both = (d3 + d1 + d2 + d0) * F_1_175;
    let (z1, z2) = ((d3 + d0) * -F_0_899, (d2 + d1) * -F_2_562);
    let (z3, z4) = ((d3 + d1) * -F_1_961 + both, (d2 + d0) * -F_0_390 + both);
    [
        whole(a + b),
        scale(d0 * F_1_501 + z1 + z4, bits),
        scale(turned + d * F_0_765, bits),
        scale(d1 * F_3_072 + z2 + z3, bits),
        whole(a - b),
        scale(d2 * F_2_053 + z2 + z4, bits),
        scale(turned - c * F_1_847, bits),
        scale(d3 * F_0_298 + z1 + z3, bits),
    ]
}

/// Frequencies to eight values.
#[inline(always)]
fn back(f: [i32; 8], bits: i32) -> [i32; 8] {
    let turned = (f[2] + f[6]) * F_0_541;
    let (low, high) = (turned - f[6] * F_1_847, turned + f[2] * F_0_765);
    let (sum, difference) = ((f[0] + f[4]) << FACTOR, (f[0] - f[4]) << FACTOR);
    let (a, b, c, d) = (sum + high, difference + low, difference - low, sum - high);
    let both = (f[7] + f[3] + f[5] + f[1]) * F_1_175;
    let (z1, z2) = ((f[7] + f[1]) * -F_0_899, (f[5] + f[3]) * -F_2_562);
    let (z3, z4) = ((f[7] + f[3]) * -F_1_961 + both, (f[5] + f[1]) * -F_0_390 + both);
    let (e, g) = (f[7] * F_0_298 + z1 + z3, f[5] * F_2_053 + z2 + z4);
    let (h, k) = (f[3] * F_3_072 + z2 + z3, f[1] * F_1_501 + z1 + z4);
    let all = [a + k, b + h, c + g, d + e, d - e, c - g, b - h, a - k];
    all.map(|value| scale(value, bits))
}
