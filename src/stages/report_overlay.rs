//! A map over its picture, as a tile for the page.

use crate::pixels::{Region, RgbImage, resize};
use crate::report::RAMP;
use crate::spec::settings::Fit;
use crate::tables::attention::AttentionMapRow;

/// Share of a tile's colour that is the map's.
const OPACITY: f32 = 0.6;

/// The colour of outlines: none that the map's colours come near.
const OUTLINE: [u8; 3] = [0, 235, 255];

/// The picture at `side`, at most its own.
pub fn tile(picture: &RgbImage, side: u32) -> RgbImage {
    if picture.width as u32 <= side { picture.clone() } else { resize::fit(picture, side, Fit::Stretch) }
}

/// A picture with the map's colours over it.
pub fn overlay(picture: &RgbImage, map: &AttentionMapRow) -> RgbImage {
    let mut over = picture.clone();
    lay_over(&mut over, map);
    over
}

/// Lays the map's colours over a tile.
pub fn lay_over(tile: &mut RgbImage, map: &AttentionMapRow) {
    for y in 0..tile.height {
        for x in 0..tile.width {
            let strength =
                enlarged(map, (x as f32 + 0.5) / tile.width as f32, (y as f32 + 0.5) / tile.height as f32);
            let (below, above) = (tile.pixel(x, y), colour(strength));
            let mixed = std::array::from_fn(|c| {
                (f32::from(below[c]) * (1.0 - OPACITY) + above[c] * OPACITY).round() as u8
            });
            tile.set_pixel(x, y, mixed);
        }
    }
}

/// Paints the pixels around a region, so that what is small stays to be seen.
pub fn outline(tile: &mut RgbImage, region: &Region) {
    let side = tile.width;
    let scaled = |along: usize| along * region.side() / side;
    let is_in = |x: usize, y: usize| x < side && y < side && region.has(scaled(x), scaled(y));
    for y in 0..side {
        for x in 0..side {
            let beside = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
            if !is_in(x, y) && beside.into_iter().any(|(x, y)| is_in(x, y)) {
                tile.set_pixel(x, y, OUTLINE);
            }
        }
    }
}

/// The map's strength, 0 to 1, at a place of the picture, 0 to 1 across and down: bilinear between the centres of its places.
fn enlarged(map: &AttentionMapRow, across: f32, down: f32) -> f32 {
    let (width, height) = (map.width as usize, map.height as usize);
    let along = |share: f32, n: usize| {
        let at = (share * n as f32 - 0.5).clamp(0.0, (n - 1) as f32);
        let first = at as usize;
        (first, (first + 1).min(n - 1), at - first as f32)
    };
    let ((left, right, to_right), (top, bottom, down)) = (along(across, width), along(down, height));
    let at = |x: usize, y: usize| f32::from(map.values[y * width + x]) / 255.0;
    let row = |y: usize| at(left, y) * (1.0 - to_right) + at(right, y) * to_right;
    row(top) * (1.0 - down) + row(bottom) * down
}

/// The colour of a strength from 0 to 1, each part 0 to 255.
fn colour(strength: f32) -> [f32; 3] {
    let at = strength.clamp(0.0, 1.0) * (RAMP.len() - 1) as f32;
    let first = (at as usize).min(RAMP.len() - 2);
    let share = at - first as f32;
    std::array::from_fn(|c| f32::from(RAMP[first][c]) * (1.0 - share) + f32::from(RAMP[first + 1][c]) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(height: u32, width: u32, values: &[u8]) -> AttentionMapRow {
        AttentionMapRow { image_id: 1, label: "a".into(), height, width, values: values.to_vec() }
    }

    #[test]
    fn a_map_is_smooth_between_the_centres_of_its_places() {
        let map = map(1, 2, &[0, 255]);
        for (across, expected) in [(0.0, 0.0), (0.25, 0.0), (0.5, 0.5), (0.75, 1.0), (1.0, 1.0)] {
            assert!((enlarged(&map, across, 0.3) - expected).abs() < 1e-6, "{across}");
        }
    }

    #[test]
    fn colours_run_from_the_first_to_the_last() {
        assert_eq!(colour(0.0), RAMP[0].map(f32::from));
        assert_eq!(colour(1.0), RAMP[RAMP.len() - 1].map(f32::from));
        // Lighter with every step, so that they can be told apart without their hue.
        let light = |c: [f32; 3]| 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
        let steps: Vec<f32> = (0..=100).map(|i| light(colour(i as f32 / 100.0))).collect();
        assert!(steps.windows(2).all(|pair| pair[1] > pair[0]), "{steps:?}");
    }

    #[test]
    fn a_strong_place_is_lighter_than_a_weak_one_and_an_outline_lies_around() {
        let mut tile = RgbImage::new(8, 8);
        tile.data.fill(100);
        lay_over(&mut tile, &map(2, 2, &[0, 0, 0, 255]));
        assert!(tile.pixel(7, 7)[1] > tile.pixel(0, 0)[1] + 100);
        let mut region = Region::none(8);
        assert!(region.is_empty());
        let before = tile.clone();
        outline(&mut tile, &region);
        assert_eq!(tile, before, "nothing to outline");
        region = Region::of_rle(8, &crate::tables::rle::compress(&[27, 2, 35])).unwrap();
        outline(&mut tile, &region);
        assert_eq!((tile.pixel(3, 3), tile.pixel(3, 4)), (before.pixel(3, 3), before.pixel(3, 4)));
        for (x, y) in [(2, 3), (4, 4), (3, 2), (3, 5)] {
            assert_eq!(tile.pixel(x, y), OUTLINE, "{x} {y}");
        }
        assert_eq!(tile.pixel(2, 2), before.pixel(2, 2));
    }
}
