//! A hash of what a picture looks like: two pictures of one scene have hashes that differ in few bits.
//!
//! Built as PDQ's ("The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook 2019): the
//! picture's luminance on a grid of 64 x 64, the 16 x 16 lowest waves of its cosine transform without the constant
//! one, and for each wave whether it is above the median of all. PDQ smooths by two passes of a tent filter; here each
//! cell of the grid is the exact mean of the picture's area under it, which needs one pass and gives the same bits on
//! every machine. So the hashes are PDQ's in kind, and are not to be compared with those of its other makers.
//!
//! A picture that is nearly flat has waves of noise alone. `detail` says how much there is to see, as PDQ's "quality".

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::RgbImage;

/// Cells a side.
const SIDE: usize = 64;
/// Waves a side.
const WAVES: usize = 16;

/// What a picture looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureHash {
    /// One bit per wave, row by row, the first one in the highest bit of the first byte.
    pub bits: [u8; 32],
    /// The grid's gradients summed up, in hundredths of the range from black to white, and divided by 90; 0: flat.
    pub detail: u32,
}

/// The hash of an upright picture; of an empty one that of a black picture.
pub fn hash(image: &RgbImage) -> PictureHash {
    let grid = grid(image);
    PictureHash { bits: bits(&waves(&grid)), detail: detail(&grid) }
}

/// The mean luminance (Rec. 601, 0 to 255) of each cell, [row, column].
fn grid(image: &RgbImage) -> Vec<f64> {
    let (width, height) = (image.width, image.height);
    if image.data.is_empty() {
        return vec![0.0; SIDE * SIDE];
    }
    let columns = shares(width);
    let mut sums = vec![0u64; SIDE * SIDE];
    // One row of cells at a time, column by column: below 2^32 for any picture that is decoded.
    let mut column_sums = vec![0u32; width];
    let mut lines = shares(height).into_iter().peekable();
    while let Some(Share { pixel, cell, weight }) = lines.next() {
        let pixels = &image.data[pixel * width * 3..(pixel + 1) * width * 3];
        for (sum, rgb) in column_sums.iter_mut().zip(pixels.as_chunks::<3>().0) {
            let [red, green, blue] = rgb.map(u32::from);
            *sum += (77 * red + 150 * green + 29 * blue) * weight;
        }
        if lines.peek().is_none_or(|next| next.cell != cell) {
            let row = &mut sums[cell * SIDE..(cell + 1) * SIDE];
            for &Share { pixel, cell, weight } in &columns {
                row[cell] += u64::from(column_sums[pixel]) * u64::from(weight);
            }
            column_sums.fill(0);
        }
    }
    // In 256ths of a grey level; a cell covers `width` 64ths of a pixel by `height`.
    let area = 256.0 * width as f64 * height as f64;
    sums.into_iter().map(|sum| sum as f64 / area).collect()
}

/// How much of a pixel lies in a cell.
struct Share {
    pixel: usize,
    cell: usize,
    /// In 64ths of the pixel.
    weight: u32,
}

/// The shares of a line of `n` pixels in its 64 cells, from the first to the last.
fn shares(n: usize) -> Vec<Share> {
    let mut shares = Vec::with_capacity(n + SIDE);
    // Pixel i covers 64 units from 64 i, cell j covers n units from j n.
    let (mut from, mut cell) = (0, 0);
    while from < n * SIDE {
        let pixel = from / SIDE;
        let to = ((pixel + 1) * SIDE).min((cell + 1) * n);
        shares.push(Share { pixel, cell, weight: (to - from) as u32 });
        cell += usize::from(to == (cell + 1) * n);
        from = to;
    }
    shares
}

/// `cos(pi / 64 * k * (j + 1/2))` for waves k from 1 and cells j, [wave, cell].
static COSINES: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let cosine = |(wave, cell): (usize, usize)| {
        libm::cos(PI / (2 * SIDE) as f64 * wave as f64 * (2 * cell + 1) as f64)
    };
    (1..=WAVES).flat_map(|wave| (0..SIDE).map(move |cell| (wave, cell))).map(cosine).collect()
});

/// The lowest waves of the grid's cosine transform, [down, across], up to a factor.
fn waves(grid: &[f64]) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let rows: Vec<&[f64]> = grid.chunks_exact(SIDE).collect();
    let of = |wave: usize| &COSINES[wave * SIDE..(wave + 1) * SIDE];
    let mut waves = Vec::with_capacity(WAVES * WAVES);
    // [across, line]
    let across: Vec<Vec<f64>> =
        (0..WAVES).map(|wave| rows.iter().map(|row| dot(of(wave), row)).collect()).collect();
    for down in 0..WAVES {
        waves.extend(across.iter().map(|column| dot(of(down), column)));
    }
    waves
}

/// Which waves are above the median.
fn bits(waves: &[f64]) -> [u8; 32] {
    let mut sorted = waves.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2 - 1];
    let mut bits = [0; 32];
    for (i, wave) in waves.iter().enumerate() {
        bits[i / 8] |= u8::from(*wave > median) << (7 - i % 8);
    }
    bits
}

fn detail(grid: &[f64]) -> u32 {
    let step = |a: f64, b: f64| ((a - b) * 100.0 / 255.0).abs().trunc() as u32;
    let across: u32 =
        grid.chunks_exact(SIDE).flat_map(|row| row.windows(2).map(|pair| step(pair[0], pair[1]))).sum();
    let down: u32 = grid.iter().zip(&grid[SIDE..]).map(|(&above, &below)| step(above, below)).sum();
    (across + down) / 90
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{decode, resize};
    use crate::spec::settings::Fit;

    fn golden(name: &str) -> RgbImage {
        let place = format!("{}/tests/golden/pixels/decode/{name}", env!("CARGO_MANIFEST_DIR"));
        decode(&std::fs::read(place).unwrap()).unwrap()
    }

    fn apart(a: &RgbImage, b: &RgbImage) -> u32 {
        hash(a).bits.iter().zip(hash(b).bits).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    #[test]
    fn each_pixel_is_shared_out_whole() {
        for n in [1, 2, 63, 64, 65, 100, 128, 1000] {
            let shares = shares(n);
            for pixel in 0..n {
                let of = shares.iter().filter(|share| share.pixel == pixel);
                assert_eq!(of.map(|share| share.weight).sum::<u32>(), 64, "{n}");
            }
            for cell in 0..SIDE {
                let of = shares.iter().filter(|share| share.cell == cell);
                assert_eq!(of.map(|share| share.weight).sum::<u32>(), n as u32, "{n}");
            }
        }
    }

    #[test]
    fn a_cell_is_the_mean_of_its_area() {
        // 96 pixels a side: cell 0 holds pixel 0 and half of pixel 1.
        let mut image = RgbImage::new(96, 96);
        image.set_pixel(0, 0, [90; 3]);
        image.set_pixel(1, 1, [40; 3]);
        let grid = grid(&image);
        let expected = (90.0 + 40.0 * 0.25) / 2.25;
        assert!((grid[0] - expected).abs() < 1e-9, "{}", grid[0]);
        assert!((grid[1] - 40.0 * 0.25 / 2.25).abs() < 1e-9);
        assert_eq!(grid[2], 0.0);
    }

    #[test]
    fn half_of_the_bits_are_set_and_other_pictures_have_others() {
        let (wide, other) = (golden("wide.png"), golden("rgb_420.jpg"));
        for image in [&wide, &other] {
            assert_eq!(hash(image).bits.iter().map(|byte| byte.count_ones()).sum::<u32>(), 128);
        }
        assert!(apart(&wide, &other) > 80, "{}", apart(&wide, &other));
    }

    #[test]
    fn size_and_brightness_change_few_bits() {
        let wide = golden("wide.png");
        assert!(apart(&wide, &resize::fit(&wide, 90, Fit::Stretch)) <= 20);
        let mut bright = wide.clone();
        bright.data.iter_mut().for_each(|value| *value = value.saturating_add(20));
        assert!(apart(&wide, &bright) <= 20, "{}", apart(&wide, &bright));
    }

    #[test]
    fn flat_pictures_have_no_detail() {
        let mut flat = RgbImage::new(50, 30);
        flat.data.fill(200);
        assert_eq!(hash(&flat).detail, 0);
        assert_eq!(hash(&RgbImage::default()).detail, 0);
        assert!(hash(&golden("wide.png")).detail > 20);
    }
}
