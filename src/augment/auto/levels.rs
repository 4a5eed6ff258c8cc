//! Changes of levels, value by value: equal to torchvision's.

use crate::augment::transform::Tables;
use crate::pixels::RgbImage;

/// Keeps the `bits` high bits of each value.
pub(super) fn posterize(bits: u32, values: &mut [u8]) {
    let mask = (0xff00u16 >> bits.min(8)) as u8;
    for value in values {
        *value &= mask;
    }
}

/// Inverts the values that are at least `threshold`.
pub(super) fn solarize(threshold: f64, values: &mut [u8]) {
    let least = libm::ceilf(threshold as f32) as u8;
    for value in values {
        *value = if *value >= least { !*value } else { *value };
    }
}

/// `255 - in`.
pub(super) fn invert(values: &mut [u8]) {
    for value in values {
        *value = !*value;
    }
}

/// Stretches each channel so that its least value becomes 0 and its largest 255; a channel of one value stays.
pub(super) fn autocontrast(image: &mut RgbImage) {
    let [least, most] = ends(&image.data);
    let table = |channel: usize| {
        let (least, most) = (least[channel], most[channel]);
        let (least, scale) = if least == most {
            (0.0, 1.0)
        } else {
            (f32::from(least), f32::from(most - least) * (1.0 / 255.0))
        };
        std::array::from_fn(|value| ((value as f32 - least) / scale) as u8)
    };
    Tables(Box::new(std::array::from_fn(table))).apply(image);
}

/// The least and the largest value of each channel.
fn ends(values: &[u8]) -> [[u8; 3]; 2] {
    // As many pixels side by side as fill vectors.
    let (blocks, rest) = values.as_chunks::<48>();
    let (mut least, mut most) = ([255; 48], [0; 48]);
    for block in blocks {
        for (i, &value) in block.iter().enumerate() {
            least[i] = value.min(least[i]);
            most[i] = value.max(most[i]);
        }
    }
    for (i, &value) in rest.iter().enumerate() {
        least[i] = value.min(least[i]);
        most[i] = value.max(most[i]);
    }
    let fold = |of: [u8; 48], choose: fn(u8, u8) -> u8| {
        std::array::from_fn(|channel| of[channel..].iter().step_by(3).copied().reduce(choose).unwrap_or(0))
    };
    [fold(least, u8::min), fold(most, u8::max)]
}

/// Evens out the histogram of each channel, in the way of PIL: the largest value does not count, and steps between levels
/// are whole numbers of pixels. A channel with fewer than 255 pixels below its largest value stays.
pub(super) fn equalize(image: &mut RgbImage) {
    let mut counts = [[0u32; 256]; 3];
    for pixel in image.data.as_chunks::<3>().0 {
        for (counts, value) in counts.iter_mut().zip(pixel) {
            counts[usize::from(*value)] += 1;
        }
    }
    Tables(Box::new(counts.map(|counts| evened(&counts)))).apply(image);
}

fn evened(counts: &[u32; 256]) -> [u8; 256] {
    let pixels: u32 = counts.iter().sum();
    let of_largest = counts.iter().rfind(|&&count| count > 0).copied().unwrap_or(0);
    let step = (pixels - of_largest) / 255;
    let mut below = 0;
    std::array::from_fn(|value| {
        if step == 0 {
            return value as u8;
        }
        let level = (below + step / 2) / step;
        below += counts[value];
        level.min(255) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_found_in_every_place() {
        for pixels in [1, 2, 15, 16, 17, 40] {
            for at in 0..pixels * 3 {
                let mut values = vec![100; pixels * 3];
                values[at] = 7;
                let mut expected = [[100; 3]; 2];
                expected[0][at % 3] = 7;
                if pixels == 1 {
                    expected[1][at % 3] = 7;
                }
                assert_eq!(ends(&values), expected);
            }
        }
    }

    #[test]
    fn a_stretched_channel_fills_the_range() {
        let data = (0..30u8).flat_map(|i| [100 + i, 50, 3 * i]).collect();
        let mut image = RgbImage { width: 10, height: 3, data };
        autocontrast(&mut image);
        // 254: a last bit below 255, cut off, in torchvision too.
        assert_eq!(ends(&image.data), [[0, 50, 0], [254, 50, 255]]);
    }
}
