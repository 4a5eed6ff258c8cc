//! Brightness, colour and contrast: the picture blended with black, with its greys, with its mean grey.
//!
//! As torchvision on 8-bit pictures: in 32-bit floats, greys and results cut off to whole levels instead of rounded. Its
//! fused multiply-adds are computed in 64 bits and rounded once, so that the bits are the same on every machine.

/// `factor x in`, clipped and cut off.
pub(super) fn brightness(factor: f64, values: &mut [u8]) {
    let factor = factor as f32;
    scale(values, factor);
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn scale(values: &mut [u8], factor: f32) {
    for value in values {
        *value = (f32::from(*value) * factor) as u8;
    }
}

/// `factor x in + (1 - factor) x grey`, clipped and cut off.
pub(super) fn color(factor: f64, values: &mut [u8]) {
    mix_with_grey(values.as_chunks_mut::<3>().0, factor as f32, f64::from((1.0 - factor) as f32));
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn mix_with_grey(pixels: &mut [[u8; 3]], factor: f32, rest: f64) {
    for pixel in pixels {
        let added = f64::from(grey(*pixel)) * rest;
        *pixel = pixel.map(|value| fused(f32::from(value) * factor, added));
    }
}

/// `factor x in + (1 - factor) x mean grey`, clipped and cut off.
pub(super) fn contrast(factor: f64, values: &mut [u8]) {
    let pixels = values.as_chunks::<3>().0;
    let mean = sum_of_greys(pixels) as f32 / pixels.len().max(1) as f32;
    let added = f64::from(mean) * f64::from((1.0 - factor) as f32);
    let table: [u8; 256] = std::array::from_fn(|value| fused(value as f32 * factor as f32, added));
    for value in values {
        *value = table[usize::from(*value)];
    }
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn sum_of_greys(pixels: &[[u8; 3]]) -> u64 {
    // Parts whose sum fits into 32 bits.
    let sum = |part: &[[u8; 3]]| u64::from(part.iter().map(|&pixel| grey(pixel) as u32).sum::<u32>());
    pixels.chunks(1 << 16).map(sum).sum()
}

/// The sum, rounded once to 32 bits, clipped and cut off to a whole level.
#[inline(always)]
fn fused(product: f32, added: f64) -> u8 {
    (f64::from(product) + added) as f32 as u8
}

/// `0.2989 r + 0.587 g + 0.114 b`, cut off to a whole level. The weights add up to less than 1: white becomes 254.
#[inline(always)]
fn grey([r, g, b]: [u8; 3]) -> f32 {
    // Ten thousandths, exact in 32 bits. Half of one more keeps the product on the right side of whole levels.
    let sum = f32::from(r) * 2989.0 + f32::from(g) * 5870.0 + f32::from(b) * 1140.0;
    f32::from(((sum + 0.5) * 1e-4) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greys_are_cut_off_exactly() {
        for sum in 0..=255u32 * 9999 {
            assert_eq!(u32::from(((sum as f32 + 0.5) * 1e-4) as u8), sum / 10_000);
        }
        assert_eq!([[0; 3], [1; 3], [255; 3], [200, 100, 50]].map(grey), [0.0, 0.0, 254.0, 124.0]);
    }

    #[test]
    fn a_factor_of_1_changes_nothing() {
        let values: Vec<u8> = (0..=255).cycle().take(256 * 3).collect();
        for blend in [brightness, color, contrast] {
            let mut after = values.clone();
            blend(1.0, &mut after);
            assert_eq!(after, values);
        }
    }
}
