//! Smooths fields of numbers by a Gaussian, as OpenCV's `GaussianBlur` does with a kernel of its own size:
//! the normal density at whole pixels out to four standard deviations, scaled to a sum of 1; the border goes
//! on for ever.

/// Length of a block.
const BLOCK: usize = 32;

/// The kernel from its middle outwards.
struct Kernel {
    weights: Vec<f32>,
    /// Sums of the weights from each one outwards.
    tails: Vec<f32>,
}

impl Kernel {
    /// Of a standard deviation in pixels, above 0.
    fn of(sigma: f64) -> Self {
        let size = libm::rint(sigma * 8.0 + 1.0) as usize | 1;
        let density = |i: usize| libm::exp(-0.5 * (i as f64 / sigma) * (i as f64 / sigma));
        let density: Vec<f64> = (0..=size / 2).map(density).collect();
        let sum = 2.0 * density.iter().sum::<f64>() - density[0];
        let weights: Vec<f32> = density.iter().map(|d| (d / sum) as f32).collect();
        let mut tails = weights.clone();
        for i in (0..tails.len() - 1).rev() {
            tails[i] += tails[i + 1];
        }
        Kernel { weights, tails }
    }
}

/// Columns that are summed at once.
type Block = [f32; BLOCK];

/// Working memory: a field in blocks of columns, before and after a pass.
#[derive(Clone, Debug, Default)]
pub(in crate::augment) struct Passes {
    before: Vec<Block>,
    after: Vec<Block>,
}

/// Smooths a field of `width` columns, row by row in `field`.
pub(super) fn smooth(field: &mut [f32], width: usize, sigma: f64, passes: &mut Passes) {
    if width == 0 || field.is_empty() {
        return;
    }
    let height = field.len() / width;
    let kernel = Kernel::of(sigma);
    let Passes { before, after } = passes;
    // Rows are cut into blocks; the last one is filled up.
    let blocks = width.div_ceil(BLOCK);
    before.clear();
    before.resize(blocks * height, [0.0; BLOCK]);
    for (row, blocks) in field.chunks_exact(width).zip(before.chunks_exact_mut(blocks)) {
        blocks.as_flattened_mut()[..width].copy_from_slice(row);
    }
    down(before, blocks, &kernel, after);
    let turned = height.div_ceil(BLOCK);
    transpose(after.as_flattened(), blocks * BLOCK, [width, height], before, turned * BLOCK);
    down(before, turned, &kernel, after);
    transpose(after.as_flattened(), turned * BLOCK, [height, width], before, blocks * BLOCK);
    for (row, blocks) in field.chunks_exact_mut(width).zip(before.chunks_exact(blocks)) {
        row.copy_from_slice(&blocks.as_flattened()[..width]);
    }
}

/// Sums down the columns of a field whose rows are so many blocks long.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn down(field: &[Block], blocks: usize, kernel: &Kernel, result: &mut Vec<Block>) {
    result.clear();
    result.reserve(field.len());
    let last = field.len() / blocks - 1;
    for y in 0..=last {
        // From where on both ends lie beyond the border.
        let reach = y.max(last - y).min(kernel.weights.len() - 1);
        for x in 0..blocks {
            let mut sum = field[y * blocks + x];
            for sum in &mut sum {
                *sum *= kernel.weights[0];
            }
            for (i, &weight) in kernel.weights[..=reach].iter().enumerate().skip(1) {
                let (above, below) = (y.saturating_sub(i), (y + i).min(last));
                add(&mut sum, &field[above * blocks + x], &field[below * blocks + x], weight);
            }
            if let Some(&tail) = kernel.tails.get(reach + 1) {
                add(&mut sum, &field[x], &field[last * blocks + x], tail);
            }
            result.push(sum);
        }
    }
}

/// `sum + weight x (a + b)`.
#[inline(always)]
fn add(sum: &mut Block, a: &Block, b: &Block, weight: f32) {
    for i in 0..BLOCK {
        sum[i] += weight * (a[i] + b[i]);
    }
}

/// Rows become columns: `width` columns of `height` rows, which begin `stride` apart, to rows that begin `to`
/// apart, a multiple of a block.
fn transpose(field: &[f32], stride: usize, [width, height]: [usize; 2], result: &mut Vec<Block>, to: usize) {
    const TILE: usize = 16;
    result.clear();
    result.resize(width * to / BLOCK, [0.0; BLOCK]);
    let result = result.as_flattened_mut();
    for top in (0..height).step_by(TILE) {
        for left in (0..width).step_by(TILE) {
            for x in left..width.min(left + TILE) {
                let column = &mut result[x * to + top..][..TILE.min(height - top)];
                for (y, value) in (top..).zip(column) {
                    *value = field[y * stride + x];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums over the whole plane, in doubles, every step apart.
    fn slowly(field: &[f32], width: usize, sigma: f64) -> Vec<f64> {
        let height = field.len() / width;
        let radius = (libm::rint(sigma * 8.0 + 1.0) as i64 | 1) / 2;
        let weight = |d: i64| libm::exp(-0.5 * (d as f64 / sigma).powi(2));
        let sum: f64 = (-radius..=radius).map(weight).sum();
        let at = |x: i64, y: i64| {
            let (x, y) = (x.clamp(0, width as i64 - 1), y.clamp(0, height as i64 - 1));
            f64::from(field[y as usize * width + x as usize])
        };
        let mut result = Vec::new();
        for (x, y) in (0..height as i64).flat_map(|y| (0..width as i64).map(move |x| (x, y))) {
            let mut total = 0.0;
            for (dx, dy) in (-radius..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dx, dy))) {
                total += weight(dx) * weight(dy) / (sum * sum) * at(x + dx, y + dy);
            }
            result.push(total);
        }
        result
    }

    #[test]
    fn fields_are_smoothed_as_by_definition() {
        for (width, height, sigma) in [(1, 1, 3.0), (7, 1, 2.0), (1, 9, 0.5), (40, 33, 1.5), (35, 12, 6.0)] {
            let mut field: Vec<f32> = (0..width * height).map(|i| ((i * 7919) % 101) as f32 - 50.0).collect();
            let expected = slowly(&field, width, sigma);
            smooth(&mut field, width, sigma, &mut Passes::default());
            for (found, expected) in field.iter().zip(&expected) {
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-3,
                    "{width} x {height}: {found} {expected}"
                );
            }
        }
    }
}
