//! Equalizes lightness tile by tile, with limited contrast: CLAHE (Zuiderveld, "Contrast limited adaptive histogram
//! equalization", Graphics Gems IV, 1994).
//!
//! As albumentations 2.0.8's CLAHE: OpenCV's algorithm on L of its 8-bit L*a*b*, with the distance that
//! [`lab`](super::lab) has.

use std::fmt;
use std::ops::Range;

use super::histogram::{Counts, Histogram};
use super::lab::{LabTables, from_lab, to_lab};
use crate::augment::planes::{BLOCK, join, rounded, split};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clahe {
    /// How many times its even share a level may count, before the rest is dealt out to all levels.
    pub clip_limit: f64,
    /// Tiles along each side.
    pub tiles: usize,
}

impl Clahe {
    /// Draws the limit uniformly.
    pub fn draw(clip_limit: [f64; 2], tiles: i64, draws: &mut Draws) -> Self {
        Clahe { clip_limit: draws.range_f64(clip_limit[0], clip_limit[1]), tiles: tiles.max(1) as usize }
    }
}

impl Transform for Clahe {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let (width, height) = (image.width, image.height);
        if width == 0 || height == 0 {
            return;
        }
        let (lightness, tables) = (&mut scratch.bytes, &mut scratch.tables);
        lightness.clear();
        lightness.resize(width * height, 0);
        split_lightness(&mut image.data, lightness);

        let grid = Grid::of(width, height, self.tiles.max(1));
        tables.clear();
        tables.resize(grid.tiles * grid.tiles, [0; 256]);
        for (i, table) in tables.iter_mut().enumerate() {
            let mut counts = grid.histogram(lightness, i % grid.tiles, i / grid.tiles);
            limit(&mut counts, grid.limit(self.clip_limit));
            *table = running_share(&counts, grid.pixels());
        }
        interpolate(&grid, tables, lightness);
        join_lightness(&mut image.data, lightness);
    }
}

impl fmt::Display for Clahe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "clip_limit={:.2}", self.clip_limit)
    }
}

/// Turns the picture into L*a*b* and copies L.
#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn split_lightness(data: &mut [u8], lightness: &mut [u8]) {
    let tables = LabTables::get();
    for (part, lightness) in data.chunks_mut(BLOCK * 3).zip(lightness.chunks_mut(BLOCK)) {
        let mut planes = split(part);
        to_lab(tables, &mut planes);
        lightness.copy_from_slice(&planes[0][..lightness.len()]);
        join(&planes, part);
    }
}

/// The way back, with another L.
#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn join_lightness(data: &mut [u8], lightness: &[u8]) {
    let tables = LabTables::get();
    for (part, lightness) in data.chunks_mut(BLOCK * 3).zip(lightness.chunks(BLOCK)) {
        let mut planes = split(part);
        planes[0][..lightness.len()].copy_from_slice(lightness);
        from_lab(tables, &mut planes);
        join(&planes, part);
    }
}

/// Tiles over a picture that is mirrored to the right and below where they do not come out even.
struct Grid {
    width: usize,
    height: usize,
    tiles: usize,
    tile_width: usize,
    tile_height: usize,
}

impl Grid {
    fn of(width: usize, height: usize, tiles: usize) -> Self {
        let even = width.is_multiple_of(tiles) && height.is_multiple_of(tiles);
        // As OpenCV, which lengthens a side that is even by a whole pixel for each tile if the other one is not.
        let side = |side: usize| if even { side / tiles } else { side / tiles + 1 };
        Grid { width, height, tiles, tile_width: side(width), tile_height: side(height) }
    }

    fn pixels(&self) -> usize {
        self.tile_width * self.tile_height
    }

    /// The most that a level may count in a tile.
    fn limit(&self, clip_limit: f64) -> u32 {
        ((clip_limit * self.pixels() as f64 / 256.0) as u32).max(1)
    }

    fn histogram(&self, lightness: &[u8], tile_x: usize, tile_y: usize) -> Histogram {
        let mut counts = Counts::none();
        let (left, top) = (tile_x * self.tile_width, tile_y * self.tile_height);
        let right = left + self.tile_width;
        for y in top..top + self.tile_height {
            let row = &lightness[mirrored(y, self.height) * self.width..][..self.width];
            counts.add(&row[left.min(self.width)..right.min(self.width)]);
            for x in left.max(self.width)..right {
                counts.add(&[row[mirrored(x, self.width)]]);
            }
        }
        counts.total()
    }
}

/// Each value by the tables of the four tiles whose middles are nearest, in 32-bit floats as in OpenCV.
#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn interpolate(grid: &Grid, tables: &[[u8; 256]], lightness: &mut [u8]) {
    let (across, down) = (1.0 / grid.tile_width as f32, 1.0 / grid.tile_height as f32);
    for rows in Between::all(grid.height, down, grid.tiles) {
        for columns in Between::all(grid.width, across, grid.tiles) {
            let [above, below] = [rows.first, rows.last].map(|row| &tables[row * grid.tiles..][..grid.tiles]);
            let corners = corners([
                &above[columns.first],
                &above[columns.last],
                &below[columns.first],
                &below[columns.last],
            ]);
            for y in rows.places.clone() {
                let row = &mut lightness[y * grid.width..][columns.places.clone()];
                mix(row, &corners, rows.share(y), &columns);
            }
        }
    }
}

/// Four tables as one: one look-up instead of four.
#[inline(always)]
fn corners([a, b, c, d]: [&[u8; 256]; 4]) -> [u32; 256] {
    let mut corners = [0; 256];
    for i in 0..256 {
        corners[i] = u32::from_le_bytes([a[i], b[i], c[i], d[i]]);
    }
    corners
}

/// Values that are mixed at once.
const LANES: usize = 32;

#[inline(always)]
fn mix(row: &mut [u8], corners: &[u32; 256], low: f32, columns: &Between) {
    let high = 1.0 - low;
    for (n, part) in row.chunks_mut(LANES).enumerate() {
        let mut four = [0; LANES];
        for (four, &level) in four.iter_mut().zip(&*part) {
            *four = corners[usize::from(level)];
        }
        let mut mixed = [0; LANES];
        for i in 0..LANES {
            let [a, b, c, d] = [0, 8, 16, 24].map(|bits| ((four[i] >> bits) & 255) as i32 as f32);
            let right = columns.share(columns.places.start + n * LANES + i);
            let left = 1.0 - right;
            mixed[i] = rounded((a * left + b * right) * high + (c * left + d * right) * low);
        }
        part.copy_from_slice(&mixed[..part.len()]);
    }
}

/// Rows or columns between the middles of two tiles, or before the first or behind the last.
struct Between {
    places: Range<usize>,
    /// Tiles.
    first: usize,
    last: usize,
    /// Of a tile's side.
    inverse: f32,
    /// The middle of the first tile in sides of tiles, -1 before it.
    middle: f32,
}

impl Between {
    fn all(side: usize, inverse: f32, tiles: usize) -> impl Iterator<Item = Between> {
        let mut start = 0;
        std::iter::from_fn(move || {
            if start == side {
                return None;
            }
            let tile = |place: usize| {
                let position = place as f32 * inverse - 0.5;
                if position < 0.0 { -1 } else { position as i32 }
            };
            let index = tile(start);
            let end = (start..side).find(|&place| tile(place) != index).unwrap_or(side);
            let places = start..end;
            start = end;
            let first = (index.max(0) as usize).min(tiles - 1);
            let last = ((index + 1) as usize).min(tiles - 1);
            Some(Between { places, first, last, inverse, middle: index as f32 })
        })
    }

    /// Weight of the second tile.
    #[inline(always)]
    fn share(&self, place: usize) -> f32 {
        place as i32 as f32 * self.inverse - 0.5 - self.middle
    }
}

/// Where a place behind the end lies in the picture: mirrored, the border pixel not repeated.
fn mirrored(place: usize, side: usize) -> usize {
    if place < side {
        return place;
    }
    let period = 2 * (side - 1);
    if period == 0 {
        return 0;
    }
    let place = place % period;
    place.min(period - place)
}

/// Cuts counts to `most` and deals the rest out evenly: what is left over goes to levels at even distances.
fn limit(counts: &mut Histogram, most: u32) {
    let mut rest = 0;
    for count in counts.iter_mut() {
        rest += count.saturating_sub(most);
        *count = (*count).min(most);
    }
    let (each, over) = (rest / 256, rest % 256);
    for count in counts.iter_mut() {
        *count += each;
    }
    if let Some(step) = 256_u32.checked_div(over) {
        for count in counts.iter_mut().step_by(step as usize).take(over as usize) {
            *count += 1;
        }
    }
}

/// The running sum as a level.
fn running_share(counts: &Histogram, pixels: usize) -> [u8; 256] {
    let scale = 255.0 / pixels as f32;
    let mut sum = 0;
    counts.map(|count| {
        sum += count;
        rounded(sum as f32 * scale)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_mirrored() {
        let places = |side| (0..10).map(|place| mirrored(place, side)).collect::<Vec<_>>();
        assert_eq!(places(4), [0, 1, 2, 3, 2, 1, 0, 1, 2, 3]);
        assert_eq!(places(2), [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
        assert_eq!(places(1), [0; 10]);
    }

    #[test]
    fn nothing_is_lost_by_the_limit() {
        for most in [1, 3, 10, 1000] {
            let mut counts: Histogram = std::array::from_fn(|i| (i * i % 37) as u32);
            let before: u32 = counts.iter().sum();
            limit(&mut counts, most);
            assert_eq!(counts.iter().sum::<u32>(), before, "{most}");
        }
    }

    /// Every row belongs to one stretch.
    #[test]
    fn stretches_cover_a_side() {
        for (side, tiles) in [(1, 1), (1, 8), (64, 8), (100, 7), (5, 9)] {
            let stretches: Vec<_> = Between::all(side, tiles as f32 / side as f32, tiles).collect();
            let places: Vec<_> = stretches.iter().flat_map(|stretch| stretch.places.clone()).collect();
            assert_eq!(places, (0..side).collect::<Vec<_>>());
            assert!(stretches.iter().all(|stretch| stretch.last < tiles && stretch.first <= stretch.last));
        }
    }
}
