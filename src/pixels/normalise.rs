//! From bytes to what a network reads.

/// Values of a round of the inner loop: whole pixels, and a whole number of vector registers.
const ROUND: usize = 48;

/// Writes `value x scale + shift`, channel by channel and rounded after each of the two, for every value of interleaved
/// RGB pixels.
///
/// # Panics
/// Where `out` has another length than `pixels`, or that is no multiple of 3: a mistake of the caller.
pub fn normalise(pixels: &[u8], scale: [f32; 3], shift: [f32; 3], out: &mut [f32]) {
    assert!(pixels.len() == out.len() && pixels.len().is_multiple_of(3), "bug: not as many floats as values");
    let scale: [f32; ROUND] = std::array::from_fn(|i| scale[i % 3]);
    let shift: [f32; ROUND] = std::array::from_fn(|i| shift[i % 3]);
    rounds(pixels, &scale, &shift, out);
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw", "x86_64+avx2"))]
fn rounds(pixels: &[u8], scale: &[f32; ROUND], shift: &[f32; ROUND], out: &mut [f32]) {
    let (whole, rest) = pixels.as_chunks::<ROUND>();
    let (whole_out, rest_out) = out.as_chunks_mut::<ROUND>();
    for (values, out) in whole.iter().zip(whole_out) {
        for i in 0..ROUND {
            out[i] = f32::from(values[i]) * scale[i] + shift[i];
        }
    }
    for (i, (value, out)) in rest.iter().zip(rest_out).enumerate() {
        *out = f32::from(*value) * scale[i] + shift[i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_scaled_and_shifted_by_its_channel() {
        let (scale, shift) = ([0.5, 0.25, 1.0 / 3.0], [-1.0, 0.0, 0.125]);
        for n_pixels in [0, 1, 15, 16, 17, 100] {
            let pixels: Vec<u8> = (0..n_pixels * 3).map(|i| (i * 89) as u8).collect();
            let mut out = vec![f32::NAN; pixels.len()];
            normalise(&pixels, scale, shift, &mut out);
            for (i, (value, out)) in pixels.iter().zip(&out).enumerate() {
                let expected = f32::from(*value) * scale[i % 3] + shift[i % 3];
                assert_eq!(expected.to_bits(), out.to_bits(), "{i} of {n_pixels} pixels");
            }
        }
    }
}
