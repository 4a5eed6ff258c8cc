//! Smooths fields of numbers by a Gaussian, as OpenCV's `GaussianBlur` does with a kernel of its own size: the normal
//! density at whole pixels out to four standard deviations, scaled to a sum of 1; the border goes on for ever.

/// Columns that are summed at once.
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

/// Smooths a field of `width` columns, row by row in `field`. `buffer` is working memory.
pub(super) fn smooth(field: &mut Vec<f32>, width: usize, sigma: f64, buffer: &mut Vec<f32>) {
    if width == 0 || field.is_empty() {
        return;
    }
    let height = field.len() / width;
    let kernel = Kernel::of(sigma);
    buffer.clear();
    buffer.resize(field.len(), 0.0);
    down(field, width, &kernel, buffer);
    transpose(buffer, width, field);
    down(field, height, &kernel, buffer);
    transpose(buffer, height, field);
}

/// Sums down the columns.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn down(field: &[f32], width: usize, kernel: &Kernel, result: &mut [f32]) {
    let last = field.len() / width - 1;
    for left in (0..width).step_by(BLOCK) {
        let columns = BLOCK.min(width - left);
        // The last block may be part of one, and ends where the rows end.
        let row = |y: usize| &field[y * width + left..][..columns];
        for y in 0..=last {
            let mut sum = [0.0; BLOCK];
            add(&mut sum, row(y), row(y), 0.5 * kernel.weights[0]);
            // From where on both ends lie beyond the border.
            let reach = y.max(last - y).min(kernel.weights.len() - 1);
            for (i, &weight) in kernel.weights.iter().enumerate().take(reach + 1).skip(1) {
                add(&mut sum, row(y.saturating_sub(i)), row((y + i).min(last)), weight);
            }
            if let Some(&tail) = kernel.tails.get(reach + 1) {
                add(&mut sum, row(0), row(last), tail);
            }
            result[y * width + left..][..columns].copy_from_slice(&sum[..columns]);
        }
    }
}

/// `sum + weight x (a + b)`.
#[inline(always)]
fn add(sum: &mut [f32; BLOCK], a: &[f32], b: &[f32], weight: f32) {
    if let (Ok(a), Ok(b)) = (<&[f32; BLOCK]>::try_from(a), <&[f32; BLOCK]>::try_from(b)) {
        for i in 0..BLOCK {
            sum[i] += weight * (a[i] + b[i]);
        }
        return;
    }
    for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
        *sum += weight * (a + b);
    }
}

/// Rows of `width` become columns.
fn transpose(field: &[f32], width: usize, result: &mut [f32]) {
    const TILE: usize = 16;
    let height = field.len() / width;
    for top in (0..height).step_by(TILE) {
        for left in (0..width).step_by(TILE) {
            for x in left..width.min(left + TILE) {
                for y in top..height.min(top + TILE) {
                    result[x * height + y] = field[y * width + x];
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
            smooth(&mut field, width, sigma, &mut Vec::new());
            for (found, expected) in field.iter().zip(&expected) {
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-3,
                    "{width} x {height}: {found} {expected}"
                );
            }
        }
    }
}
